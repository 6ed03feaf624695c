/**
 * Under which names a site answers: stated when it is installed, never taken from a request. Every
 * header that names a host must name the same origin: else a withheld page had a second name.
 */

import { splitPrefix } from "../signing/prefixes.js";
import { strip } from "../text.js";
import { AmbiguousRequestError, UnknownHostError } from "./refusals.js";

/** @type {Record<string, string>} */
const DEFAULT_PORTS = { http: ":80", https: ":443" };
const FORWARDED = /(?:^|[;,])\s*host\s*=\s*("[^"]*"|[^;,"]*)/gi;
// By which some applications and servers take another path than that of the request.
const OTHER_ADDRESS = ["x-original-url", "x-rewrite-url", "script-name", "x-script-name", "path-info"];

/** @typedef {import("./seen.js").Seen} Seen */

/** The origins of one site, `https://host` each; `main` is the first. */
export class Origins {
  /** @type {Map<string, string>} */
  #byHost = new Map();

  /** @param {readonly string[]} configured */
  constructor(configured) {
    if (!Array.isArray(configured) || configured.length === 0) {
      throw new TypeError("origins lists at least one, each like https://host");
    }
    const found = configured.map(originOf);
    this.main = /** @type {string} */ (found[0]);
    for (const origin of found) {
      for (const host of hostsOf(origin)) {
        if ((this.#byHost.get(host) ?? origin) !== origin) {
          throw new TypeError(`two origins have the host ${host}`);
        }
        this.#byHost.set(host, origin);
      }
    }
  }

  /**
   * Return the origin a request is for, or refuse one that names another host or two.
   * @param {Seen} seen
   */
  asked(seen) {
    const hosts = seen.values("host");
    if (hosts.length !== 1) throw new AmbiguousRequestError("one Host header is asked for");
    const origins = new Set([...hosts, ...forwarded(seen)].map((host) => this.#known(host)));
    if (origins.size > 1) throw new AmbiguousRequestError("its headers name two sites");
    return /** @type {string} */ ([...origins][0]);
  }

  /** @param {string} host */
  #known(host) {
    const origin = this.#byHost.get(lower(host));
    if (origin === undefined) throw new UnknownHostError(host.slice(0, 100));
    return origin;
  }

  /**
   * Return the path of an address on this site, null for one elsewhere.
   * @param {string | null} url
   */
  pathOf(url) {
    const split = splitPrefix(url ?? "");
    const isHere = split !== null && [...this.#byHost.values()].includes(split.origin);
    return isHere ? split.path : null;
  }
}

/**
 * Refuse a request with a header by which an application may take another path than it says.
 * @param {Seen} seen
 */
export function requireOneAddress(seen) {
  for (const name of OTHER_ADDRESS) {
    if (seen.headers.has(name) || seen.headers.has(name.replaceAll("-", "_"))) {
      throw new AmbiguousRequestError(`${name} names another address`);
    }
  }
}

/** @param {string} host */
function lower(host) {
  return host.replace(/[A-Z]/g, (one) => one.toLowerCase());
}

/** @param {string} configured */
function originOf(configured) {
  const split = typeof configured === "string" ? splitPrefix(configured) : null;
  if (split === null || split.path !== "/") {
    throw new TypeError(`origin is not like https://host: ${configured}`);
  }
  return split.origin;
}

/**
 * Return how a Host header may name an origin: its default port may be written or not.
 * @param {string} origin
 */
function hostsOf(origin) {
  const [scheme = "", host = ""] = origin.split("://");
  const isWithPort = host.slice(host.lastIndexOf("]") + 1).includes(":");
  return isWithPort ? [host] : [host, `${host}${DEFAULT_PORTS[scheme]}`];
}

/**
 * Return the hosts that proxies say were asked for (X-Forwarded-Host, Forwarded).
 * @param {Seen} seen
 */
function forwarded(seen) {
  const found = seen.values("x-forwarded-host").flatMap((text) => text.split(",").map(strip));
  for (const text of seen.values("forwarded")) {
    for (const [, value = ""] of text.matchAll(FORWARDED)) {
      found.push(strip(value).replace(/^"+|"+$/g, ""));
    }
  }
  return found;
}
