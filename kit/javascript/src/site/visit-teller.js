/** Tells one node what one site counted of its visits; what the node did not take is told again. */

import { answered } from "../access/wire.js";
import { RefusalError } from "../errors.js";
import { DAYS_KEPT, dayOf } from "./visits.js";

export const TELL_SECONDS = 30;
export const KIT = "federation-site for JavaScript 0.1.0";
const ROWS_MAX = 5_000; // of one report

/** The node did not take what the site told of its visits. */
export class VisitsNotTakenError extends RefusalError {
  static code = "VISITS_NOT_TAKEN";
  static headline = "The node did not take what the site told of its visits.";
}

export class VisitTeller {
  #counts;
  #reach;
  #config;
  #policy;
  #isUnknown = false;

  /**
   * @param {import("./visits.js").VisitCounts} counts
   * @param {import("./policy-source.js").Reach} reach
   * @param {import("./config.js").SiteConfig} config
   * @param {{current(): import("./rulings.js").HeldPolicy | null}} policy
   */
  constructor(counts, reach, config, policy) {
    this.#counts = counts;
    this.#reach = reach;
    this.#config = config;
    this.#policy = policy;
  }

  /**
   * Add up what this process counted, and tell the node what it lacks. Days to come, counted while the
   * clock was wrong, wait until they have come: a node takes none of a report that names one. Nor of one with a day long past.
   */
  async tick() {
    const { store, clock } = this.#reach;
    const [first, last] = [dayOf(clock() - DAYS_KEPT * 86_400), dayOf(clock() + 86_400)];
    await this.#counts.addUp();
    const waiting = await store.waiting();
    for (const [at, { series, counts: found }] of (await store.untoldVisits()).entries()) {
      const counts = found.filter(({ day }) => first <= day && day <= last);
      if (at > 0 && counts.length === 0) continue;
      for (let from = 0; from === 0 || from < counts.length; from += ROWS_MAX) {
        const part = counts.slice(from, from + ROWS_MAX);
        if (!(await this.#isTaken({ series, waiting, counts: part }))) return;
      }
      await store.toldVisits(series, counts);
    }
  }

  /**
   * Tell the node; return whether it hears of visits. An older one does not: said once.
   * @param {import("./visits.js").Told & {waiting: number}} said
   */
  async #isTaken(said) {
    const { bearer, ask, log } = this.#reach;
    const signedAt = this.#policy.current()?.checked.site.iat;
    const report = {
      ...{ ...said, kit: KIT, mode: this.#config.mode },
      policy_at: signedAt === undefined ? null : new Date(signedAt * 1000).toISOString(),
    };
    const answer = await ask({
      method: "POST",
      url: `${this.#config.node.replace(/\/+$/, "")}/visits`,
      headers: {
        authorization: `Bearer ${await bearer.current()}`,
        "content-type": "application/json",
      },
      body: JSON.stringify(report),
    });
    if (answer.status === 401) bearer.refused();
    if (answer.status === 404) {
      if (!this.#isUnknown) log("the node takes no counts of visits yet: they wait for its upgrade");
      this.#isUnknown = true;
      return false;
    }
    if (answer.status !== 200) throw new VisitsNotTakenError(answered(answer));
    this.#isUnknown = false;
    return true;
  }
}
