/**
 * Which signed requests were served, in memory: a nonce is taken once.
 *
 * When the book is full of nonces that are still good, nothing more is served rather than one
 * forgotten. A licensee may have as many as there is room left for others: alone it has half of the
 * book. Licensees are counted and not keys, of which each makes as many as it likes.
 *
 * A nonce that was dropped may come again where the clock was ahead and is set back. So it is kept
 * up to which end of their signatures nonces were dropped: nothing that ends by then is served.
 */

import {
  NonceStoreError,
  NoncesFullError,
  NoncesOfLabFullError,
  ReplayedRequestError,
} from "./refusals.js";

export const NONCES_MAX = 500_000;
export const GRACE_SECONDS = 60; // in which a request may wait between its check and its turn here
export const SET_BACK = "the clock was set back"; // and whether it was served is forgotten

/** @typedef {import("../signing/signatures.js").Proof} Proof */

/** @typedef {{names: Set<string>, labs: Map<string, number>}} Minute names where they are kept here */

export class NonceBook {
  /** @type {Map<number, Minute>} by the minute in which they are forgotten */
  #minutes = new Map();
  /** @type {Map<string, number>} */
  #labs = new Map();
  #held = 0;
  #droppedTo = -Infinity; // minutes
  #noncesMax;

  /** @param {number} [noncesMax] */
  constructor(noncesMax = NONCES_MAX) {
    this.#noncesMax = noncesMax;
  }

  /**
   * Take the nonce of a checked signature of a licensee, or refuse the request.
   * @param {Proof} proof
   * @param {string} lab
   * @param {number} instant seconds
   * @param {() => void} [claim] takes its name elsewhere, or refuses the request; then none is kept here
   */
  take(proof, lab, instant, claim) {
    this.#forget(Math.floor(instant) - GRACE_SECONDS);
    const name = `${proof.keyId} ${proof.nonce}`;
    if (this.#held >= this.#noncesMax) throw new NoncesFullError(`${this.#held} are remembered`);
    for (const { names } of this.#minutes.values()) {
      if (names.has(name)) throw new ReplayedRequestError();
    }
    const found = this.#labs.get(lab) ?? 0;
    if (found > 0 && found >= this.#noncesMax - this.#held) {
      throw new NoncesOfLabFullError(`${found} of ${this.#held} are of ${lab}`);
    }
    const minute = Math.ceil(proof.forgottenAt / 60);
    if (minute <= this.#droppedTo) throw new NonceStoreError(SET_BACK);
    claim?.();
    const taken = this.#minutes.get(minute) ?? { names: new Set(), labs: new Map() };
    if (claim === undefined) taken.names.add(name);
    taken.labs.set(lab, (taken.labs.get(lab) ?? 0) + 1);
    this.#minutes.set(minute, taken);
    this.#labs.set(lab, found + 1);
    this.#held += 1;
  }

  /** @param {number} second before which what is forgotten may go */
  #forget(second) {
    for (const [minute, taken] of this.#minutes) {
      if (minute * 60 > second) continue;
      for (const [lab, count] of taken.labs) {
        const left = (this.#labs.get(lab) ?? count) - count;
        if (left > 0) this.#labs.set(lab, left);
        else this.#labs.delete(lab);
        this.#held -= count;
      }
      this.#droppedTo = Math.max(this.#droppedTo, minute);
      this.#minutes.delete(minute);
    }
  }
}
