/**
 * Wrong licence tokens: counted by where they come from, slowed down, and told once in a while.
 *
 * What is limited is how many wrong ones are looked at, never what a right one opens: a token that
 * was found genuine here is looked at whatever else comes from its address.
 */

import { digest, forgetOldest } from "../signing/keys.js";
import { TooManyGuessesError } from "./refusals.js";

export const GUESSES = { burst: 60, perMinute: 30 };
const GENUINE_MAX = 2_000;
const BUCKETS_MAX = 20_000;
const SOURCES_MAX = 1_000; // told apart in one notice

/** How many wrong tokens came from where, of one process of a site. */
export class Guesses {
  /** @type {Map<string, null>} */
  #genuine = new Map();
  /** @type {Map<string, {left: number, since: number}>} */
  #buckets = new Map();
  /** @type {Map<string, number>} */
  #wrong = new Map();
  #unseen = 0;
  #began;
  #quota;
  #seconds;

  /**
   * @param {{burst: number, perMinute: number}} [quota]
   * @param {() => number} [seconds] a clock that never goes back
   */
  constructor(quota = GUESSES, seconds = () => performance.now() / 1000) {
    this.#quota = quota;
    this.#seconds = seconds;
    this.#began = seconds();
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
      this.#unseen += 1;
      this.#note(address);
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
    this.#note(address);
  }

  /**
   * Count a request that shows a genuine token, and that its key did not sign.
   * @param {string} address
   * @param {string} name
   */
  isWronglySigned(address, name) {
    this.#take(under(address, name));
    this.#note(address);
  }

  /**
   * Say what was wrong since the last time, in one line, null if there was nothing.
   * @returns {string | null}
   */
  tell() {
    const [now, wrong, unseen] = [this.#seconds(), this.#wrong, this.#unseen];
    const seconds = Math.round(now - this.#began);
    this.#began = now;
    this.#wrong = new Map();
    this.#unseen = 0;
    const counts = [...wrong];
    if (counts.length === 0) return null;
    const total = counts.reduce((sum, [, count]) => sum + count, 0);
    const [address, most] = counts.reduce((top, one) => (one[1] > top[1] ? one : top));
    return (
      `wrong licence tokens: ${total} in ${seconds} s, ${unseen} of them not looked at; ` +
      `most, ${most}, from ${address}`
    );
  }

  /** @param {string} address */
  #note(address) {
    const isKnown = this.#wrong.has(address) || this.#wrong.size < SOURCES_MAX;
    const name = isKnown ? address : "elsewhere";
    this.#wrong.set(name, (this.#wrong.get(name) ?? 0) + 1);
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
