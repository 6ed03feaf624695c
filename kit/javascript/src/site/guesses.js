/**
 * Wrong licence tokens: counted by where they come from, and slowed down.
 *
 * What is limited is how many wrong ones are looked at, never what a right one opens: a token that
 * was found genuine here is looked at whatever else comes from its address.
 */

import { digest, forgetOldest } from "../signing/keys.js";
import { TooManyGuessesError } from "./refusals.js";

export const GUESSES = { burst: 60, perMinute: 30 };
const GENUINE_MAX = 2_000;
const BUCKETS_MAX = 20_000;

/** How many wrong tokens came from where, of one process of a site. */
export class Guesses {
  /** @type {Map<string, null>} */
  #genuine = new Map();
  /** @type {Map<string, {left: number, since: number}>} */
  #buckets = new Map();
  #quota;
  #seconds;
  unseen = 0;

  /**
   * @param {{burst: number, perMinute: number}} [quota]
   * @param {() => number} [seconds] a clock that never goes back
   */
  constructor(quota = GUESSES, seconds = () => performance.now() / 1000) {
    this.#quota = quota;
    this.#seconds = seconds;
  }

  /**
   * Refuse to look at a token, if too many wrong ones came from its address by now. Of a genuine
   * token with wrong signatures, those under this very token count.
   * @param {string} address
   * @param {string} token
   * @returns {Promise<string>} the token's name here
   */
  async requireTurn(address, token) {
    const name = await digest(token);
    let seconds = this.#secondsUntil(under(address, name));
    if (seconds === 0 && !this.#genuine.has(name)) seconds = this.#secondsUntil(address);
    if (seconds > 0) {
      this.unseen += 1;
      throw new TooManyGuessesError(seconds);
    }
    return name;
  }

  /**
   * Remember a token that opened something here.
   * @param {string} name
   */
  isGenuine(name) {
    this.#genuine.delete(name);
    this.#genuine.set(name, null);
    forgetOldest(this.#genuine, GENUINE_MAX);
  }

  /**
   * Count a token that is none of ours, or no longer.
   * @param {string} address
   * @param {string} name
   */
  isWrong(address, name) {
    this.#genuine.delete(name);
    this.#take(address);
  }

  /**
   * Count a request that shows a genuine token, and that its key did not sign.
   * @param {string} address
   * @param {string} name
   */
  isWronglySigned(address, name) {
    this.#take(under(address, name));
  }

  /** @param {string} who */
  #left(who) {
    const { burst, perMinute } = this.#quota;
    const bucket = this.#buckets.get(who);
    if (bucket === undefined) return burst;
    return Math.min(burst, bucket.left + ((this.#seconds() - bucket.since) * perMinute) / 60);
  }

  /** @param {string} who */
  #secondsUntil(who) {
    const left = this.#left(who);
    return left >= 1 ? 0 : Math.ceil(((1 - left) * 60) / this.#quota.perMinute);
  }

  /** @param {string} who */
  #take(who) {
    const left = this.#left(who);
    this.#buckets.delete(who);
    this.#buckets.set(who, { left: left >= 1 ? left - 1 : left, since: this.#seconds() });
    forgetOldest(this.#buckets, BUCKETS_MAX);
  }
}

/**
 * @param {string} address
 * @param {string} name
 */
function under(address, name) {
  return `${address} ${name}`;
}
