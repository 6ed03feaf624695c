/** How long a program waits before it asks again what it asked in vain: a capped, doubling pause. */

const SECONDS_MAX = 300;

export class Pause {
  #seconds = 0;
  #until = -Infinity;

  /** @param {number} now seconds of a clock that never goes back */
  isOver(now) {
    return now >= this.#until;
  }

  /** @param {number} now */
  lengthen(now) {
    this.#seconds = Math.min(this.#seconds * 2 || 1, SECONDS_MAX);
    this.#until = now + this.#seconds;
  }

  reset() {
    this.#seconds = 0;
    this.#until = -Infinity;
  }
}
