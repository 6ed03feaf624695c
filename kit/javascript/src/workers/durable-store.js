/**
 * A store in one Durable Object of Cloudflare for each site. `SiteStorage` is what happens inside it,
 * where one thing happens at a time; `durableStore` asks it from a worker.
 *
 * It was tried in workerd, the runtime of Cloudflare, with its own storage; not at Cloudflare.
 */

import {
  NonceStoreError,
  NoncesFullError,
  NoncesOfLabFullError,
  ReplayedRequestError,
} from "../site/refusals.js";
import { GRACE_SECONDS, NONCES_MAX, SET_BACK } from "../site/nonces.js";
import { added, newBook, readBook, told, untold } from "../site/visits.js";

const KEYS_MAX = 128; // of one call
const VALUE_CHARS_MAX = 30_000; // a value has 128 KiB, a character four bytes at most
const BATCH_BYTES_MAX = 100_000;
const BATCHES_MAX = 100; // some 12 MiB: a worker has 128 MB, and comes again for the others
const LINES_MAX = 200_000;
const VISITS = "visits.json";

/**
 * @typedef {object} Storage What is used of `DurableObjectStorage`.
 * @property {(key: string) => Promise<any>} get
 * @property {(key: string, value: unknown) => Promise<void>} put
 * @property {(keys: string[]) => Promise<unknown>} delete
 * @property {(how: {prefix: string, end?: string, limit?: number}) => Promise<Map<string, any>>} list
 * @property {<T>(act: (storage: Storage) => Promise<T>) => Promise<T>} transaction
 */
/** @typedef {{held: number, labs: Record<string, number>, droppedTo?: number}} Counts up to which end
 *   of their signatures nonces were dropped */
/** @typedef {"taken" | "replayed" | "forgotten" | "full of this lab" | "full"} Taken */

/** What one site keeps, in the object's own storage. */
export class SiteStorage {
  #storage;
  #noncesMax;

  /**
   * @param {Storage} storage
   * @param {{noncesMax?: number}} [limits]
   */
  constructor(storage, { noncesMax = NONCES_MAX } = {}) {
    this.#storage = storage;
    this.#noncesMax = noncesMax;
  }

  /**
   * Take a nonce, once.
   * @param {string} name
   * @param {number} forgottenAt
   * @param {string} lab
   * @param {number} instant
   * @returns {Promise<Taken>}
   */
  async takeNonce(name, forgottenAt, lab, instant) {
    return this.#storage.transaction(async (storage) => {
      const counts = await forgotten(storage, Math.floor(instant) - GRACE_SECONDS);
      const found = counts.labs[lab] ?? 0;
      /** @type {Taken} */
      let said = "taken";
      if (counts.held >= this.#noncesMax) said = "full";
      else if ((await storage.get(`nonce ${name}`)) !== undefined) said = "replayed";
      else if (forgottenAt <= (counts.droppedTo ?? 0)) said = "forgotten";
      else if (found > 0 && found >= this.#noncesMax - counts.held) said = "full of this lab";
      if (said === "taken") {
        await storage.put(`nonce ${name}`, lab);
        await storage.put(`due ${padded(forgottenAt)} ${name}`, lab);
        counts.labs[lab] = found + 1;
        counts.held += 1;
      }
      await storage.put("counts", counts);
      return said;
    });
  }

  /** @param {string} line */
  async append(line) {
    await this.#storage.transaction(async (storage) => {
      const number = ((await storage.get("lines")) ?? 0) + 1;
      await storage.put("lines", number);
      await storage.put(`line ${padded(number)}`, line);
      await storage.put("waiting", ((await storage.get("waiting")) ?? 0) + 1);
    });
  }

  /** @returns {Promise<boolean>} */
  async hasRoom() {
    return ((await this.#storage.get("waiting")) ?? 0) < LINES_MAX;
  }

  /**
   * Freeze lines into batches, and return the oldest: one answer holds no more than so many.
   * @returns {Promise<[string, string][]>} pairs of id and text
   */
  async batches() {
    while (await this.#storage.transaction(frozen));
    const found = await this.#storage.list({ prefix: "batch ", limit: BATCHES_MAX });
    return [...found].map(([key, text]) => [key.slice("batch ".length), text]);
  }

  /** @param {string} id */
  async acknowledge(id) {
    await this.#storage.transaction(async (storage) => {
      const text = await storage.get(`batch ${id}`);
      if (text === undefined) return;
      await storage.put("waiting", (await storage.get("waiting")) - text.split("\n").length + 1);
      await storage.delete([`batch ${id}`]);
    });
  }

  /** @returns {Promise<number>} */
  async waiting() {
    return (await this.#storage.get("waiting")) ?? 0;
  }

  /**
   * @param {import("../site/visits.js").VisitCount[]} counted
   */
  async addVisits(counted) {
    await this.#storage.transaction(async (storage) => {
      await written(storage, VISITS, JSON.stringify(added(await bookIn(storage), counted)));
    });
  }

  /** @returns {Promise<import("../site/visits.js").Told[]>} */
  async untoldVisits() {
    return this.#storage.transaction(async (storage) => {
      const book = await bookIn(storage);
      if (book.rows.length === 0) await written(storage, VISITS, JSON.stringify(book));
      return [untold(book)];
    });
  }

  /**
   * @param {string} series
   * @param {import("../site/visits.js").VisitCount[]} counts
   */
  async toldVisits(series, counts) {
    if (counts.length === 0) return;
    await this.#storage.transaction(async (storage) => {
      const book = await bookIn(storage);
      if (book.series === series) await written(storage, VISITS, JSON.stringify(told(book, counts)));
    });
  }

  /**
   * @param {string} name
   * @returns {Promise<string | null>}
   */
  async load(name) {
    return textIn(this.#storage, name);
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  async save(name, text) {
    await this.#storage.transaction((storage) => written(storage, name, text));
  }
}

/**
 * Return a store that asks the object of a site. Its stub is found anew for each call: a gate lives
 * as long as its isolate, and a stub belongs to the request in which it was made.
 * @param {() => Pick<SiteStorage, keyof SiteStorage>} find
 * @returns {import("../site/store.js").Store}
 */
export function durableStore(find) {
  return {
    async takeNonce(proof, lab, instant) {
      const name = `${proof.keyId} ${proof.nonce}`;
      const said = await find().takeNonce(name, proof.forgottenAt, lab, instant);
      if (said === "replayed") throw new ReplayedRequestError();
      if (said === "forgotten") throw new NonceStoreError(SET_BACK);
      if (said === "full of this lab") throw new NoncesOfLabFullError();
      if (said === "full") throw new NoncesFullError();
    },
    append: (line) => find().append(line),
    hasRoom: () => find().hasRoom(),
    async batches() {
      const found = await find().batches();
      return found.map(([id, text]) => ({ id, read: async () => new TextEncoder().encode(text) }));
    },
    acknowledge: ({ id }) => find().acknowledge(id),
    waiting: () => find().waiting(),
    addVisits: (counted) => find().addVisits(counted),
    untoldVisits: () => find().untoldVisits(),
    toldVisits: (series, counts) => find().toldVisits(series, counts),
    load: (name) => find().load(name),
    save: (name, text) => find().save(name, text),
  };
}

/**
 * @param {Storage} storage
 * @param {string} name
 * @returns {Promise<string | null>}
 */
async function textIn(storage, name) {
  const parts = await storage.list({ prefix: `text ${name} ` });
  return parts.size === 0 ? null : [...parts.values()].join("");
}

/**
 * Write a text, in parts that are values.
 * @param {Storage} storage
 * @param {string} name
 * @param {string} text
 */
async function written(storage, name, text) {
  const old = [...(await storage.list({ prefix: `text ${name} ` })).keys()];
  await removed(storage, old);
  for (let at = 0, part = 0; at < text.length; at += VALUE_CHARS_MAX, part += 1) {
    await storage.put(`text ${name} ${padded(part)}`, text.slice(at, at + VALUE_CHARS_MAX));
  }
}

/** @param {Storage} storage */
async function bookIn(storage) {
  return readBook(await textIn(storage, VISITS)) ?? newBook();
}

/**
 * Forget some nonces that are over, and return how many are left.
 * @param {Storage} storage
 * @param {number} over seconds
 * @returns {Promise<Counts>}
 */
async function forgotten(storage, over) {
  const counts = (await storage.get("counts")) ?? { held: 0, labs: {} };
  const range = { prefix: "due ", end: `due ${padded(Math.max(over, 0) + 1)}`, limit: KEYS_MAX / 2 };
  const due = await storage.list(range);
  for (const [key, lab] of due) {
    counts.droppedTo = Math.max(counts.droppedTo ?? 0, Number(key.split(" ")[1]));
    counts.held -= 1;
    counts.labs[lab] -= 1;
    if (counts.labs[lab] === 0) delete counts.labs[lab];
  }
  const names = [...due.keys()].map((key) => `nonce ${key.split(" ").slice(2).join(" ")}`);
  await removed(storage, [...due.keys(), ...names]);
  return counts;
}

/**
 * Make one batch of the oldest lines; tell whether there were any.
 * @param {Storage} storage
 */
async function frozen(storage) {
  const lines = [...(await storage.list({ prefix: "line ", limit: KEYS_MAX }))];
  if (lines.length === 0) return false;
  const taken = [];
  let text = "";
  for (const [key, line] of lines) {
    if (taken.length > 0 && (text.length + line.length) * 4 > BATCH_BYTES_MAX) break;
    text += `${line}\n`;
    taken.push(key);
  }
  const number = /** @type {string} */ (taken[0]).slice("line ".length);
  await storage.put(`batch ${number}-${crypto.randomUUID()}`, text);
  await removed(storage, taken);
  return true;
}

/**
 * @param {Storage} storage
 * @param {string[]} keys
 */
async function removed(storage, keys) {
  for (let at = 0; at < keys.length; at += KEYS_MAX) {
    await storage.delete(keys.slice(at, at + KEYS_MAX));
  }
}

/** @param {number} number */
function padded(number) {
  return String(Math.floor(number)).padStart(16, "0");
}
