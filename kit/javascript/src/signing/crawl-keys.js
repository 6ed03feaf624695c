/** Crawlers' keys: Ed25519, named by their thumbprint. `signatures.js` alone calls `check`. */

import { fromBase64Url } from "./base64.js";
import { InvalidKeyError, digest, forgetOldest } from "./keys.js";

const CURVE = "Ed25519";
const KEY_TEXT = /^[A-Za-z0-9_-]{43}$/;
const ALGORITHMS = ["EdDSA", "Ed25519"]; // RFC 8037, RFC 9864
const IMPORTED_MAX = 1024;

// RFC 8032, section 5.1: the field, and d of the curve -x^2 + y^2 = 1 + d x^2 y^2.
const PRIME = 2n ** 255n - 19n;
const D = mod(-121665n * power(121666n, PRIME - 2n));
// The y of the eight points of small order. Under such a key signatures verify that nobody made.
const Y_OF_ORDER_8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
const SMALL = new Set([0n, 1n, PRIME - 1n, Y_OF_ORDER_8, PRIME - Y_OF_ORDER_8]);

/** @type {Map<string, CrawlPublicKey>} keys and no promises: who began one may be gone */
const imported = new Map();

/** Half a crawler's key: it checks. `kid` is its RFC 7638 thumbprint (RFC 8037, A.3). */
export class CrawlPublicKey {
  /**
   * @param {CryptoKey} key
   * @param {string} kid
   */
  constructor(key, kid) {
    this.key = key;
    this.kid = kid;
  }

  /**
   * Import a public Ed25519 JWK (INVALID_KEY). Refused are private keys, other curves, another
   * `kid` or `alg`, and points that are not on the curve, are not spelled as RFC 8032 does or are of
   * small order: libraries take those.
   * @param {import("./jose.js").Claims} jwk
   */
  static async fromJwk(jwk) {
    if (jwk.kty !== "OKP" || jwk.crv !== CURVE || "d" in jwk) {
      throw new InvalidKeyError("a public JWK on Ed25519 is asked for");
    }
    if ("alg" in jwk && !ALGORITHMS.includes(/** @type {string} */ (jwk.alg))) {
      throw new InvalidKeyError("alg is another one");
    }
    const key = await keyOf(typeof jwk.x === "string" ? jwk.x : "");
    if ("kid" in jwk && jwk.kid !== key.kid) {
      throw new InvalidKeyError("kid is not the RFC 7638 thumbprint");
    }
    return key;
  }

  /**
   * Tell whether a signature of a message is this key's.
   * @param {Uint8Array<ArrayBuffer>} signature
   * @param {Uint8Array<ArrayBuffer>} message
   */
  async check(signature, message) {
    return crypto.subtle.verify({ name: CURVE }, this.key, signature, message);
  }
}

/** @param {string} x */
async function keyOf(x) {
  const known = imported.get(x) ?? (await readKey(x));
  imported.delete(x);
  imported.set(x, known);
  forgetOldest(imported, IMPORTED_MAX);
  return known;
}

/** @param {string} x */
async function readKey(x) {
  const raw = KEY_TEXT.test(x) ? fromBase64Url(x) : null;
  if (raw === null) throw new InvalidKeyError("x is not 32 bytes in base64url");
  requirePoint(raw);
  const kid = await digest(`{"crv":"${CURVE}","kty":"OKP","x":"${x}"}`);
  try {
    const key = await crypto.subtle.importKey("raw", raw, { name: CURVE }, false, ["verify"]);
    return new CrawlPublicKey(key, kid);
  } catch {
    throw new InvalidKeyError("not a point on the curve");
  }
}

/**
 * Refuse what is no point, one spelled otherwise than RFC 8032 does, or one of small order.
 * @param {Uint8Array} raw
 */
function requirePoint(raw) {
  let y = 0n;
  for (const byte of [...raw].reverse()) y = (y << 8n) | BigInt(byte);
  y &= (1n << 255n) - 1n;
  if (y >= PRIME || SMALL.has(y)) throw new InvalidKeyError("not a point that a key may be");
  const squared = (y * y) % PRIME;
  // x^2 is numerator / denominator; that is a square exactly if numerator * denominator is.
  const product = mod((squared - 1n) * (D * squared + 1n));
  if (power(product, (PRIME - 1n) / 2n) !== 1n) {
    throw new InvalidKeyError("not a point on the curve");
  }
}

/** @param {bigint} value */
function mod(value) {
  return ((value % PRIME) + PRIME) % PRIME;
}

/**
 * @param {bigint} base
 * @param {bigint} exponent
 */
function power(base, exponent) {
  let found = 1n;
  for (let squares = mod(base), left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) found = (found * squares) % PRIME;
    squares = (squares * squares) % PRIME;
  }
  return found;
}
