/**
 * Totals of visits on disk, a file for each series. Node has no lock by which processes could take
 * turns at one file, so each has its own: its name says whose it is. A process that begins goes on
 * with one that nobody holds any more, so there are as many series as processes at one time.
 */

import * as fs from "node:fs";
import * as path from "node:path";

import { added, newBook, readBook, told, untold } from "../site/visits.js";
import { ME, isLeft } from "./owners.js";
import { replaceWhole } from "./whole-files.js";

const FREE = "free";
const BYTES_MAX = 16 << 20;
const FILE = /^([0-9a-f]{32})\.([0-9a-f-]+|free)\.json$/;

/** @typedef {import("../site/visits.js").Book} Book */

export class VisitFiles {
  /** @type {Map<string, Book>} what this process holds, by series; it counts in the first */
  #held = new Map();
  #directory;
  #aside;

  /**
   * @param {string} directory
   * @param {import("./aside.js").Aside} aside where files go that cannot be used
   */
  constructor(directory, aside) {
    this.#directory = directory;
    this.#aside = aside;
  }

  /**
   * @param {import("../site/visits.js").VisitCount[]} counted
   */
  add(counted) {
    this.#write(added(this.#first(), counted));
  }

  /** Take up what others left, and return of each series what the node lacks. */
  untold() {
    this.#first();
    const names = this.#names();
    this.#aside.keep(names.map((name) => path.join(this.#directory, name)));
    for (const name of names) this.#takeUp(name);
    for (const book of this.#held.values()) this.#touch(book);
    const [first, ...others] = [...this.#held.values()].map(untold);
    return [...(first ? [first] : []), ...others.filter(({ counts }) => counts.length > 0)];
  }

  /**
   * @param {string} series
   * @param {import("../site/visits.js").VisitCount[]} counts
   */
  told(series, counts) {
    const book = this.#held.get(series);
    if (book !== undefined && this.#isStillOurs(series)) this.#write(told(book, counts));
  }

  /** Let others go on with what this process held. */
  letGo() {
    for (const series of this.#held.keys()) {
      if (this.#isStillOurs(series)) fs.renameSync(this.#place(series), this.#place(series, FREE));
    }
    this.#held.clear();
  }

  /** Return what this process counts in. */
  #first() {
    for (const series of this.#held.keys()) this.#isStillOurs(series);
    for (const name of this.#held.size === 0 ? this.#names() : []) {
      if (this.#takeUp(name)) break;
    }
    if (this.#held.size === 0) this.#write(newBook());
    const [first] = this.#held.values();
    return /** @type {Book} */ (first);
  }

  /**
   * Tell whether a file is where we left it; another container may have taken it for a dead one's.
   * @param {string} series
   */
  #isStillOurs(series) {
    const isOurs = fs.existsSync(this.#place(series));
    if (!isOurs) this.#held.delete(series);
    return isOurs;
  }

  #names() {
    fs.mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    return fs.readdirSync(this.#directory).sort();
  }

  /**
   * Hold a file that nobody holds: whoever renames it first has it. Tell whether that was us.
   * @param {string} name
   */
  #takeUp(name) {
    const [, series = "", owner = ""] = FILE.exec(name) ?? [];
    const where = path.join(this.#directory, name);
    if (series === "" || !(owner === FREE || isLeft(where, owner))) return false;
    return this.#aside.with(where, () => this.#hold(where, series)) ?? false;
  }

  /**
   * @param {string} where
   * @param {string} series
   */
  #hold(where, series) {
    fs.closeSync(fs.openSync(where, "r")); // what cannot be read keeps its name
    const place = this.#place(series);
    fs.renameSync(where, place);
    const isShort = fs.statSync(place).size <= BYTES_MAX;
    const book = readBook(isShort ? fs.readFileSync(place, "utf8") : null);
    if (book?.series !== series) {
      fs.rmSync(place);
      return false;
    }
    this.#held.set(series, book);
    return true;
  }

  /**
   * Say to other containers that a file is held; one that was another user's is written anew.
   * @param {Book} book
   */
  #touch(book) {
    const now = new Date();
    try {
      fs.utimesSync(this.#place(book.series), now, now);
    } catch {
      this.#write(book);
    }
  }

  /** @param {Book} book */
  #write(book) {
    replaceWhole(this.#place(book.series), JSON.stringify(book));
    this.#held.set(book.series, book);
  }

  /**
   * @param {string} series
   * @param {string} [owner]
   */
  #place(series, owner = ME) {
    return path.join(this.#directory, `${series}.${owner}.json`);
  }
}
