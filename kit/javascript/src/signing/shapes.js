/** Members of signed documents, each of its shape or refused. */

import { InvalidTokenError, isObject } from "./jose.js";

/** @typedef {import("./jose.js").Claims} Claims */

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):?(\d\d))$/;

/**
 * @param {string} name
 * @param {string} what
 * @returns {never}
 */
function refuse(name, what) {
  throw new InvalidTokenError("claims", `${name} is not ${what}`);
}

/**
 * @param {Claims} from
 * @param {string} name
 * @param {string} [without] what it is where it is not there
 * @returns {string}
 */
export function aText(from, name, without) {
  const value = name in from ? from[name] : without;
  return typeof value === "string" ? value : refuse(name, "a text");
}

/**
 * @param {Claims} from
 * @param {string} name
 * @returns {number}
 */
export function aNumber(from, name) {
  const value = from[name];
  return typeof value === "number" ? value : refuse(name, "a whole number");
}

/**
 * @param {Claims} from
 * @param {string} name
 * @returns {unknown[]}
 */
export function aList(from, name) {
  const value = from[name];
  return Array.isArray(value) ? value : refuse(name, "a list");
}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {Claims}
 */
export function anObject(value, name) {
  return isObject(value) ? value : refuse(name, "an object");
}

/**
 * @param {Claims} from
 * @param {string} name
 * @returns {string[]}
 */
export function someTexts(from, name) {
  const found = aList(from, name);
  return found.every((item) => typeof item === "string")
    ? /** @type {string[]} */ (found)
    : refuse(name, "a list of texts");
}

/**
 * Return an instant with its offset (RFC 3339) in milliseconds, down to the microsecond.
 * @param {Claims} from
 * @param {string} name
 * @returns {number}
 */
export function anInstant(from, name) {
  const found = RFC3339.exec(aText(from, name));
  if (found === null) return refuse(name, "an instant");
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
  const [offsetHour, offsetMinute] = [Number(found[9] ?? 0), Number(found[10] ?? 0)];
  const date = new Date(0);
  date.setUTCFullYear(year ?? 0, (month ?? 0) - 1, day);
  date.setUTCHours(hour ?? 0, minute, second);
  const isDate =
    year !== 0 && date.getUTCMonth() === (month ?? 0) - 1 && date.getUTCDate() === day;
  const isTime = Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
  if (!isDate || !isTime || offsetHour > 23 || offsetMinute > 59) return refuse(name, "an instant");
  const micros = Math.round(Number(`0.${found[7] ?? 0}`) * 1e6);
  const offset = (offsetHour * 60 + offsetMinute) * 60_000 * (found[8] === "-" ? -1 : 1);
  return date.getTime() - offset + micros / 1000;
}
