/** What an application might make of an address: read loosely, for what is withheld only. */

import { kept, quote, unquote } from "../text.js";
import { normalisePath, withoutDotSegments } from "./urls.js";

const SAFE = kept("/:@!$&'()*+,;=~-._");
const EASY = /^(?:\/(?!\.)[A-Za-z0-9_~!&'()+,=:@.-]+)*\/?$/; // has one reading, but for capitals

/**
 * Return a decoded path with only those escapes that no URL can do without.
 * @param {string} decoded
 */
export function plainPath(decoded) {
  return quote(decoded, SAFE);
}

/**
 * Return a subject's path as written and as a request for it is read, escapes undone. A pattern's
 * marks are kept: only what stands between them is spelled again.
 * @param {string} path
 * @returns {string[]}
 */
export function spellings(path) {
  if (!path.includes("%")) return [path];
  const end = path.endsWith("$") ? "$" : "";
  const read = (end ? path.slice(0, -1) : path)
    .split("*")
    .map((piece) => plainPath(unquote(piece)).replaceAll("*", "%2A"))
    .join("*");
  return [...new Set([path, normalisePath(read, { stars: true }) + end])];
}

/**
 * Return what applications that are easy about addresses may take a normalised path for: escapes
 * undone once and twice, with `\\` as `/`, without parameters (`;x=1`), with slashes merged, each of
 * these or not, and always in small letters. At most 32, plain text: to be compared with what
 * `looseSpelling` makes. A reading more refuses more.
 * @param {string} path
 */
export function looseReadings(path) {
  if (path !== "" && EASY.test(path)) return new Set([path.toLowerCase()]);
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
