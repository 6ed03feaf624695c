/**
 * Licence tokens of both kinds: a bearer's for one member's prefixes, for minutes (whoever shows it
 * is served), and one for the sites of all members, bound to a crawler's key (RFC 9068, RFC 7800).
 */

import { RefusalError } from "../errors.js";
import { LIST_MAX, checkLife, members, text, texts } from "./claims.js";
import { CrawlPublicKey } from "./crawl-keys.js";
import { InvalidTokenError, checkTimes, verifyFrom, wholeSeconds } from "./jose.js";
import { InvalidKeyError } from "./keys.js";
import { splitPrefix } from "./prefixes.js";
import { readReference } from "./statuslist.js";

const LICENCE_TYP = "at+jwt";
const BEARER_SECONDS_MAX = 15 * 60;
const BOUND_SECONDS_MAX = 3600;
const MEMBERS_PATH = "/rs/members";
const EVERYWHERE = "*";
const PLACES_MAX = 300;
const THUMBPRINT_CHARS = 43;

/** @typedef {import("./jose.js").Claims} Claims */
/** @typedef {import("./statuslist.js").StatusReference} StatusReference */
/**
 * @typedef {object} Common What a checked licence token of either kind says.
 * @property {string} issuer
 * @property {string} licensee
 * @property {string} licence
 * @property {string[]} uses
 * @property {StatusReference | null} status
 * @property {string} jti
 * @property {number} issuedAt
 * @property {number} expiresAt
 */
/** @typedef {Common & {isBound: false, audience: string[]}} BearerToken */
/**
 * @typedef {Common & {isBound: true, territory: string[], repertoire: string[], keyId: string,
 *   key: CrawlPublicKey | null}} BoundToken
 * `["*"]` is all. `key` is null where the token names no more than its thumbprint, `keyId`.
 */
/** @typedef {BearerToken | BoundToken} LicenceToken */

/** The licence token was not minted for this address. */
export class OutsideAudienceError extends RefusalError {
  static code = "INSUFFICIENT_SCOPE";
  static headline = "The licence token was not minted for this address.";
}

/**
 * Return a licence token of either kind if a known issuer signed it and it is alive.
 *
 * Whether its audience covers an address, and who signed the request, is the caller's to check.
 * @param {string} token
 * @param {{issuers: Map<string, import("./keys.js").Keys>, hub: string, instant: number}} asked
 * @returns {Promise<LicenceToken>}
 */
export async function openLicenceToken(token, { issuers, hub, instant }) {
  const claims = await verifyFrom(token, { typ: LICENCE_TYP, issuers });
  checkTimes(claims, instant);
  return isBound(claims, hub) ? readBound(claims) : readBearer(claims);
}

/**
 * Tell which kind of licence token claims are of, by `aud` and `cnf` and nothing else.
 * @param {Claims} claims
 * @param {string} hub
 */
function isBound(claims, hub) {
  const audience = claims.aud;
  const everywhere = hub + MEMBERS_PATH;
  if (Array.isArray(audience) && audience.length === 1 && audience[0] === everywhere) {
    if (!("cnf" in claims)) {
      throw new InvalidTokenError("confirmation", "for all members' sites, and not bound");
    }
    return true;
  }
  if (Array.isArray(audience) && audience.includes(everywhere)) {
    throw new InvalidTokenError("audience", "all members' sites and more");
  }
  if ("cnf" in claims) {
    throw new InvalidTokenError("confirmation", "bound, and not for all members' sites");
  }
  return false;
}

/**
 * @param {Claims} claims
 * @returns {BearerToken}
 */
function readBearer(claims) {
  checkLife(claims, BEARER_SECONDS_MAX);
  const audience = texts(claims, "aud", "audience", LIST_MAX);
  if (audience.some((prefix) => splitPrefix(prefix) === null)) {
    throw new InvalidTokenError("audience", "aud holds something else than absolute prefixes");
  }
  return { isBound: false, audience, ...common(claims) };
}

/**
 * @param {Claims} claims
 * @returns {Promise<BoundToken>}
 */
async function readBound(claims) {
  checkLife(claims, BOUND_SECONDS_MAX);
  const { keyId, key } = await confirmation(claims);
  const places = { territory: placesOf(claims, "territory"), repertoire: placesOf(claims, "repertoire") };
  return { isBound: true, keyId, key, ...places, ...common(claims) };
}

/**
 * @param {Claims} claims
 * @returns {Common}
 */
function common(claims) {
  const licensee = text(claims, "sub");
  if (claims.client_id !== licensee) throw new InvalidTokenError("claims", "sub and client_id differ");
  return {
    issuer: text(claims, "iss"),
    licensee,
    licence: text(claims, "license_id"),
    uses: texts(claims, "uses"),
    status: readReference(claims),
    jti: text(claims, "jti"),
    issuedAt: wholeSeconds(claims, "iat"),
    expiresAt: wholeSeconds(claims, "exp"),
  };
}

/**
 * Return thumbprint and key of `cnf`, which holds one of `jwk` and `jkt` and nothing else.
 * @param {Claims} claims
 * @returns {Promise<{keyId: string, key: CrawlPublicKey | null}>}
 */
async function confirmation(claims) {
  const found = members(claims, "cnf");
  const names = Object.keys(found);
  if (names.length === 1 && names[0] === "jwk") {
    try {
      const key = await CrawlPublicKey.fromJwk(members(found, "jwk"));
      return { keyId: key.kid, key };
    } catch (error) {
      if (!(error instanceof InvalidKeyError)) throw error;
      throw new InvalidTokenError("confirmation", error.detail);
    }
  }
  const thumbprint = found.jkt;
  if (names.length !== 1 || typeof thumbprint !== "string") {
    throw new InvalidTokenError("confirmation", "cnf holds exactly one of jwk and jkt");
  }
  if (thumbprint.length !== THUMBPRINT_CHARS) {
    throw new InvalidTokenError("confirmation", "jkt is no SHA-256 thumbprint");
  }
  return { keyId: thumbprint, key: null };
}

/**
 * @param {Claims} claims
 * @param {string} name
 */
function placesOf(claims, name) {
  const found = texts(claims, name, "claims", PLACES_MAX);
  if (found.includes(EVERYWHERE) && found.length > 1) {
    throw new InvalidTokenError("claims", `${name} is all and more`);
  }
  return found;
}

/**
 * Return the key that a request under a bound token has to be signed with.
 * @param {BoundToken} token
 */
export function keyIn(token) {
  if (token.key === null) {
    throw new InvalidTokenError("confirmation", "the key it names is not known here");
  }
  return token.key;
}

/**
 * Tell whether a bound token is for works of this collective.
 * @param {BoundToken} token
 * @param {string} collective
 */
export function reaches(token, collective) {
  return token.repertoire[0] === EVERYWHERE || token.repertoire.includes(collective);
}
