/**
 * Nonces that were taken, for all processes of a site on one machine: an empty file each, made by
 * whoever is first. Files lie in a directory of the minute in which they are forgotten, and go with
 * it, and an empty file says up to which minute they went. Each process counts for itself how many a
 * licensee has (`site/nonces.js`).
 */

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { NonceStoreError, ReplayedRequestError } from "../site/refusals.js";
import { spokenBySystem } from "./system.js";
import { GRACE_SECONDS, NonceBook, SET_BACK } from "../site/nonces.js";

const MINUTE = /^\d+$/;
const DROPPED = /^dropped-(\d+)$/;

export class NonceFiles {
  #book;
  #directory;

  /**
   * @param {string} directory
   * @param {{noncesMax?: number}} [limits]
   */
  constructor(directory, { noncesMax } = {}) {
    this.#directory = directory;
    this.#book = new NonceBook(noncesMax);
  }

  /**
   * Take the nonce of a checked signature of a licensee, or refuse the request.
   * @param {import("../signing/signatures.js").Proof} proof
   * @param {string} lab
   * @param {number} instant seconds
   */
  take(proof, lab, instant) {
    this.#book.take(proof, lab, instant, () => this.#claim(proof, instant));
  }

  /**
   * @param {import("../signing/signatures.js").Proof} proof
   * @param {number} instant
   */
  #claim(proof, instant) {
    const minute = String(Math.ceil(proof.forgottenAt / 60));
    const hash = createHash("sha256").update(`${proof.keyId} ${proof.nonce}`).digest("hex");
    try {
      fs.mkdirSync(this.#place(minute), { recursive: true, mode: 0o700 });
      const last = this.#dropOver(instant);
      if (Number(minute) <= last) throw new NonceStoreError(SET_BACK);
      fs.closeSync(fs.openSync(this.#place(minute, hash), "wx", 0o600));
      if (this.#isElsewhere(minute, hash, last)) throw new ReplayedRequestError();
    } catch (error) {
      if (error instanceof ReplayedRequestError || error instanceof NonceStoreError) throw error;
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      if (code === "EEXIST") throw new ReplayedRequestError();
      throw new NonceStoreError(spokenBySystem(error));
    }
  }

  /**
   * Tell whether it was taken with another end. What cannot be looked at refuses the request.
   * @param {string} minute
   * @param {string} hash
   * @param {number} last minute that was dropped
   */
  #isElsewhere(minute, hash, last) {
    return fs
      .readdirSync(this.#directory)
      .filter((name) => MINUTE.test(name) && name !== minute && Number(name) > last)
      .some((name) => fs.statSync(this.#place(name, hash), { throwIfNoEntry: false }) !== undefined);
  }

  /**
   * Drop minutes that are over; return the last one that was ever dropped.
   * @param {number} instant
   */
  #dropOver(instant) {
    const names = fs.readdirSync(this.#directory);
    const isOver = (/** @type {string} */ name) =>
      MINUTE.test(name) && Number(name) * 60 <= Math.floor(instant) - GRACE_SECONDS;
    const over = names.filter(isOver);
    const marks = names.map((name) => Number(DROPPED.exec(name)?.[1] ?? -1));
    const last = Math.max(-1, ...marks, ...over.map(Number));
    if (last > Math.max(-1, ...marks)) {
      fs.writeFileSync(this.#place(`dropped-${last}`), "", { mode: 0o600 });
    }
    const past = marks.filter((mark) => mark >= 0 && mark < last).map((mark) => `dropped-${mark}`);
    for (const name of [...over, ...past]) {
      fs.rm(this.#place(name), { recursive: true, force: true }, () => undefined);
    }
    return last;
  }

  /** @param {string[]} names */
  #place(...names) {
    return path.join(this.#directory, ...names);
  }
}
