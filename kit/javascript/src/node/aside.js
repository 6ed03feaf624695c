/**
 * Files that cannot be used, most often another user's: each is said once and left as it is. It holds
 * up no other, and is taken as soon as it can be.
 */

import { spokenBySystem } from "./system.js";

export class Aside {
  /** @type {Set<string>} */
  #said = new Set();
  #log;
  #lost;

  /**
   * @param {(line: string) => void} log
   * @param {string} lost what does not happen to that which they hold
   */
  constructor(log, lost) {
    this.#log = log;
    this.#lost = lost;
  }

  /**
   * Do something with a file; return null where it cannot be used. One that is gone was another
   * process's turn.
   * @template T
   * @param {string} where
   * @param {() => T} act
   * @returns {T | null}
   */
  with(where, act) {
    try {
      const found = act();
      this.#said.delete(where);
      return found;
    } catch (error) {
      return this.set(where, error);
    }
  }

  /**
   * Say that a file cannot be used, unless that was said.
   * @param {string} where
   * @param {unknown} error
   * @returns {null}
   */
  set(where, error) {
    const { code, errno } = /** @type {NodeJS.ErrnoException} */ (error);
    if (errno === undefined) throw error; // a defect, and nothing of the disk
    if (code === "ENOENT") return null;
    if (!this.#said.has(where)) this.#log(`${where}: ${spokenBySystem(error)}: set aside, ${this.#lost}`);
    this.#said.add(where);
    return null;
  }

  /**
   * Forget what was said of files that are gone.
   * @param {readonly string[]} present
   */
  keep(present) {
    const there = new Set(present);
    for (const where of this.#said) if (!there.has(where)) this.#said.delete(where);
  }
}
