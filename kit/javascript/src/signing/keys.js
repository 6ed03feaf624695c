/** Keys on P-256, named by their thumbprint. `jose.js` is the door; only it calls `check`. */

import { RefusalError } from "../errors.js";
import { bytesOf } from "../text.js";
import { fromBase64Url, toBase64Url } from "./base64.js";

export const ALGORITHM = "ES256";
export const CURVE = "P-256";
const SIGNATURE_BYTES = 64;
const COORDINATE = 43;
const POINTS_MAX = 1024;
const CONFIRMED_MAX = 10_000;

/** The key is not one this federation signs or checks with. */
export class InvalidKeyError extends RefusalError {
  static code = "INVALID_KEY";
  static headline = "The key is not one this federation signs or checks with.";
}

/** @typedef {Map<string, PublicKey>} Keys by `kid` */

/** @type {Map<string, PublicKey>} keys and no promises: who began one may be gone */
const points = new Map();
/** @type {Map<string, null>} signatures that were found good, which stays true for ever */
const confirmed = new Map();

/**
 * Return the SHA-256 of a text each of whose characters is a byte, as base64url.
 * @param {string} text
 */
export async function digest(text) {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(text))));
}

/** Half a key: it checks. Made only from a public P-256 key whose `kid` is its thumbprint. */
export class PublicKey {
  /**
   * @param {CryptoKey} key
   * @param {string} kid
   */
  constructor(key, kid) {
    this.key = key;
    this.kid = kid;
  }

  /**
   * Import a public JWK; a private one, another curve or a `kid` of its own is refused.
   * @param {unknown} jwk
   * @returns {Promise<PublicKey>}
   */
  static async fromJwk(jwk) {
    const { kty, crv, x, y, kid, ...others } = members(jwk);
    if (kty !== "EC" || crv !== CURVE || "d" in others) {
      throw new InvalidKeyError("a public JWK on P-256 is asked for");
    }
    for (const text of [x, y]) {
      if (typeof text !== "string" || text.length !== COORDINATE || !fromBase64Url(text)) {
        throw new InvalidKeyError("not a point on P-256");
      }
    }
    const key = await point(/** @type {string} */ (x), /** @type {string} */ (y));
    if (kid !== undefined && kid !== key.kid) {
      throw new InvalidKeyError("kid is not the RFC 7638 thumbprint");
    }
    return key;
  }

  /**
   * Tell whether the signature of a compact token is this key's.
   * @param {string} token
   */
  async check(token) {
    const name = `${this.kid} ${await digest(token)}`;
    if (confirmed.has(name)) return true;
    if (!(await this.#confirms(token))) return false;
    confirmed.set(name, null);
    forgetOldest(confirmed, CONFIRMED_MAX);
    return true;
  }

  /** @param {string} token */
  async #confirms(token) {
    const end = token.lastIndexOf(".");
    const signature = fromBase64Url(token.slice(end + 1));
    if (signature === null || signature.length !== SIGNATURE_BYTES) return false;
    const how = { name: "ECDSA", hash: "SHA-256" };
    return crypto.subtle.verify(how, this.key, signature, bytesOf(token.slice(0, end)));
  }
}

/**
 * Return the members of a JSON object.
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
function members(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidKeyError("not a JSON object");
  }
  return /** @type {Record<string, unknown>} */ (value);
}

/**
 * Read a point; the same few keys come again with each policy.
 * @param {string} x
 * @param {string} y
 */
async function point(x, y) {
  const name = `${x}.${y}`;
  const known = points.get(name) ?? (await imported(x, y));
  points.delete(name);
  points.set(name, known);
  forgetOldest(points, POINTS_MAX);
  return known;
}

/**
 * @param {string} x
 * @param {string} y
 */
async function imported(x, y) {
  const jwk = { kty: "EC", crv: CURVE, x, y };
  const how = { name: "ECDSA", namedCurve: CURVE };
  const kid = await digest(`{"crv":"${CURVE}","kty":"EC","x":"${x}","y":"${y}"}`);
  try {
    return new PublicKey(await crypto.subtle.importKey("jwk", jwk, how, false, ["verify"]), kid);
  } catch {
    throw new InvalidKeyError("not a point on P-256");
  }
}

/**
 * Drop what has been in a map for longest.
 * @param {Map<string, unknown>} map
 * @param {number} most
 */
export function forgetOldest(map, most) {
  while (map.size > most) map.delete(/** @type {string} */ (map.keys().next().value));
}

/**
 * Return the keys of a published set by `kid`.
 * @param {readonly unknown[]} jwks
 * @returns {Promise<Keys>}
 */
export async function keySet(jwks) {
  const found = await Promise.all(jwks.map((jwk) => PublicKey.fromJwk(jwk)));
  return new Map(found.map((key) => [key.kid, key]));
}
