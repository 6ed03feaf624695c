/**
 * The keys of node and hub as a site knows them: pinned at its installation, followed from there.
 *
 * Each says in its entity configuration which keys it has now; a site believes one that is signed
 * with a key it knows. What it learned by is kept as it was signed, so that nothing that was kept is
 * believed without the pins.
 */

import { RefusalError } from "../errors.js";
import { readNamed } from "../signing/entity-statements.js";
import { InvalidTokenError } from "../signing/jose.js";

const LEARNED_MAX = 200; // changes of one party; its keys are pinned anew long before

/** @typedef {import("../signing/keys.js").Keys} Keys */
/** @typedef {import("../signing/entity-statements.js").Statement} Statement */

/** The keys of one party, from its pins on. */
export class KnownKeys {
  /** @type {string[]} */
  learned = [];
  /** @type {Statement | null} */
  #last = null;
  #pinned;
  #log;

  /**
   * @param {Keys} pinned
   * @param {(line: string) => void} log
   */
  constructor(pinned, log) {
    this.#pinned = pinned;
    this.#log = log;
    this.keys = pinned;
  }

  /**
   * Follow what was learned before, the oldest first.
   * @param {unknown} learned
   */
  async follow(learned) {
    if (!Array.isArray(learned) || learned.length > LEARNED_MAX) return;
    for (const signed of learned) {
      const says = typeof signed === "string" ? await this.read(signed) : null;
      if (says !== null) await this.learn(signed, says);
    }
  }

  /**
   * Return what the party says of itself, null where it says nothing or is not believed.
   * @param {string} signed
   */
  async read(signed) {
    if (signed === "") return null;
    const says = await named(signed, this.keys);
    if (says === null) {
      this.#log("a statement about keys is left aside");
      return null;
    }
    const last = this.#last;
    return last !== null && (says.iat < last.iat || says.sub !== last.sub) ? null : says;
  }

  /**
   * Know the keys that a statement names from now on; tell whether they are others.
   * @param {string} signed
   * @param {Statement} says
   */
  async learn(signed, says) {
    const isNews =
      says.keys.size !== this.keys.size || [...says.keys.keys()].some((kid) => !this.keys.has(kid));
    this.#last = says;
    if (isNews) {
      this.keys = says.keys;
      this.learned = [...this.learned, signed];
      if (this.learned.length > LEARNED_MAX) await this.#shorten();
    }
    return isNews;
  }

  /** Leave out the oldest statement without which the others still follow from the pins. */
  async #shorten() {
    let before = this.#pinned;
    for (const [place, signed] of this.learned.slice(0, -1).entries()) {
      if ((await named(this.learned[place + 1] ?? "", before)) !== null) {
        this.learned.splice(place, 1);
        return;
      }
      before = (await named(signed, before))?.keys ?? before;
    }
    this.learned.pop();
    this.#log("more changes of keys than are kept: pin the present ones anew");
  }
}

/**
 * @param {string} signed
 * @param {Keys} keys
 */
async function named(signed, keys) {
  try {
    return await readNamed(signed, keys);
  } catch (error) {
    if (!(error instanceof InvalidTokenError) && !(error instanceof RefusalError)) throw error;
    return null;
  }
}
