/**
 * Which files are readable before anything is bought: those in which a site reserves its rights. A
 * reservation that a crawler cannot read is none (art. 4(3) of Directive (EU) 2019/790).
 */

import { unquote } from "../text.js";

export const LICENCE_PATH = "/license.xml";
const RESERVATIONS = new Set(["/robots.txt", "/ai.txt", "/trust.txt", LICENCE_PATH]);
const WELL_KNOWN = /^\/\.well-known(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/;

/**
 * Tell whether a path is of such a file; one with escapes or dots is of none.
 * @param {string} path as it was sent
 */
export function isReservation(path) {
  if (unquote(path) !== path) return false;
  return RESERVATIONS.has(path) || WELL_KNOWN.test(path);
}
