/** The file that one process writes usage to, a line at a time. */

import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { SpoolError, SpoolFullError } from "../site/refusals.js";
import { ME } from "./owners.js";
import { syncDirectory } from "./whole-files.js";

export class Segment {
  size = 0;
  lines = 0;
  /** @type {Promise<void>} the sync that runs */
  #running = Promise.resolve();
  /** @type {Promise<void> | null} one that has not begun, and takes along what is written by then */
  #next = null;
  #syncedSize = 0;
  #isBroken = false;
  #handle;
  #inode;

  /** @param {string} where */
  constructor(where) {
    this.path = where;
    this.#handle = fs.openSync(where, "ax", 0o600);
    this.#inode = fs.fstatSync(this.#handle).ino;
  }

  /**
   * Begin one behind all that are in a directory.
   * @param {string} directory
   */
  static create(directory) {
    const numbers = fs.readdirSync(directory).map((name) => Number(/^\d{12}/.exec(name)?.[0] ?? 0));
    const number = String(Math.max(0, ...numbers) + 1).padStart(12, "0");
    const name = `${number}-${randomBytes(16).toString("hex")}.${ME}.open`;
    const segment = new Segment(path.join(directory, name));
    try {
      syncDirectory(directory);
    } catch (error) {
      segment.leaveNothing();
      segment.close().catch(() => undefined);
      throw error;
    }
    return segment;
  }

  /** Leave no file in which nothing stands. */
  leaveNothing() {
    if (this.size === 0 && this.isWhereItWas) fs.rmSync(this.path, { force: true });
  }

  /** @returns {boolean} whether nobody took it for a dead writer's */
  get isWhereItWas() {
    return fs.statSync(this.path, { throwIfNoEntry: false })?.ino === this.#inode;
  }

  /**
   * Append a whole line or nothing.
   * @param {Buffer} bytes
   */
  write(bytes) {
    try {
      const written = fs.writeSync(this.#handle, bytes);
      if (written !== bytes.length) throw new SpoolFullError("the disk is full");
    } catch (error) {
      fs.ftruncateSync(this.#handle, this.size);
      throw error;
    }
    this.size += bytes.length;
    this.lines += 1;
  }

  /**
   * Wait until what is written is on the disk. Whoever comes while one sync runs shares the next.
   * @returns {Promise<void>}
   */
  synced() {
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        this.#running = this.#sync();
        return this.#running;
      });
    return this.#next;
  }

  /** Where a sync fails, no page whose line it was for is served: what it was for is cut off. */
  async #sync() {
    const size = this.size;
    try {
      if (this.#isBroken) throw new SpoolError("an earlier line is lost");
      await sync(this.#handle);
      this.#syncedSize = size;
    } catch (error) {
      this.#isBroken = true;
      // What was frozen meanwhile was on the disk by then, and a batch keeps its bytes.
      if (this.isWhereItWas) fs.ftruncateSync(this.#handle, this.#syncedSize);
      throw error;
    }
  }

  /** Let go of the file, behind every sync of it. */
  async close() {
    while (this.#next !== null) await this.#next.catch(() => undefined);
    await this.#running.catch(() => undefined);
    fs.closeSync(this.#handle);
  }
}

/**
 * @param {number} handle
 * @returns {Promise<void>}
 */
function sync(handle) {
  return new Promise((done, failed) => {
    fs.fdatasync(handle, (error) => (error ? failed(error) : done()));
  });
}
