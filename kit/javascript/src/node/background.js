/** The loops beside the gate: fetch the policy and the terms, hand in the usage. */

import { RefusalError } from "../errors.js";
import { spoken } from "../site/gate.js";

export const POLL_SECONDS = 30;
export const REPORT_SECONDS = 30;
export const TERMS_SECONDS = 300;
export const NOTICE_SECONDS = 300;
const AGAIN_SECONDS_MAX = 30; // after a round that failed

/** Runs as long as the process does, and keeps it alive for nothing. */
export class Background {
  /** @type {Set<NodeJS.Timeout>} */
  #timers = new Set();
  #isOver = false;
  #log;

  /** @param {(line: string) => void} log */
  constructor(log) {
    this.#log = log;
  }

  /**
   * Do something now, and again so many seconds after it was done. What hinders it is said once,
   * until it is something else.
   * @param {number} seconds
   * @param {() => Promise<unknown>} act
   * @param {string} [before] what hindered it the last time
   */
  async every(seconds, act, before = "") {
    let said = "";
    try {
      await act();
    } catch (error) {
      said = error instanceof RefusalError ? spoken(error) : String(error);
      if (said !== before) this.#log(`a background round failed: ${said}`);
    }
    if (this.#isOver) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.every(seconds, act, said);
    }, (said ? Math.min(seconds, AGAIN_SECONDS_MAX) : seconds) * 1000);
    timer.unref();
    this.#timers.add(timer);
  }

  stop() {
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
