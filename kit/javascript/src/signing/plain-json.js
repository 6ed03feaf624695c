/**
 * JSON as tokens may hold it: each member once, no half characters, and a number with a fraction
 * told apart from a whole one. `JSON.parse` tells none of these.
 */

import { hasLoneSurrogate } from "../text.js";

const DEPTH_MAX = 900;
const DIGITS_MAX = 4300; // as many as Python reads
const NUMBER = /(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;
const PIECE = /[^"\\\x00-\x1f]*/y;
/** @type {Record<string, string>} */
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** A number that is written with a fraction or an exponent: no claim of ours is one. */
export class Fraction {
  /** @param {number} value */
  constructor(value) {
    this.value = value;
  }
}

/** The text is not plain JSON. */
export class NotPlainError extends Error {}

/**
 * Read plain JSON. Objects have no prototype; a whole number is a number, any other a `Fraction`.
 * @param {string} text
 * @returns {unknown}
 */
export function readPlain(text) {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.space();
  if (reader.at !== text.length) throw new NotPlainError("something stands behind it");
  if (text.includes("\\u") && reader.isHalf) throw new NotPlainError("half a character");
  return value;
}

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.isHalf = false;
    this.space();
  }

  space() {
    SPACE.lastIndex = this.at;
    SPACE.exec(this.text);
    this.at = SPACE.lastIndex;
  }

  /**
   * @param {number} depth
   * @returns {unknown}
   */
  value(depth) {
    if (depth > DEPTH_MAX) throw new NotPlainError("too deep");
    switch (this.text[this.at]) {
      case "{":
        return this.object(depth);
      case "[":
        return this.array(depth);
      case '"':
        return this.string();
      default:
        return this.scalar();
    }
  }

  /** @param {number} depth */
  object(depth) {
    /** @type {Record<string, unknown>} */
    const found = Object.create(null);
    this.at += 1;
    this.space();
    if (this.takes("}")) return found;
    for (;;) {
      if (this.text[this.at] !== '"') throw new NotPlainError("a name is asked for");
      const name = this.string();
      if (name in found) throw new NotPlainError("a member twice");
      this.space();
      this.require(":");
      this.space();
      found[name] = this.value(depth + 1);
      this.space();
      if (this.takes("}")) return found;
      this.require(",");
      this.space();
    }
  }

  /** @param {number} depth */
  array(depth) {
    /** @type {unknown[]} */
    const found = [];
    this.at += 1;
    this.space();
    if (this.takes("]")) return found;
    for (;;) {
      found.push(this.value(depth + 1));
      this.space();
      if (this.takes("]")) return found;
      this.require(",");
      this.space();
    }
  }

  string() {
    let found = "";
    this.at += 1;
    for (;;) {
      PIECE.lastIndex = this.at;
      const [piece] = /** @type {RegExpExecArray} */ (PIECE.exec(this.text));
      found += piece;
      this.at += piece.length;
      const mark = this.text[this.at];
      if (mark === '"') break;
      if (mark !== "\\") throw new NotPlainError("a control character, or no end");
      found += this.escape();
    }
    this.at += 1;
    if (hasLoneSurrogate(found)) this.isHalf = true;
    return found;
  }

  escape() {
    const mark = this.text[this.at + 1] ?? "";
    if (mark !== "u") {
      const found = Object.hasOwn(ESCAPES, mark) ? ESCAPES[mark] : undefined;
      if (found === undefined) throw new NotPlainError("no such escape");
      this.at += 2;
      return found;
    }
    const digits = this.text.slice(this.at + 2, this.at + 6);
    if (!/^[0-9A-Fa-f]{4}$/.test(digits)) throw new NotPlainError("no such escape");
    this.at += 6;
    return String.fromCharCode(parseInt(digits, 16));
  }

  scalar() {
    for (const [word, value] of /** @type {[string, unknown][]} */ (WORDS)) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    NUMBER.lastIndex = this.at;
    const number = NUMBER.exec(this.text);
    if (number === null) throw new NotPlainError("no value");
    this.at = NUMBER.lastIndex;
    if (number[2] !== undefined || number[3] !== undefined) return new Fraction(Number(number[0]));
    if (number[0].replace("-", "").length > DIGITS_MAX) throw new NotPlainError("too many digits");
    return Number(number[1]) + 0;
  }

  /** @param {string} mark */
  takes(mark) {
    const isThere = this.text[this.at] === mark;
    if (isThere) this.at += 1;
    return isThere;
  }

  /** @param {string} mark */
  require(mark) {
    if (!this.takes(mark)) throw new NotPlainError(`${mark} is asked for`);
  }
}

const WORDS = [
  ["true", true],
  ["false", false],
  ["null", null],
];
