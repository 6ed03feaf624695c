/** What an application might make of an address: read loosely, for what is withheld only. */

import { unquote } from "../text.js";
import { withoutDotSegments } from "./urls.js";

/**
 * Return what applications that are easy about addresses may take a normalised path for: escapes
 * undone once and twice, with `\\` as `/`, without parameters (`;x=1`), with slashes merged, each of
 * these or not, and always in small letters. At most 32, plain text: to be compared with what
 * `looseSpelling` makes. A reading more refuses more.
 * @param {string} path
 */
export function looseReadings(path) {
  let found = twice([unquote(path), unquote(withoutParameters(path))], unquote);
  for (const read of [withoutBackslashes, withoutParameters, merged]) found = twice(found, read);
  return new Set(found.map((each) => easy(withoutDotSegments(each))));
}

/**
 * Return the normalised path of a subject, or its pattern, as `looseReadings` spells paths.
 * @param {string} subject
 */
export function looseSpelling(subject) {
  const end = subject.endsWith("$") ? "$" : "";
  const pieces = (end ? subject.slice(0, -1) : subject).split("*");
  return pieces.map((piece) => easy(unquote(piece))).join("*") + end;
}

/**
 * Return some texts as they are and as something else reads them.
 * @param {readonly string[]} texts
 * @param {(text: string) => string} read
 */
function twice(texts, read) {
  return [...new Set([...texts, ...texts.map(read)])];
}

/** @param {string} path */
const withoutParameters = (path) => path.replace(/;[^/]*/g, "");
/** @param {string} path */
const withoutBackslashes = (path) => path.replaceAll("\\", "/");
/** @param {string} path */
const merged = (path) => path.replace(/\/+/g, "/");
/** @param {string} text */
const easy = (text) => text.toLowerCase().replaceAll("*", "%2a").replaceAll("$", "%24");
