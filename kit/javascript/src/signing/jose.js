/**
 * The one door for checking signatures: compact JWS, ES256, nothing else.
 *
 * An exact header (`alg`, `typ`, `kid` and no other member), a bounded size, canonical base64url, no
 * JSON member twice. Keys come from the caller, never from the token.
 */

import { RefusalError } from "../errors.js";
import { fromBase64Url } from "./base64.js";
import { ALGORITHM } from "./keys.js";
import { NotPlainError, readPlain } from "./plain-json.js";

export const TOKEN_BYTES_MAX = 4096;
export const LEEWAY_SECONDS = 60;
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @typedef {import("./keys.js").Keys} Keys */
/** @typedef {Record<string, unknown>} Claims */
/**
 * @typedef {"size" | "malformed" | "header" | "algorithm" | "type" | "key" | "signature" | "issuer"
 *   | "audience" | "time" | "expired" | "claims" | "confirmation"} Reason
 * Why a token is refused: stable, and free of anything the token or a key holds.
 */

/** The signed token is not valid. `reason` is for the log. */
export class InvalidTokenError extends RefusalError {
  static code = "INVALID_TOKEN";
  static headline = "The signed token is not valid.";

  /**
   * @param {Reason} reason
   * @param {string} [detail]
   */
  constructor(reason, detail = "") {
    super(detail ? `${reason}: ${detail}` : reason);
    this.reason = reason;
  }
}

/**
 * Return the claims of a token of that type signed by one of `keys`, of whatever age.
 * @param {string} token
 * @param {{typ: string, keys: Keys, maxBytes?: number}} asked
 */
export async function verify(token, { typ, keys, maxBytes = TOKEN_BYTES_MAX }) {
  return believe(open(token, typ, maxBytes), keys);
}

/**
 * Return the claims of a token signed by one of the keys that it names itself: `keysIn` reads them
 * from claims that nobody believes yet.
 * @param {string} token
 * @param {{typ: string, keysIn: (claims: Claims) => Promise<Keys>, maxBytes?: number}} asked
 */
export async function verifyOwn(token, { typ, keysIn, maxBytes = TOKEN_BYTES_MAX }) {
  const opened = open(token, typ, maxBytes);
  return believe(opened, await keysIn(opened.claims));
}

/**
 * Return the claims of a token signed by the very issuer it names: `iss` is compared whole, and only
 * that issuer's keys can confirm it.
 * @param {string} token
 * @param {{typ: string, issuers: Map<string, Keys>, maxBytes?: number}} asked
 */
export async function verifyFrom(token, { typ, issuers, maxBytes = TOKEN_BYTES_MAX }) {
  const opened = open(token, typ, maxBytes);
  const issuer = opened.claims.iss;
  const keys = typeof issuer === "string" ? issuers.get(issuer) : undefined;
  if (keys === undefined) throw new InvalidTokenError("issuer", "not an issuer this server knows");
  return believe(opened, keys);
}

/**
 * Refuse what has expired or is not yet issued. `exp` and `iat` are required whole seconds.
 * @param {Claims} claims
 * @param {number} instant seconds
 */
export function checkTimes(claims, instant) {
  const issued = wholeSeconds(claims, "iat");
  const expires = wholeSeconds(claims, "exp");
  if (expires <= instant - LEEWAY_SECONDS) throw new InvalidTokenError("expired");
  if (issued > instant + LEEWAY_SECONDS) {
    throw new InvalidTokenError("time", "issued in the future");
  }
  if ("nbf" in claims && wholeSeconds(claims, "nbf") > instant + LEEWAY_SECONDS) {
    throw new InvalidTokenError("time", "not valid yet");
  }
}

/**
 * Return a time claim, an integer and nothing like one.
 * @param {Claims} claims
 * @param {string} name
 * @returns {number}
 */
export function wholeSeconds(claims, name) {
  const value = claims[name];
  if (typeof value !== "number") {
    throw new InvalidTokenError("time", `${name} is not a whole number of seconds`);
  }
  return value;
}

/**
 * @param {string} token
 * @param {string} typ
 * @param {number} maxBytes
 */
function open(token, typ, maxBytes) {
  if (token.length > maxBytes) throw new InvalidTokenError("size", `more than ${maxBytes} bytes`);
  if (!COMPACT.test(token)) throw new InvalidTokenError("malformed", "not a compact JWS");
  const [header = "", payload = "", signature = ""] = token.split(".");
  decode(signature);
  return { token, kid: checkHeader(readObject(header), typ), claims: readObject(payload) };
}

/**
 * Return the `kid` of a header that is exactly what we write.
 * @param {Claims} header
 * @param {string} typ
 * @returns {string}
 */
function checkHeader(header, typ) {
  if (header.alg !== ALGORITHM) {
    throw new InvalidTokenError("algorithm", `only ${ALGORITHM} is accepted`);
  }
  if (header.typ !== typ) throw new InvalidTokenError("type", `${typ} is asked for`);
  if (Object.keys(header).length !== 3 || !("kid" in header)) {
    throw new InvalidTokenError("header", "exactly alg, typ and kid are accepted");
  }
  if (typeof header.kid !== "string") throw new InvalidTokenError("key", "kid is not a string");
  return header.kid;
}

/**
 * @param {{token: string, kid: string, claims: Claims}} opened
 * @param {Keys} keys
 */
async function believe(opened, keys) {
  const key = keys.get(opened.kid);
  if (key === undefined) throw new InvalidTokenError("key", "not a key of this issuer");
  if (!(await key.check(opened.token))) throw new InvalidTokenError("signature");
  return opened.claims;
}

/** @param {string} segment */
function decode(segment) {
  const raw = fromBase64Url(segment);
  if (raw === null) throw new InvalidTokenError("malformed", "not canonical base64url");
  return raw;
}

/**
 * @param {string} segment
 * @returns {Claims}
 */
function readObject(segment) {
  let value;
  try {
    value = readPlain(STRICT.decode(decode(segment)));
  } catch (error) {
    if (!(error instanceof NotPlainError) && !(error instanceof TypeError)) throw error;
    throw new InvalidTokenError("malformed", "not plain JSON with each member once");
  }
  if (!isObject(value)) throw new InvalidTokenError("malformed", "not a JSON object");
  return value;
}

/**
 * @param {unknown} value
 * @returns {value is Claims}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null;
}
