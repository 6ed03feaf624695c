/**
 * What a gate keeps beyond one request, and what it may rely on. On Node it is a directory
 * (`node/disk-store.js`); elsewhere the publisher hands one.
 *
 * - `takeNonce`: **at most once.** Of any number of calls with one nonce, at the same time or not and
 *   from any process, at most one returns, until the proof's `forgottenAt`. A store that cannot
 *   promise that, as an eventually consistent one, lets a captured request be served again for as
 *   long as its copies differ. Refusals: ReplayedRequestError, NoncesOfLabFullError, NoncesFullError,
 *   NonceStoreError.
 * - `append`: when it returns, the line outlives the process; the page is served only then. So a page
 *   that was served whole is counted **at least once**; a line that is handed in twice has one
 *   `event_id`, by which the node counts it once.
 * - `batches`: freezes what was appended. A batch of an id never changes its bytes and stays until it
 *   is acknowledged, so that the node takes it **once**, by its Idempotency-Key.
 * - `load` and `save`: small texts by name (`policy.jwt`, `keys.json`, `license.xml`). A stale one
 *   costs nothing but a pull; what is loaded is checked as if it came from a stranger.
 * - `addVisits`, `untoldVisits`, `toldVisits`: totals of days (`visits.js`), each series changed by one
 *   at a time. Of a call that throws nothing is added, unless only its answer was lost:
 *   then these visits, which nobody is paid by, count twice. What is lost or broken begins another series.
 *
 * @typedef {object} Store
 * @property {(proof: import("../signing/signatures.js").Proof, lab: string, instant: number)
 *   => Promise<void>} takeNonce
 * @property {(line: string) => Promise<void>} append one line of NDJSON, without its end
 * @property {() => Promise<boolean>} hasRoom whether another line could be recorded; one
 *   that knows why not may throw a SpoolError
 * @property {() => Promise<Batch[]>} batches oldest first
 * @property {(batch: Batch) => Promise<void>} acknowledge forgets a batch that the node has taken
 * @property {() => Promise<number>} waiting how many lines the node has not taken yet
 * @property {(counted: import("./visits.js").VisitCount[]) => Promise<void>} addVisits
 * @property {() => Promise<import("./visits.js").Told[]>} untoldVisits at least one, of no counts where
 *   there is nothing to tell
 * @property {(series: string, counts: import("./visits.js").VisitCount[]) => Promise<void>} toldVisits
 * @property {(name: string) => Promise<string | null>} load
 * @property {(name: string, text: string) => Promise<void>} save
 *
 * @typedef {object} Batch its id is the key of every attempt to send it
 * @property {string} id
 * @property {() => Promise<Uint8Array<ArrayBuffer> | null>} read lines of NDJSON; null where they cannot
 *   be read now, so that it waits
 */

import { NonceBook } from "./nonces.js";
import { added, newBook, told, untold } from "./visits.js";

const LINES_MAX = 100_000;
const BATCH_LINES_MAX = 5_000;

/** A store in memory: for tests, and for a site of one process that may forget. */
export class MemoryStore {
  /** @type {string[]} */
  #lines = [];
  /** @type {Map<string, string>} */
  #batches = new Map();
  /** @type {Map<string, string>} */
  #texts = new Map();
  #nonces = new NonceBook();
  #visits = newBook();

  /** @type {Store["takeNonce"]} */
  async takeNonce(proof, lab, instant) {
    this.#nonces.take(proof, lab, instant);
  }

  /** @type {Store["append"]} */
  async append(line) {
    this.#lines.push(line);
  }

  /** @type {Store["hasRoom"]} */
  async hasRoom() {
    return this.#lines.length + this.#batches.size * BATCH_LINES_MAX < LINES_MAX;
  }

  /** @type {Store["batches"]} */
  async batches() {
    while (this.#lines.length > 0) {
      const lines = this.#lines.splice(0, BATCH_LINES_MAX);
      this.#batches.set(crypto.randomUUID(), `${lines.join("\n")}\n`);
    }
    return [...this.#batches].map(([id, text]) => ({
      id,
      read: async () => new TextEncoder().encode(text),
    }));
  }

  /** @type {Store["acknowledge"]} */
  async acknowledge({ id }) {
    this.#batches.delete(id);
  }

  /** @type {Store["waiting"]} */
  async waiting() {
    const frozen = [...this.#batches.values()].map((text) => text.split("\n").length - 1);
    return frozen.reduce((sum, lines) => sum + lines, this.#lines.length);
  }

  /** @type {Store["addVisits"]} */
  async addVisits(counted) {
    this.#visits = added(this.#visits, counted);
  }

  /** @type {Store["untoldVisits"]} */
  async untoldVisits() {
    return [untold(this.#visits)];
  }

  /** @type {Store["toldVisits"]} */
  async toldVisits(series, counts) {
    if (series === this.#visits.series) this.#visits = told(this.#visits, counts);
  }

  /** @type {Store["load"]} */
  async load(name) {
    return this.#texts.get(name) ?? null;
  }

  /** @type {Store["save"]} */
  async save(name, text) {
    this.#texts.set(name, text);
  }
}

/** @type {WeakMap<Store, Set<string>>} names of texts that cannot be read: each is said once */
const unread = new WeakMap();

/**
 * Return a text that was kept, null where it is none or cannot be read: that is no reason to end.
 * @param {Store} store
 * @param {string} name
 * @param {(line: string) => void} log
 */
export async function loaded(store, name, log) {
  const said = unread.get(store) ?? new Set();
  unread.set(store, said);
  try {
    const text = await store.load(name);
    said.delete(name);
    return text;
  } catch (error) {
    if (said.has(name)) return null;
    said.add(name);
    log(`${name} cannot be read where it was kept: ${String(error)}`);
    return null;
  }
}
