/**
 * Usage on disk between the moment it is served and the node's receipt.
 *
 * An event is one line in a segment file. A segment is frozen by renaming it into a batch, whose name
 * is its id and whose bytes never change again. A segment whose writer is gone is frozen by anybody,
 * without the torn line at its end; what cannot be used is set aside (`aside.js`). Batches are named and read as those of the Python gate; the two
 * do not share a directory, since each knows its living writers in its own way.
 */

import * as fs from "node:fs";
import * as path from "node:path";

import { SpoolError, SpoolFullError } from "../site/refusals.js";
import { Aside } from "./aside.js";
import { ME, isLeft } from "./owners.js";
import { Segment } from "./segment.js";
import { inTurn } from "./sending.js";
import { spokenBySystem } from "./system.js";
import { syncDirectory } from "./whole-files.js";

const BATCH_LINES_MAX = 5_000;
const BATCH_BYTES_MAX = 8 << 20;
const SPOOL_BYTES_MAX = 2 ** 30;
const ROOM = 16 << 10;
const OPEN = /^(\d{12}-[0-9a-f]{32})(?:\.([0-9a-f-]+))?\.open$/; // a Python gate names no writer
const BATCH = ".batch";

/** A directory of usage not yet reported. Processes of one machine may share it. */
export class Spool {
  /** @type {Segment | null} */
  #segment = null;
  #used = 0;
  /** @type {Map<string, number>} lines of batches, which never change */
  #linesOf = new Map();
  /** @type {Set<string>} names of batches that the node took, and that could not be deleted */
  #taken = new Set();
  #aside;
  #directory;
  #limits;

  /**
   * @param {string} directory
   * @param {{bytesMax?: number, batchLines?: number, aside?: Aside}} [how]
   */
  constructor(directory, { bytesMax = SPOOL_BYTES_MAX, batchLines = BATCH_LINES_MAX, aside } = {}) {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#directory = directory;
    this.#limits = { bytesMax, batchLines };
    this.#aside = aside ?? new Aside(() => undefined, "");
    this.#measure();
  }

  /**
   * Write a line down; when this returns it survives the machine.
   * @param {string} line without its end
   */
  async append(line) {
    const bytes = Buffer.from(`${line}\n`);
    try {
      if (!this.hasRoom(bytes.length)) throw new SpoolFullError(this.#fullness());
      const segment = this.#segmentFor(bytes.length);
      segment.write(bytes);
      this.#used += bytes.length;
      await segment.synced();
    } catch (error) {
      if (error instanceof SpoolFullError) throw error;
      this.#giveUp();
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

  /** Refuse before anything is served that could not be recorded. */
  requireRoom() {
    try {
      if (!this.hasRoom()) throw new SpoolFullError(this.#fullness());
      if (this.#segment === null) fs.accessSync(this.#directory, fs.constants.W_OK | fs.constants.X_OK);
    } catch (error) {
      if (error instanceof SpoolError) throw error;
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      const isOthers = code === "EACCES" || code === "EROFS";
      throw new SpoolError(isOthers ? "its directory cannot be written" : spokenBySystem(error));
    }
  }

  /**
   * Freeze what has been written, also by processes that died, and list all batches.
   * @returns {Promise<import("../site/store.js").Batch[]>}
   */
  async batches() {
    const segment = this.#segment;
    try {
      await this.freeze();
    } catch (error) {
      this.#aside.set(segment?.path ?? this.#directory, error); // taken up like a dead writer's
    }
    for (const name of fs.readdirSync(this.#directory).sort()) this.#adopt(name);
    this.#measure();
    const present = fs.readdirSync(this.#directory);
    this.#aside.keep([this.#directory, ...present.map((name) => this.#place(name))]);
    this.#taken = new Set(present.filter((name) => this.#taken.has(name)));
    const names = present.filter((name) => name.endsWith(BATCH) && !this.#taken.has(name));
    return names.sort().map((name) => ({
      id: name.slice(0, -BATCH.length),
      read: () => this.#bytesOf(name),
    }));
  }

  /**
   * Return what a batch holds, null where it cannot be read.
   * @param {string} name
   * @returns {Promise<Uint8Array<ArrayBuffer> | null>}
   */
  async #bytesOf(name) {
    const where = this.#place(name);
    try {
      return new Uint8Array(await fs.promises.readFile(where));
    } catch (error) {
      return this.#aside.set(where, error);
    }
  }

  /** Return how many lines the node has not taken yet. Those of a batch are counted once. */
  async waiting() {
    const found = new Map();
    let open = 0;
    for (const name of fs.readdirSync(this.#directory)) {
      if (OPEN.test(name)) open += (await linesIn(this.#place(name))) ?? 0;
      if (!name.endsWith(BATCH)) continue;
      const lines = this.#linesOf.get(name) ?? (await linesIn(this.#place(name)));
      if (lines !== null) found.set(name, lines);
    }
    this.#linesOf = found;
    return [...found.values()].reduce((sum, lines) => sum + lines, open);
  }

  /**
   * Delete a batch the node has taken; one that cannot be deleted is not sent again.
   * @param {string} id
   */
  acknowledge(id) {
    const name = `${id}${BATCH}`;
    try {
      fs.rmSync(this.#place(name), { force: true });
    } catch (error) {
      this.#taken.add(name);
      this.#aside.set(this.#place(name), error);
    }
  }

  /** Freeze what this process wrote. */
  async freeze() {
    const segment = this.#segment;
    this.#segment = null;
    if (segment === null) return;
    try {
      this.#freeze(segment.path);
    } finally {
      await segment.close();
    }
  }

  /**
   * Do something as the one process that sends; where another is at it this returns null.
   * @template T
   * @param {() => Promise<T>} act
   * @returns {Promise<T | null>}
   */
  async sending(act) {
    return inTurn(this.#directory, act);
  }

  /** @param {string} name */
  #place(name) {
    return path.join(this.#directory, name);
  }

  #fullness() {
    return `${this.#used} of ${this.#limits.bytesMax} bytes`;
  }

  #measure() {
    this.#used = 0;
    for (const name of fs.readdirSync(this.#directory)) {
      const found = fs.statSync(this.#place(name), { throwIfNoEntry: false });
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

  /** Let go of a file the disk failed on, and leave none in which nothing stands. */
  #giveUp() {
    try {
      this.#segment?.leaveNothing();
    } catch {
      // it is taken up like any other
    }
    this.#letGo();
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
    const [found, , owner = ""] = OPEN.exec(name) ?? [];
    const where = this.#place(name);
    if (found === undefined || where === this.#segment?.path) return;
    const isFree = owner === ME || isLeft(where, owner); // ours that we let go of
    if (isFree) this.#aside.with(where, () => this.#freeze(where));
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
      try {
        if (whole < bytes.length) fs.ftruncateSync(handle, whole);
        fs.fsyncSync(handle);
      } finally {
        fs.closeSync(handle);
      }
      const [id = ""] = path.basename(where).split(".");
      fs.renameSync(where, this.#place(`${id}${BATCH}`));
      syncDirectory(this.#directory);
    } catch (error) {
      if (!isGone(error)) throw error; // another process was quicker
    }
  }
}

/**
 * Return how many lines a file has; null where it cannot be read: that is said elsewhere.
 * @param {string} where
 */
async function linesIn(where) {
  try {
    const bytes = await fs.promises.readFile(where);
    let lines = 0;
    for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) lines += 1;
    return lines;
  } catch {
    return null;
  }
}

/** @param {unknown} error */
function isGone(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT";
}
