/**
 * What a URL, or an opt-out's subject, says once normalised (settlement rules, 3.9 to 3.12).
 *
 * Pure text, in time linear in its length: nothing is fetched or resolved. `tests/site/corpus/urls.json`
 * holds this module and the Python one to the same answers.
 */

import { RefusalError } from "../errors.js";
import { cutLast, hasLoneSurrogate, kept, lengthOf, quote } from "../text.js";
import { isIpv6 } from "./ipv6.js";

const MAX_URL_LENGTH = 8192;
const MAX_HOST_LENGTH = 253;
const MAX_PORT_DIGITS = 5;
const MAX_PORT = 65535;
const MAX_STARS = 16;
const UNDRESSED_PORTS = new Set(["", "80", "443"]); // the scheme does not matter
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;
const HOST_PORT = /^(\[[0-9A-Fa-f:.]*\]|[^:[\]]*)(?::([0-9]*))?$/;
const LABELS = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const CONTROL = /[\x00-\x1f\x7f-\x9f]/;
const UNSEEN_END = /^[\s\p{Cf}]|[\s\p{Cf}]$/u;
const UNRESERVED = /^[A-Za-z0-9._~-]$/;
// What a path holds as it is, less `*` and `$`: raw, they make a pattern of an opt-out's path.
const PATH_SAFE = "/:@!&'()+,;=%-._~";
const SAFE = kept(PATH_SAFE);
const SAFE_AND_STAR = kept(`${PATH_SAFE}*`);

/** @typedef {{host: string, path: string}} UrlKey what two spellings of one URL have in common */
/** @typedef {UrlKey & {wildcard: boolean}} ClaimKey with `wildcard` also on every subdomain */

/** This is not an http or https URL with a host. */
export class MalformedUrlError extends RefusalError {
  static code = "MALFORMED_URL";
  static headline = "This is not an http or https URL with a host.";
}

/** This is not a claim. */
export class MalformedClaimError extends RefusalError {
  static code = "MALFORMED_CLAIM";
  static headline =
    "This is not a claim: `host`, `host/path` or `*.host/path`, also as an http(s) URL.";
}

/**
 * Return the key of an http or https URL.
 * @param {string} url
 * @returns {UrlKey}
 */
export function normaliseUrl(url) {
  refuseUnreadable(url);
  const scheme = SCHEME.exec(url);
  if (scheme === null || !isWeb(scheme[1])) throw new MalformedUrlError("neither http nor https");
  const { authority, path } = split(url.slice(scheme[0].length));
  return { host: hostOf(cutLast(authority, "@")[1]), path: normalisePath(path) };
}

/**
 * Return the key of an opt-out's subject: a claim, or one whose path is a pattern.
 * @param {string} text
 * @returns {ClaimKey}
 */
export function normaliseSubject(text) {
  try {
    return claimKey(text);
  } catch (error) {
    if (!(error instanceof MalformedUrlError)) throw error;
    throw new MalformedClaimError(error.detail);
  }
}

/**
 * Return a path with one spelling for each character and without dot segments. With `stars` a raw
 * `*` is kept, as in a pattern; else it becomes an escape.
 * @param {string} raw
 * @param {{stars?: boolean}} [how]
 */
export function normalisePath(raw, { stars = false } = {}) {
  const escaped = quote(raw, stars ? SAFE_AND_STAR : SAFE);
  if (escaped === "") return "/";
  return withoutDotSegments(escaped.replace(/%([0-9A-Fa-f]{2})/g, oneSpelling));
}

/** @param {string} text */
function claimKey(text) {
  refuseUnreadable(text);
  if (/[?#]/.test(text)) throw new MalformedUrlError("a query or fragment, which no claim has");
  const { authority, path } = split(withoutScheme(text));
  if (authority.includes("@")) throw new MalformedUrlError("user information, which no claim has");
  const wildcard = authority.startsWith("*.");
  const rest = wildcard ? authority.slice(2) : authority;
  if (rest.includes("*")) throw new MalformedUrlError("a * stands only before the whole host");
  return { host: hostOf(rest), path: subjectPath(path), wildcard };
}

/**
 * Return a path, or a pattern with its `*` and the `$` at its end (3.15).
 * @param {string} raw
 */
function subjectPath(raw) {
  if (raw.split("*").length - 1 > MAX_STARS) {
    throw new MalformedUrlError(`more than ${MAX_STARS} * in a pattern`);
  }
  if (raw.endsWith("$")) return `${normalisePath(raw.slice(0, -1), { stars: true })}$`;
  return normalisePath(raw, { stars: true });
}

/** @param {string} text */
function withoutScheme(text) {
  const scheme = SCHEME.exec(text);
  if (scheme === null) return text;
  if (!isWeb(scheme[1])) throw new MalformedUrlError("neither http nor https");
  return text.slice(scheme[0].length);
}

/** @param {string | undefined} scheme */
function isWeb(scheme) {
  return /^https?$/i.test(scheme ?? "");
}

/**
 * Refuse what no URL holds: endless text, control and half characters, unseen ends.
 * @param {string} text
 */
function refuseUnreadable(text) {
  if (text.length > MAX_URL_LENGTH && lengthOf(text) > MAX_URL_LENGTH) {
    throw new MalformedUrlError(`longer than ${MAX_URL_LENGTH} characters`);
  }
  if (CONTROL.test(text)) throw new MalformedUrlError("a control character");
  if (UNSEEN_END.test(text)) {
    throw new MalformedUrlError("white space or an invisible character at an end");
  }
  if (hasLoneSurrogate(text)) throw new MalformedUrlError("a lone surrogate");
}

/**
 * Split what follows `//` into authority and path (RFC 3986, 3.2). A `\` is refused: browsers and
 * crawlers read it as `/`, others do not.
 * @param {string} rest
 */
function split(rest) {
  const [, authority = "", path = ""] = /^([^/?#]*)([^?#]*)/.exec(rest) ?? [];
  if (authority.includes("\\") || path.includes("\\")) {
    throw new MalformedUrlError("a \\ before the query");
  }
  return { authority, path };
}

/**
 * Return the host with any port but 80 and 443.
 * @param {string} authority
 */
function hostOf(authority) {
  const found = HOST_PORT.exec(authority);
  if (found === null) throw new MalformedUrlError("no host and port");
  const host = nameOf(found[1] ?? "");
  let port = (found[2] ?? "").replace(/^0+/, "");
  if (port.length > MAX_PORT_DIGITS || Number(port) > MAX_PORT) {
    throw new MalformedUrlError("no such port");
  }
  if (found[2] && port === "") port = "0";
  return UNDRESSED_PORTS.has(port) ? host : `${host}:${port}`;
}

/**
 * Return a host name in the form it is compared in; an ASCII one is only lower-cased.
 * @param {string} name
 */
function nameOf(name) {
  if (name.startsWith("[")) {
    if (!isIpv6(name.slice(1, -1))) throw new MalformedUrlError("host: no address");
    return name.toLowerCase();
  }
  const ascii = /^[\x00-\x7f]*$/.test(name) ? name : asciiForm(name);
  const host = ascii.toLowerCase().replace(/\.$/, "");
  if (host.length > MAX_HOST_LENGTH || !LABELS.test(host)) throw new MalformedUrlError("no host");
  return host;
}

/**
 * Return the UTS 46 non-transitional ASCII form of a host, as the runtime's own `URL` makes it.
 *
 * It takes some names that IDNA 2008 does not, as those with pictures in them; such a name is an
 * opt-out more, never one less.
 * @param {string} name
 */
function asciiForm(name) {
  if (/[^A-Za-z0-9.\x80-\u{10ffff}-]/u.test(name)) throw new MalformedUrlError("host: not a name");
  try {
    return new URL(`http://${name}`).hostname;
  } catch {
    throw new MalformedUrlError("host: not a name");
  }
}

/**
 * @param {string} escape
 * @param {string} digits
 */
function oneSpelling(escape, digits) {
  const character = String.fromCharCode(parseInt(digits, 16));
  return UNRESERVED.test(character) ? character : escape.toUpperCase();
}

/**
 * Resolve `.` and `..` (RFC 3986, 5.2.4); a last one leaves a trailing slash.
 * @param {string} path
 */
export function withoutDotSegments(path) {
  if (!path.includes("/.")) return path;
  /** @type {string[]} */
  const found = [];
  const segments = path.split("/").slice(1);
  for (const segment of segments) {
    if (segment === "..") found.pop();
    else if (segment !== ".") found.push(segment);
  }
  const last = segments[segments.length - 1];
  return `/${(last === "." || last === ".." ? [...found, ""] : found).join("/")}`;
}
