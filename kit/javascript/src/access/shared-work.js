/**
 * What one request begins and others wait for as well. In Workers a request whose client hangs up
 * never settles what it began: so nobody waits for another's work beyond a limit.
 */

const SECONDS_MAX = 10;

/** @typedef {{begunAt: number, ended: Promise<void>}} Work */

/** An act that is done once at a time, however many want it done. */
export class SharedWork {
  /** @type {Work | null} */
  #work = null;
  #act;
  #seconds;

  /**
   * @param {() => Promise<void>} act
   * @param {() => number} [seconds] a clock
   */
  constructor(act, seconds = () => performance.now() / 1000) {
    this.#act = act;
    this.#seconds = seconds;
  }

  /**
   * Begin the act and return it, null where it is under way: begun no longer ago than the limit.
   * @returns {Promise<void> | null}
   */
  begin() {
    if (this.#work !== null && this.#left(this.#work) > 0) return null;
    return this.#begun().ended;
  }

  /**
   * Wait for the act that is under way, or do it. What another began and did not end in time is begun
   * anew, once: what keeps one's own has limits of its own, and may still end behind. Rejects as the
   * act does.
   * @returns {Promise<boolean>} whether it ended
   */
  async ended() {
    const isMine = this.begin() !== null;
    if (await this.#isOver(this.#work)) return true;
    if (isMine) return false;
    this.begin();
    return this.#isOver(this.#work);
  }

  /** @param {Work | null} work */
  async #isOver(work) {
    if (work === null || (await within(work.ended, this.#left(work)))) return true;
    if (this.#work === work) this.#work = null; // whatever the clock says by now
    return false;
  }

  #begun() {
    /** @type {Work} */
    const work = { begunAt: this.#seconds(), ended: this.#act() };
    const end = () => {
      if (this.#work === work) this.#work = null;
    };
    this.#work = work;
    work.ended.then(end, end);
    return work;
  }

  /**
   * Return for how many seconds more some work is waited for; a clock that was set back ends it.
   * @param {Work} work
   */
  #left({ begunAt }) {
    return SECONDS_MAX - Math.abs(this.#seconds() - begunAt);
  }
}

/**
 * Wait until something has ended, or so many seconds; tell whether it has. Rejects as it does.
 * @param {Promise<unknown>} work
 * @param {number} seconds
 * @returns {Promise<boolean>}
 */
export async function within(work, seconds) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Promise<false>} */
  const late = new Promise((done) => {
    timer = setTimeout(() => done(false), Math.max(seconds, 0) * 1000);
  });
  try {
    return await Promise.race([work.then(() => /** @type {const} */ (true)), late]);
  } finally {
    clearTimeout(timer);
  }
}
