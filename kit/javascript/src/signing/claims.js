/** Claims of our own tokens, each read as what it must be. What is something else is refused. */

import { lengthOf } from "../text.js";
import { InvalidTokenError, isObject, wholeSeconds } from "./jose.js";

export const LIST_MAX = 64;
export const TEXT_MAX = 2048;

/** @typedef {import("./jose.js").Claims} Claims */

/**
 * Refuse a token that was given a longer life than its kind may have.
 * @param {Claims} claims
 * @param {number} secondsMax
 */
export function checkLife(claims, secondsMax) {
  const seconds = wholeSeconds(claims, "exp") - wholeSeconds(claims, "iat");
  if (!(seconds > 0 && seconds <= secondsMax)) {
    throw new InvalidTokenError("time", `it may live for at most ${secondsMax} seconds`);
  }
}

/**
 * Return a claim that is a text with something in it.
 * @param {Claims} claims
 * @param {string} name
 * @returns {string}
 */
export function text(claims, name) {
  const value = claims[name];
  if (typeof value !== "string" || value === "" || lengthOf(value) > TEXT_MAX) {
    throw new InvalidTokenError("claims", `${name} is not a text`);
  }
  return value;
}

/**
 * Return a claim that is a list of 1 to `most` texts.
 * @param {Claims} claims
 * @param {string} name
 * @param {import("./jose.js").Reason} [reason]
 * @param {number} [most]
 * @returns {string[]}
 */
export function texts(claims, name, reason = "claims", most = LIST_MAX) {
  const value = claims[name];
  if (!Array.isArray(value)) throw new InvalidTokenError(reason, `${name} is not a list`);
  const areTexts = value.every((item) => typeof item === "string" && item !== "");
  if (!areTexts || value.length === 0 || value.length > most) {
    throw new InvalidTokenError(reason, `${name} is not a list of 1 to ${most} texts`);
  }
  return value;
}

/**
 * Return a claim that is a JSON object.
 * @param {Claims} claims
 * @param {string} name
 * @returns {Claims}
 */
export function members(claims, name) {
  const value = claims[name];
  if (!isObject(value)) throw new InvalidTokenError("claims", `${name} is not an object`);
  return value;
}
