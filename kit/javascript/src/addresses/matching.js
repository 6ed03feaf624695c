/** What matches a URL (settlement rules, 3.14 to 3.16): things filed under claims and patterns. */

import { FiledPatterns } from "./patterns.js";
import { looseSpelling, spellings } from "./readings.js";

/** @typedef {import("./urls.js").UrlKey} UrlKey */
/** @typedef {import("./urls.js").ClaimKey} ClaimKey */

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
 *   patterns: FiledPatterns<T> | null}>} Hosts
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
    patterns: null,
  };
  hosts.set(name, paths);
  if (key.path.includes("*")) {
    paths.patterns ??= new FiledPatterns();
    paths.patterns.add(key.path, thing);
    return;
  }
  const filed = key.path.endsWith("$") ? paths.byWholePath : paths.byPath;
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
    if (paths.patterns !== null) take(paths.patterns.matching(path));
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
