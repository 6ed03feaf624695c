/** How long a program waits before it asks again what it asked in vain: a capped, doubling pause. */

const SECONDS_MAX = 300;
const AGAIN_SECONDS_MAX = 30;
const AWAITED_SECONDS_MAX = 2;

export class Pause {
  #seconds = 0;
  #until = -Infinity;

  /** @param {number} now seconds of a clock that never goes back */
  isOver(now) {
    return now >= this.#until;
  }

  /**
   * Wait twice as long as the last time, and no longer than so; return how long.
   * @param {number} now
   * @param {number} [secondsMax]
   */
  lengthen(now, secondsMax = SECONDS_MAX) {
    this.#seconds = Math.min(this.#seconds * 2 || 1, secondsMax);
    this.#until = now + this.#seconds;
    return this.#seconds;
  }

  reset() {
    this.#seconds = 0;
    this.#until = -Infinity;
  }
}

/**
 * Return how long the pause may become of what goes on beside a gate. It is short where crawlers wait
 * for it: for the first policy.
 * @param {number} every seconds, where it goes well
 * @param {boolean} isAwaited
 */
export function againSecondsMax(every, isAwaited) {
  return Math.min(every, isAwaited ? AWAITED_SECONDS_MAX : AGAIN_SECONDS_MAX);
}
