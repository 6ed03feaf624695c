/** Writes down what a licensed answer came to, before its last byte leaves. */

import { RefusalError } from "../errors.js";
import { counts } from "./events.js";
import { LeavesUnseenError } from "./refusals.js";

/** One answer, recorded once: as usage if it is a 2xx with a body, and as a visit. */
export class Recording {
  #isDone = false;
  #gate;
  #visit;

  /**
   * @param {import("./gate.js").Gate} gate
   * @param {import("./gate.js").Visit} visit
   */
  constructor(gate, visit) {
    this.#gate = gate;
    this.#visit = visit;
  }

  /**
   * Record the answer, unless it has been, or throw the refusal: what cannot be recorded is not
   * served. A site that only observes serves as well what it cannot record.
   * @param {number} status
   * @param {number} bodyBytes
   * @returns {Promise<void> | null} null where nothing has to be waited for
   */
  record(status, bodyBytes) {
    if (this.#isDone) return null;
    this.#isDone = true;
    if (counts(status, bodyBytes)) return this.#append(status, bodyBytes);
    this.#gate.countServed(this.#visit, false);
    return null;
  }

  /**
   * Return the refusal of an answer in whose place the server in front would deliver another page:
   * nobody could say which bytes of what. It is recorded as that; null where a site only observes.
   */
  refuseUnseen() {
    const [gate, { ask }] = [this.#gate, this.#visit];
    const refusal = new LeavesUnseenError();
    if (!this.#isDone) {
      gate.log(`${ask.url}: ${refusal.code}: ${refusal.told}`);
      gate.countRefused(ask.agent, refusal);
    }
    this.#isDone = true;
    return gate.isObserving ? null : refusal;
  }

  /**
   * Record an answer that broke off, most often by a hang-up: what was taken was taken.
   * @param {number} status
   * @param {number} bodyBytes
   */
  async recordCutShort(status, bodyBytes) {
    try {
      await this.record(status, bodyBytes);
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error; // that one is in the log
    }
  }

  /**
   * @param {number} status
   * @param {number} bodyBytes
   */
  async #append(status, bodyBytes) {
    const [gate, visit] = [this.#gate, this.#visit];
    try {
      await gate.store.append(gate.line(visit, status, bodyBytes));
    } catch (error) {
      const refusal = error instanceof RefusalError ? error : null;
      gate.log(`usage could not be recorded: ${refusal?.told ?? String(error)}`);
      if (refusal === null) throw error;
      gate.countRefused(visit.ask.agent, refusal);
      if (!gate.isObserving) throw refusal;
      return;
    }
    gate.countServed(visit, true);
  }
}
