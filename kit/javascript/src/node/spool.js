/**
 * Usage on disk between the moment it is served and the node's receipt.
 *
 * An event is one line in a segment file. A segment is frozen by renaming it into a batch, whose name
 * is its id and whose bytes never change again. A segment whose writer is gone is frozen by anybody,
 * without the torn line at its end. Batches are named and read as those of the Python gate; the two
 * do not share a directory, since each knows its living writers in its own way.
 */

import * as fs from "node:fs";
import * as path from "node:path";

import { SpoolError, SpoolFullError } from "../site/refusals.js";
import { ME, isThere } from "./owners.js";
import { Segment, syncDirectory } from "./segment.js";
import { spokenBySystem } from "./system.js";

const BATCH_LINES_MAX = 5_000;
const BATCH_BYTES_MAX = 8 << 20;
const SPOOL_BYTES_MAX = 2 ** 30;
const ROOM = 16 << 10;
const STRANGE_SECONDS = 600; // a living writer freezes its segment every half minute
const OPEN = /^(\d{12}-[0-9a-f]{32})\.([0-9a-f-]+)\.open$/;
const BATCH = ".batch";
const LOCK = "sender.lock";

/** A directory of usage not yet reported. Processes of one machine may share it. */
export class Spool {
  /** @type {Segment | null} */
  #segment = null;
  #used = 0;
  #directory;
  #limits;

  /**
   * @param {string} directory
   * @param {{bytesMax?: number, batchLines?: number}} [limits]
   */
  constructor(directory, { bytesMax = SPOOL_BYTES_MAX, batchLines = BATCH_LINES_MAX } = {}) {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#directory = directory;
    this.#limits = { bytesMax, batchLines };
    this.#measure();
  }

  /**
   * Write a line down; when this returns it survives the machine.
   * @param {string} line without its end
   */
  async append(line) {
    const bytes = Buffer.from(`${line}\n`);
    if (!this.hasRoom(bytes.length)) throw new SpoolFullError(this.#fullness());
    try {
      const segment = this.#segmentFor(bytes.length);
      segment.write(bytes);
      this.#used += bytes.length;
      await segment.synced();
    } catch (error) {
      if (error instanceof SpoolFullError) throw error;
      this.#letGo();
      if (error instanceof SpoolError) throw error;
      throw new SpoolError(spokenBySystem(error));
    }
  }

  /**
   * Tell whether so many bytes more may be recorded.
   * @param {number} [length]
   */
  hasRoom(length = ROOM) {
    if (this.#used + length > this.#limits.bytesMax) this.#measure();
    return this.#used + length <= this.#limits.bytesMax;
  }

  /**
   * Freeze what has been written, also by processes that died, and list all batches.
   * @returns {Promise<import("../site/store.js").Batch[]>}
   */
  async batches() {
    await this.freeze();
    for (const name of fs.readdirSync(this.#directory).sort()) this.#adopt(name);
    this.#measure();
    const names = fs.readdirSync(this.#directory).filter((name) => name.endsWith(BATCH));
    return names.sort().map((name) => ({
      id: name.slice(0, -BATCH.length),
      read: async () => new Uint8Array(await fs.promises.readFile(path.join(this.#directory, name))),
    }));
  }

  /** Return how many lines the node has not taken yet. */
  async waiting() {
    let lines = 0;
    for (const name of fs.readdirSync(this.#directory)) {
      if (OPEN.test(name) || name.endsWith(BATCH)) lines += await linesIn(path.join(this.#directory, name));
    }
    return lines;
  }

  /**
   * Delete a batch the node has taken.
   * @param {string} id
   */
  acknowledge(id) {
    fs.rmSync(path.join(this.#directory, `${id}${BATCH}`), { force: true });
  }

  /** Freeze what this process wrote. */
  async freeze() {
    const segment = this.#segment;
    this.#segment = null;
    if (segment === null) return;
    this.#freeze(segment.path);
    await segment.close();
  }

  /**
   * Do something as the one process that sends; another is at it, or was killed at it, where this
   * returns null. Two that send at once send the same bytes under the same keys.
   * @template T
   * @param {() => Promise<T>} act
   * @returns {Promise<T | null>}
   */
  async sending(act) {
    const lock = path.join(this.#directory, LOCK);
    if (!takes(lock)) return null;
    try {
      return await act();
    } finally {
      fs.rmSync(lock, { force: true });
    }
  }

  #fullness() {
    return `${this.#used} of ${this.#limits.bytesMax} bytes`;
  }

  #measure() {
    this.#used = 0;
    for (const name of fs.readdirSync(this.#directory)) {
      const found = fs.statSync(path.join(this.#directory, name), { throwIfNoEntry: false });
      this.#used += found?.size ?? 0;
    }
  }

  /**
   * @param {number} length
   * @returns {Segment}
   */
  #segmentFor(length) {
    const held = this.#segment;
    const isOver =
      held !== null &&
      (held.lines >= this.#limits.batchLines || held.size + length > BATCH_BYTES_MAX);
    if (isOver) this.freeze().catch(() => undefined); // then it is frozen with the next report
    if (this.#segment?.isWhereItWas === false) this.#letGo();
    this.#segment ??= Segment.create(this.#directory);
    return this.#segment;
  }

  /** Let go of a file the disk failed on; it is taken up once this process is gone. */
  #letGo() {
    const segment = this.#segment;
    this.#segment = null;
    segment?.close().catch(() => undefined);
  }

  /**
   * Freeze a segment whose writer is gone.
   * @param {string} name
   */
  #adopt(name) {
    const [, , owner] = OPEN.exec(name) ?? [];
    const where = path.join(this.#directory, name);
    if (owner === undefined || where === this.#segment?.path) return;
    const isOwnersThere = owner === ME ? false : isThere(owner); // ours that we let go of
    const found = fs.statSync(where, { throwIfNoEntry: false });
    const isOld = found !== undefined && Date.now() - found.mtimeMs > STRANGE_SECONDS * 1000;
    if (isOwnersThere === false || (isOwnersThere === null && isOld)) this.#freeze(where);
  }

  /**
   * Cut a torn line off and rename.
   * @param {string} where
   */
  #freeze(where) {
    try {
      const bytes = fs.readFileSync(where);
      const whole = bytes.lastIndexOf(0x0a) + 1;
      if (whole === 0) {
        fs.unlinkSync(where);
        return;
      }
      const handle = fs.openSync(where, "r+");
      if (whole < bytes.length) fs.ftruncateSync(handle, whole);
      fs.fsyncSync(handle);
      fs.closeSync(handle);
      const [id = ""] = path.basename(where).split(".");
      fs.renameSync(where, path.join(this.#directory, `${id}${BATCH}`));
      syncDirectory(this.#directory);
    } catch (error) {
      if (!isGone(error)) throw error; // another process was quicker
    }
  }
}

/** @param {string} where */
async function linesIn(where) {
  try {
    const bytes = await fs.promises.readFile(where);
    let lines = 0;
    for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) lines += 1;
    return lines;
  } catch (error) {
    if (isGone(error)) return 0;
    throw error;
  }
}

/** @param {unknown} error */
function isGone(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT";
}

/**
 * Take a lock whose holder is gone, or that nobody holds.
 * @param {string} lock
 */
function takes(lock) {
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      fs.writeFileSync(lock, ME, { flag: "wx", mode: 0o600 });
      return true;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
      if (!isLeft(lock)) return false;
      fs.rmSync(lock, { force: true });
    }
  }
  return false;
}

/** @param {string} lock */
function isLeft(lock) {
  try {
    const found = fs.statSync(lock);
    const there = isThere(fs.readFileSync(lock, "latin1"));
    return there === false || (there === null && Date.now() - found.mtimeMs > STRANGE_SECONDS * 1000);
  } catch (error) {
    if (isGone(error)) return true;
    throw error;
  }
}
