/** Absolute prefixes: what an audience and a policy name, and which addresses they cover. */

import { cutFirst } from "../text.js";
import { TEXT_MAX } from "./claims.js";
import { isIpv6 } from "../addresses/ipv6.js";

/** @type {Record<string, number>} */
const DEFAULT_PORTS = { http: 80, https: 443 };
const PLAIN = /^[!-~]+$/;
const PARTS = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)/;
const NETLOC = /^(\[[^\]]*\]|[^:[\]]*)(?::([0-9]*))?$/;

/**
 * Tell whether an absolute prefix covers `url`: same origin, and a path cut at a `/`.
 *
 * `/news` covers `/news` and `/news/a`, not `/news-evil`; `/news/` covers `/news/a`, not `/news`. A
 * URL with dot segments is covered by nothing: what it names is decided elsewhere.
 * @param {readonly string[]} prefixes
 * @param {string} url
 */
export function covers(prefixes, url) {
  const place = split(cutFirst(cutFirst(url, "#")[0], "?")[0]);
  if (place === null) return false;
  return prefixes.some((prefix) => {
    const found = splitPrefix(prefix);
    return found !== null && found.origin === place.origin && begins(place.path, found.path);
  });
}

/**
 * Return origin and path of an absolute prefix; null if it is relative, a pattern or more.
 * @param {string} prefix
 */
export function splitPrefix(prefix) {
  return /[*?#]/.test(prefix) ? null : split(prefix);
}

/**
 * @param {string} path
 * @param {string} prefix
 */
function begins(path, prefix) {
  return path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}

/**
 * Return the origin, lower-cased and without its default port, and the path.
 * @param {string} url
 * @returns {{origin: string, path: string} | null}
 */
function split(url) {
  if (url.length > TEXT_MAX * 4 || !PLAIN.test(url) || url.includes("\\")) return null;
  const [, written = "", netloc = "", path = ""] = PARTS.exec(url) ?? [];
  const scheme = written.toLowerCase();
  const standard = Object.hasOwn(DEFAULT_PORTS, scheme) ? DEFAULT_PORTS[scheme] : undefined;
  const [, host = "", digits = ""] = NETLOC.exec(netloc) ?? [];
  if (standard === undefined || host === "" || host === "[]" || netloc.includes("@")) return null;
  if (host.startsWith("[") && !isIpv6(host.slice(1, -1))) return null;
  const port = digits === "" ? standard : Number(digits);
  if (port > 65535 || hasDots(path)) return null;
  const origin = `${scheme}://${host.toLowerCase()}${port === standard ? "" : `:${port}`}`;
  return { origin, path: path || "/" };
}

/** @param {string} path */
function hasDots(path) {
  const segments = path.toLowerCase().replaceAll("%2e", ".").split("/");
  return segments.includes(".") || segments.includes("..");
}
