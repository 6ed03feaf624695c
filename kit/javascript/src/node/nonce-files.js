/**
 * Nonces that were taken, for all processes of a site on one machine: an empty file each, made by
 * whoever is first. Files lie in a directory of the minute in which they are forgotten, and go with
 * it. Each process counts for itself how many a licensee has (`site/nonces.js`).
 */

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { NonceStoreError, ReplayedRequestError } from "../site/refusals.js";
import { spokenBySystem } from "./system.js";
import { GRACE_SECONDS, NonceBook } from "../site/nonces.js";

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
    this.#book.take(proof, lab, instant);
    const minute = String(Math.ceil(proof.forgottenAt / 60));
    const hash = createHash("sha256").update(`${proof.keyId} ${proof.nonce}`).digest("hex");
    try {
      this.#make(minute, hash);
      if (this.#isElsewhere(minute, hash, instant)) throw new ReplayedRequestError();
    } catch (error) {
      if (error instanceof ReplayedRequestError) throw error;
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      if (code === "EEXIST") throw new ReplayedRequestError();
      throw new NonceStoreError(spokenBySystem(error));
    }
  }

  /**
   * @param {string} minute
   * @param {string} hash
   */
  #make(minute, hash) {
    const where = path.join(this.#directory, minute);
    fs.mkdirSync(where, { recursive: true, mode: 0o700 });
    fs.closeSync(fs.openSync(path.join(where, hash), "wx", 0o600));
  }

  /**
   * Tell whether it was taken with another end, and drop minutes that are over.
   * @param {string} minute
   * @param {string} hash
   * @param {number} instant
   */
  #isElsewhere(minute, hash, instant) {
    for (const other of fs.readdirSync(this.#directory)) {
      if (Number(other) * 60 <= Math.floor(instant) - GRACE_SECONDS) {
        fs.rm(path.join(this.#directory, other), { recursive: true, force: true }, () => undefined);
      } else if (other !== minute && fs.existsSync(path.join(this.#directory, other, hash))) {
        return true;
      }
    }
    return false;
  }
}
