/** What is done again and again by requests that come, where no process runs loops beside them. */

import { Pause, againSecondsMax } from "./pauses.js";
import { SharedWork } from "./shared-work.js";

/** Something that is due so many seconds after it was begun and went well; sooner where it failed. */
export class Round {
  #pause = new Pause();
  #dueAt = -Infinity;
  #work;
  #seconds;

  /**
   * @param {() => Promise<boolean>} act tells whether it went well
   * @param {{every: number, seconds: () => number, isAwaited?: () => boolean}} how `isAwaited`: crawlers
   *   wait for it, so that it is tried again within two seconds
   */
  constructor(act, { every, seconds, isAwaited = () => false }) {
    this.#seconds = seconds;
    this.#work = new SharedWork(async () => {
      const begunAt = seconds();
      if (await act()) {
        this.#pause.reset();
        this.#dueAt = begunAt + every;
      } else {
        this.#pause.lengthen(seconds(), againSecondsMax(every, isAwaited()));
      }
    }, seconds);
  }

  /** Begin it where it is due, and return it; null where it is not, or is under way. */
  begin() {
    return this.#isDue() ? this.#work.begin() : null;
  }

  /** Wait for it where it is under way or due. */
  async ended() {
    if (this.#isDue()) await this.#work.ended();
  }

  #isDue() {
    const now = this.#seconds();
    return now >= this.#dueAt && this.#pause.isOver(now);
  }
}
