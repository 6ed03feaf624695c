/**
 * Counts what became of crawlers' visits: totals of days that only grow, of one series.
 *
 * Whoever keeps them begins a series with a name of its own; the node keeps the larger of two totals
 * of a series and adds up series. So a report that comes twice, late or out of order changes nothing.
 */

export const SERVED = "SERVED"; // licensed, and counted as usage
export const NOT_COUNTED = "NOT_COUNTED"; // licensed, and no page: a redirect, an error, HEAD
const SOON_SECONDS = 5;
const HANDED_SECONDS_MAX = 30; // as long as a worker may go on behind an answer
export const DAYS_KEPT = 30; // a node takes days of 35 days back
const ROWS_OF_A_DAY = 2_000; // a node takes 5,000 of all sites of a member
const REST = "other";

/**
 * @typedef {object} VisitCount How many visits of a crawler ended so on a day (UTC), as told.
 * @property {string} day as 2026-11-26
 * @property {string} agent the crawler as the list names it, `unnamed` or `other`
 * @property {string} outcome SERVED, NOT_COUNTED, or the code of a refusal
 * @property {boolean} let_through the site only observes: it served what it would have refused
 * @property {number} count
 */
/**
 * @typedef {object} Book What is kept of one series. `untold` are days of which the node does not
 *   have the last count.
 * @property {string} series
 * @property {VisitCount[]} rows
 * @property {string[]} untold
 */
/** @typedef {{series: string, counts: VisitCount[]}} Told */

/** What one process counted and has not handed to its store yet. */
export class VisitCounts {
  /** @type {Map<string, VisitCount>} */
  #new = new Map();
  /** @type {Set<{rows: VisitCount[], since: number}>} what the store has not said it has */
  #handed = new Set();
  #addedAt = -Infinity;
  #parts;

  /**
   * `soon` takes work that goes on behind an answer, where a process may end without a word: what
   * is counted is then added a few seconds later at most.
   * @param {{store: import("./store.js").Store, clock: () => number,
   *   soon?: ((act: () => Promise<void>) => void) | undefined}} parts
   */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * Count a visit that was refused, or would have been by a site that only observes.
   * @param {string} agent
   * @param {string} code
   * @param {boolean} letThrough
   */
  refused(agent, code, letThrough) {
    this.#count(agent, code, letThrough);
  }

  /**
   * Count a licensed visit; `isCounted` says that it brought a page that counts as usage.
   * @param {string} agent
   * @param {boolean} isCounted
   * @param {number} [at] seconds: when it began
   */
  licensed(agent, isCounted, at) {
    this.#count(agent, isCounted ? SERVED : NOT_COUNTED, false, at);
  }

  /**
   * Add what was counted to the store; what cannot be added stays counted here. So does that of which
   * nothing is heard: the request that began it may have ended without a word.
   */
  async addUp() {
    const now = this.#parts.clock();
    for (const handed of this.#handed) {
      if (Math.abs(now - handed.since) >= HANDED_SECONDS_MAX) this.#takeBack(handed);
    }
    if (this.#new.size === 0) return;
    const handed = { rows: [...this.#new.values()], since: now };
    this.#new = new Map();
    this.#handed.add(handed);
    try {
      await this.#parts.store.addVisits(handed.rows);
      this.#handed.delete(handed);
    } catch (error) {
      this.#takeBack(handed);
      throw error;
    }
  }

  /** @param {{rows: VisitCount[], since: number}} handed */
  #takeBack(handed) {
    if (this.#handed.delete(handed)) handed.rows.forEach((row) => this.#add(row));
  }

  /**
   * @param {string} agent
   * @param {string} outcome
   * @param {boolean} letThrough
   * @param {number} [at]
   */
  #count(agent, outcome, letThrough, at) {
    const { clock, soon } = this.#parts;
    const now = clock();
    this.#add({ day: dayOf(at ?? now), agent, outcome, let_through: letThrough, count: 1 });
    if (soon === undefined || now < this.#addedAt + SOON_SECONDS) return;
    this.#addedAt = now;
    soon(() => this.addUp());
  }

  /** @param {VisitCount} row */
  #add(row) {
    const known = this.#new.get(keyOf(row));
    if (known === undefined) this.#new.set(keyOf(row), row);
    else known.count += row.count;
  }
}

/**
 * Begin a series.
 * @returns {Book}
 */
export function newBook() {
  return { series: crypto.randomUUID().replaceAll("-", ""), rows: [], untold: [] };
}

/**
 * Return a book with what was counted since. The newest days are kept, however far apart: a clock that
 * was ahead drops no day of now, which would begin at nothing again, in a series of which the node has
 * more. Names beyond the limit of a day are counted as others.
 * @param {Book} book
 * @param {VisitCount[]} counted
 * @returns {Book}
 */
export function added(book, counted) {
  const rows = new Map(book.rows.map((row) => [keyOf(row), { ...row }]));
  /** @type {Map<string, number>} */
  const ofDay = new Map();
  for (const { day } of rows.values()) ofDay.set(day, (ofDay.get(day) ?? 0) + 1);
  for (const row of counted) {
    const isRoom = (ofDay.get(row.day) ?? 0) < ROWS_OF_A_DAY || rows.has(keyOf(row));
    const named = isRoom ? row : { ...row, agent: REST };
    const known = rows.get(keyOf(named));
    if (known === undefined) {
      rows.set(keyOf(named), { ...named });
      ofDay.set(row.day, (ofDay.get(row.day) ?? 0) + 1);
    } else {
      known.count += row.count;
    }
  }
  const days = [...new Set([...rows.values()].map(({ day }) => day))].sort().slice(-DAYS_KEPT);
  const untold = new Set([...book.untold, ...counted.map(({ day }) => day)]);
  return {
    series: book.series,
    rows: [...rows.values()].filter(({ day }) => days.includes(day)),
    untold: [...untold].filter((day) => days.includes(day)).sort(),
  };
}

/**
 * Return the totals of days of which the node lacks the last count.
 * @param {Book} book
 * @returns {Told}
 */
export function untold({ series, rows, untold: days }) {
  return { series, counts: rows.filter(({ day }) => days.includes(day)) };
}

/**
 * Return a book that notes what the node has by now; a day on which more was counted since stays.
 * @param {Book} book
 * @param {VisitCount[]} counts
 * @returns {Book}
 */
export function told(book, counts) {
  const had = new Map(counts.map((row) => [keyOf(row), row.count]));
  const more = book.rows.filter((row) => had.get(keyOf(row)) !== row.count).map(({ day }) => day);
  return { ...book, untold: book.untold.filter((day) => more.includes(day)) };
}

/**
 * Read a book that was kept, null where it is none; then another series is begun.
 * @param {string | null} text
 * @returns {Book | null}
 */
export function readBook(text) {
  try {
    const { series, rows, untold: days } = JSON.parse(text ?? "");
    const isWhole =
      /^[0-9a-f]{32}$/.test(series) &&
      rows.every(isRow) &&
      days.every((/** @type {unknown} */ day) => typeof day === "string");
    return isWhole ? { series, rows, untold: days } : null;
  } catch {
    return null;
  }
}

/** @param {VisitCount} row */
function isRow({ day, agent, outcome, let_through: letThrough, count }) {
  const isText = [day, agent, outcome].every((text) => typeof text === "string");
  return isText && typeof letThrough === "boolean" && Number.isSafeInteger(count) && count > 0;
}

/** @param {VisitCount} row */
function keyOf({ day, agent, outcome, let_through: letThrough }) {
  return JSON.stringify([day, agent, outcome, letThrough]);
}

/** @param {number} instant seconds */
export function dayOf(instant) {
  return new Date(instant * 1000).toISOString().slice(0, 10);
}
