/** What matches a URL (settlement rules, 3.14 to 3.16): things filed under claims and patterns. */

import { looseSpelling, spellings } from "./readings.js";

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
 * Return how long a rule of a published source is; a `*` at its end adds nothing.
 * @param {string} path
 */
export function ruleLength(path) {
  return path.length - (path.endsWith("*") ? 1 : 0);
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
 * Things filed under claims or the subjects of opt-outs, found by the address of a page.
 *
 * Here alone addresses are read loosely as well (`looseReadings`): what is found so may refuse, and
 * opens or counts nothing.
 * @template T
 */
export class Filed {
  /** @type {Hosts<T>} */
  #asWritten = new Map();
  /** @type {Hosts<T>} what is spelled otherwise than a loose reading of it is */
  #loosely = new Map();
  hasLoose = false;

  /**
   * File a thing under a subject, whose path may be a pattern.
   * @param {ClaimKey} key
   * @param {T} thing
   */
  add(key, thing) {
    file(this.#asWritten, key, thing);
    for (const path of spellings(key.path).map(looseSpelling)) {
      if (path === key.path) continue;
      file(this.#loosely, { ...key, path }, thing);
      this.hasLoose = true;
    }
  }

  /**
   * Return what is filed under each subject that matches, the most specific first: exact host before
   * wildcard, the whole path before the longer before the shorter; of patterns one group at last.
   * @param {UrlKey} key
   * @returns {T[][]}
   */
  asWritten(key) {
    return look(this.#asWritten, key);
  }

  /**
   * Return what is filed under any that matches a loose reading.
   * @param {UrlKey} key
   * @returns {Set<T>}
   */
  readAs(key) {
    return new Set([...look(this.#asWritten, key), ...look(this.#loosely, key)].flat());
  }
}

/**
 * @template T
 * @typedef {Map<string, {byPath: Map<string, T[]>, byWholePath: Map<string, T[]>,
 *   byPattern: Map<string, T[]>}>} Hosts
 */

/**
 * @template T
 * @param {Hosts<T>} hosts
 * @param {ClaimKey} key
 * @param {T} thing
 */
function file(hosts, key, thing) {
  const name = `${key.wildcard} ${key.host}`;
  const paths = hosts.get(name) ?? {
    byPath: new Map(),
    byWholePath: new Map(),
    byPattern: new Map(),
  };
  hosts.set(name, paths);
  const whole = key.path.endsWith("$") ? paths.byWholePath : paths.byPath;
  const filed = key.path.includes("*") ? paths.byPattern : whole;
  const things = filed.get(key.path);
  if (things === undefined) filed.set(key.path, [thing]);
  else things.push(thing);
}

/**
 * @template T
 * @param {Hosts<T>} hosts
 * @param {UrlKey} key
 * @returns {T[][]}
 */
function look(hosts, { host, path }) {
  /** @type {T[][]} */
  const found = [];
  /** @param {T[] | undefined} group */
  const take = (group) => {
    if (group !== undefined && group.length > 0) found.push(group);
  };
  for (const [name, wildcard] of candidateHosts(host)) {
    const paths = hosts.get(`${wildcard} ${name}`);
    if (paths === undefined) continue;
    take(paths.byWholePath.get(`${path}$`));
    if (paths.byPath.size > 0) {
      for (const end of [...ends(path)].reverse()) take(paths.byPath.get(path.slice(0, end)));
    }
    if (paths.byPattern.size > 0) {
      const matching = [...paths.byPattern].filter(([pattern]) => patternMatches(pattern, path));
      take(matching.flatMap(([, things]) => things));
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
