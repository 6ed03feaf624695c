/**
 * Wrong licence tokens: counted by where they come from, slowed down, and told once in a while.
 *
 * What is limited is how many wrong ones are looked at, never what a right one opens: a token that
 * was found genuine here is looked at whatever else comes from its address. No more are looked at at
 * once than may be wrong: others wait for a verdict, so that many at once are counted like one after
 * the other. A look of which nothing is heard for some seconds is none: in Workers a request ends
 * without a word when its client hangs up. Who can write its own address (a server that believes a
 * header of anybody) is held up by what all addresses may do together.
 */

import { within } from "../access/shared-work.js";
import { digest, forgetOldest } from "../signing/keys.js";
import { TooManyGuessesError } from "./refusals.js";

export const GUESSES = { burst: 60, perMinute: 30 };
const TIMES_OF_ALL = 20; // of all addresses together, which a caller may be able to make up
const ALL = "of all addresses";
const GENUINE_MAX = 2_000;
const BUCKETS_MAX = 20_000;
const LOOK_SECONDS_MAX = 10;
const SOURCES_MAX = 1_000; // told apart in one notice

/**
 * @typedef {object} Looks The tokens of one bucket that are being looked at.
 * @property {Set<Turn>} turns the oldest first
 * @property {Promise<void>} over when there is a verdict on all of them
 * @property {() => void} end
 */
/** @typedef {{name: string, address: string, places: string[], since: number}} Turn a token may be
 *   looked at; it ends */

/** How many wrong tokens came from where, of one process of a site. */
export class Guesses {
  /** @type {Map<string, null>} */
  #genuine = new Map();
  /** @type {Map<string, {left: number, since: number}>} */
  #buckets = new Map();
  /** @type {Map<string, Looks>} */
  #looks = new Map();
  /** @type {Set<Turn>} all of them, the oldest first */
  #turns = new Set();
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
   * @returns {Promise<Turn>} to be ended, whatever is found
   */
  async requireTurn(address, token) {
    const name = await digest(token);
    for (;;) {
      this.#dropOld();
      const own = under(address, name);
      const places = this.#genuine.has(name) ? [own] : [own, address, ALL];
      const seconds = places.map((place) => this.#secondsUntil(place)).find((each) => each > 0);
      if (seconds !== undefined) {
        this.#unseen += 1;
        this.#note(address);
        throw new TooManyGuessesError(seconds);
      }
      const looked = places.map((place) => this.#looks.get(place));
      const busy = looked.find((each, at) => each && this.#left(places[at] ?? "") - each.turns.size < 1);
      if (busy === undefined) return this.#begun({ name, address, places, since: this.#seconds() });
      const [oldest] = busy.turns;
      await within(busy.over, oldest ? this.#secondsOf(oldest) : 0);
    }
  }

  /**
   * There is a verdict, and what was wrong is counted: others may have their turn.
   * @param {Turn} turn
   */
  end(turn) {
    if (!this.#turns.delete(turn)) return;
    for (const place of turn.places) {
      const looks = this.#looks.get(place);
      looks?.turns.delete(turn);
      if (looks === undefined || looks.turns.size > 0) continue;
      this.#looks.delete(place);
      looks.end();
    }
  }

  /** Forget looks of which nothing was heard. */
  #dropOld() {
    for (const turn of this.#turns) {
      if (this.#secondsOf(turn) > 0) return;
      this.end(turn);
    }
  }

  /**
   * Return for how many seconds more a look counts; a clock that was set back ends it.
   * @param {Turn} turn
   */
  #secondsOf({ since }) {
    return LOOK_SECONDS_MAX - Math.abs(this.#seconds() - since);
  }

  /** @param {Turn} turn */
  #begun(turn) {
    this.#turns.add(turn);
    for (const place of turn.places) {
      const looks = this.#looks.get(place) ?? newLooks();
      looks.turns.add(turn);
      this.#looks.set(place, looks);
    }
    return turn;
  }

  /**
   * Remember a token that opened something here.
   * @param {Turn} turn
   */
  isGenuine({ name }) {
    this.#genuine.delete(name);
    this.#genuine.set(name, null);
    forgetOldest(this.#genuine, GENUINE_MAX);
  }

  /**
   * Count a token that is none of ours, or no longer.
   * @param {Turn} turn
   */
  isWrong({ address, name }) {
    this.#genuine.delete(name);
    this.#take(address);
    this.#take(ALL);
    this.#note(address);
  }

  /**
   * Count a request that shows a genuine token, and that its key did not sign.
   * @param {Turn} turn
   */
  isWronglySigned({ address, name }) {
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
    const { burst, perMinute } = this.#quotaOf(who);
    const bucket = this.#buckets.get(who);
    if (bucket === undefined) return burst;
    return Math.min(burst, bucket.left + ((this.#seconds() - bucket.since) * perMinute) / 60);
  }

  /** @param {string} who */
  #secondsUntil(who) {
    const left = this.#left(who);
    return left >= 1 ? 0 : Math.ceil(((1 - left) * 60) / this.#quotaOf(who).perMinute);
  }

  /** @param {string} who */
  #quotaOf(who) {
    const { burst, perMinute } = this.#quota;
    const times = who === ALL ? TIMES_OF_ALL : 1;
    return { burst: burst * times, perMinute: perMinute * times };
  }

  /** @param {string} who */
  #take(who) {
    const left = this.#left(who);
    this.#buckets.delete(who);
    this.#buckets.set(who, { left: left >= 1 ? left - 1 : left, since: this.#seconds() });
    forgetOldest(this.#buckets, BUCKETS_MAX);
  }
}

/** @returns {Looks} */
function newLooks() {
  let end = () => {};
  /** @type {Promise<void>} */
  const over = new Promise((done) => {
    end = done;
  });
  return { turns: new Set(), over, end };
}

/**
 * @param {string} address
 * @param {string} name
 */
function under(address, name) {
  return `${address} ${name}`;
}
