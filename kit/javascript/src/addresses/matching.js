/** What matches a URL (settlement rules, 3.14 to 3.16): things filed under claims and patterns. */

import { looseReadings, looseSpelling } from "./readings.js";

/** @typedef {import("./urls.js").UrlKey} UrlKey */
/** @typedef {import("./urls.js").ClaimKey} ClaimKey */

/**
 * Tell whether a normalised path is a pattern of RFC 9309, as an opt-out's may be.
 * @param {string} path
 */
export function isPattern(path) {
  return path.includes("*") || path.endsWith("$");
}

/**
 * Tell whether a pattern matches a path: `*` any characters, `$` at the end its end. Each piece is
 * taken where it stands first and never again, so that the time grows with the path alone.
 * @param {string} pattern
 * @param {string} path
 */
export function patternMatches(pattern, path) {
  const isAnchored = pattern.endsWith("$");
  const [first = "", ...others] = (isAnchored ? pattern.slice(0, -1) : pattern).split("*");
  if (!path.startsWith(first)) return false;
  let at = first.length;
  const last = others[others.length - 1];
  if (last === undefined) return !isAnchored || at === path.length;
  for (const piece of isAnchored ? others.slice(0, -1) : others) {
    const found = path.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return !isAnchored || (path.length - at >= last.length && path.endsWith(last));
}

/**
 * Return host and wildcard of every claim that could match a host.
 * @param {string} host
 * @returns {[string, boolean][]}
 */
export function candidateHosts(host) {
  /** @type {[string, boolean][]} */
  const hosts = [
    [host, false],
    [host, true],
  ];
  if (host.startsWith("[")) return hosts; // an address has no subdomains
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
    hosts.push([host.slice(dot + 1), true]);
  }
  return hosts;
}

/**
 * Things filed under the subjects of opt-outs, and looked up by URL.
 *
 * An address is read loosely as well (`looseReadings`): what is found here refuses, and opens or
 * counts nothing.
 * @template T
 */
export class Filed {
  /** @type {Hosts<T>} */
  #asWritten = new Map();
  /** @type {Hosts<T>} */
  #loosely = new Map();

  /**
   * File a thing under a subject, whose path may be a pattern.
   * @param {ClaimKey} key
   * @param {T} thing
   */
  add(key, thing) {
    file(this.#asWritten, key, thing);
    file(this.#loosely, { ...key, path: looseSpelling(key.path) }, thing);
  }

  /**
   * Return everything filed under a key that matches; some of it more than once.
   * @param {UrlKey} key
   * @returns {T[]}
   */
  matching({ host, path }) {
    const found = look(this.#asWritten, { host, path });
    for (const reading of looseReadings(path)) {
      found.push(...look(this.#loosely, { host, path: reading }));
    }
    return found;
  }
}

/**
 * @template T
 * @typedef {Map<string, {byPath: Map<string, T[]>, byPattern: Map<string, T[]>}>} Hosts
 */

/**
 * @template T
 * @param {Hosts<T>} hosts
 * @param {ClaimKey} key
 * @param {T} thing
 */
function file(hosts, key, thing) {
  const name = `${key.wildcard} ${key.host}`;
  const paths = hosts.get(name) ?? { byPath: new Map(), byPattern: new Map() };
  hosts.set(name, paths);
  const things = isPattern(key.path) ? paths.byPattern : paths.byPath;
  things.set(key.path, [...(things.get(key.path) ?? []), thing]);
}

/**
 * @template T
 * @param {Hosts<T>} hosts
 * @param {UrlKey} key
 * @returns {T[]}
 */
function look(hosts, { host, path }) {
  const found = [];
  for (const [name, wildcard] of candidateHosts(host)) {
    const paths = hosts.get(`${wildcard} ${name}`);
    if (paths === undefined) continue;
    for (const end of ends(path)) found.push(...(paths.byPath.get(path.slice(0, end)) ?? []));
    for (const [pattern, things] of paths.byPattern) {
      if (patternMatches(pattern, path)) found.push(...things);
    }
  }
  return found;
}

/**
 * Yield where a claim's path may end in a path: at the end of a segment, before its `/` or behind.
 * @param {string} path
 */
function* ends(path) {
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
    if (slash > 0 && path[slash - 1] !== "/") yield slash;
    if (slash + 1 < path.length) yield slash + 1;
  }
  yield path.length;
}
