/** The loops beside the gate: fetch the policy and the terms, hand in the usage. */

import { Pause, againSecondsMax } from "../access/pauses.js";
import { RefusalError } from "../errors.js";
import { spoken } from "../site/gate.js";

export const POLL_SECONDS = 30;
export const REPORT_SECONDS = 30;
export const TERMS_SECONDS = 300;
export const NOTICE_SECONDS = 300;

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
   * Do something now, and again so many seconds after it was done; after one, two, four and so on
   * where it failed. What hinders it is said once, until it is something else.
   * @param {number} seconds
   * @param {() => Promise<unknown>} act
   * @param {() => boolean} [isAwaited] crawlers wait for it, so that it is tried again within two seconds
   */
  every(seconds, act, isAwaited = () => false) {
    void this.#round({ seconds, act, isAwaited, pause: new Pause() }, "");
  }

  /**
   * @param {{seconds: number, act: () => Promise<unknown>, isAwaited: () => boolean, pause: Pause}} round
   * @param {string} before what hindered it the last time
   */
  async #round(round, before) {
    let said = "";
    let { seconds } = round;
    try {
      await round.act();
      round.pause.reset();
    } catch (error) {
      said = error instanceof RefusalError ? spoken(error) : String(error);
      if (said !== before) this.#log(`a background round failed: ${said}`);
      seconds = round.pause.lengthen(0, againSecondsMax(seconds, round.isAwaited()));
    }
    if (this.#isOver) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#round(round, said);
    }, seconds * 1000);
    timer.unref();
    this.#timers.add(timer);
  }

  stop() {
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
