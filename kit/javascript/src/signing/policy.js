/**
 * Signed documents: what the hub tells every site to trust, what a node tells each of its sites.
 *
 * A node puts the hub's trust document and the licensors' status lists, as they stand, into the
 * policy of each member site and signs the whole for an hour.
 */

import { RefusalError } from "../errors.js";
import { InvalidTokenError, LEEWAY_SECONDS, verify } from "./jose.js";
import { InvalidKeyError, keySet } from "./keys.js";
import { aList, aNumber, aText, anInstant, anObject, someTexts } from "./shapes.js";
import { unpackRulings } from "./site-rulings.js";
import { StatusLists, readStatusList } from "./statuslist.js";

const TRUST_TYP = "trust+jwt";
const POLICY_TYP = "policy+jwt";
const TRUST_BYTES_MAX = 2 << 20;
export const POLICY_BYTES_MAX = 8 << 20;
const POLICY_SECONDS_MAX = 3600;

/** @typedef {import("./keys.js").Keys} Keys */
/** @typedef {{entityId: string, code: string, url: string, keys: Keys}} Issuer */
/** @typedef {{subject: string, use: string, effectiveAt: number}} OptOut since when, in ms */
/**
 * @typedef {object} Trust The hub's word on whom to trust.
 * @property {string} iss
 * @property {number} iat
 * @property {number} exp
 * @property {Issuer[]} issuers
 * @property {string} configuration its own word on its keys
 */
/**
 * @typedef {object} SitePolicy A node's word to one member site.
 * @property {string} iss
 * @property {string} sub
 * @property {number} iat
 * @property {number} exp
 * @property {string[]} prefixes
 * @property {OptOut[]} optouts
 * @property {string} collective
 * @property {string} licenceUrl
 * @property {string | null} rsl
 * @property {boolean} reservedAll
 * @property {string} configuration
 */
/**
 * @typedef {object} CheckedPolicy
 * @property {SitePolicy} site
 * @property {Trust} trust
 * @property {StatusLists} statuses
 * @property {import("./site-rulings.js").SiteRulings | null} rulings what decides; where there are
 *   none, the optouts of an older node do
 */

/** The signed document is too old, or not valid yet. */
export class StalePolicyError extends RefusalError {
  static code = "STALE_POLICY";
  static headline = "The signed document is too old, or not valid yet.";
}

/**
 * Return a policy all of whose signatures are good, of whatever age.
 * @param {string} token
 * @param {Keys} nodeKeys
 * @param {Keys} hubKeys
 * @returns {Promise<CheckedPolicy>}
 */
export async function openSitePolicy(token, nodeKeys, hubKeys) {
  const claims = await verify(token, { typ: POLICY_TYP, keys: nodeKeys, maxBytes: POLICY_BYTES_MAX });
  const { site, trust: trustText, lists: listTexts, rulings: packed } = readSite(claims);
  if (!(site.exp > site.iat && site.exp - site.iat <= POLICY_SECONDS_MAX)) {
    throw new InvalidTokenError("time", "a policy holds for an hour at most");
  }
  const trust = await readTrust(trustText, hubKeys);
  const issuers = issuerKeys(trust);
  const lists = [];
  for (const text of listTexts) lists.push(await readStatusList(text, issuers));
  const rulings = packed === null ? null : await unpackRulings(packed);
  return { site, trust, statuses: new StatusLists(lists), rulings };
}

/**
 * Refuse a policy past its hour, without leeway, or one from the future.
 * @param {CheckedPolicy} policy
 * @param {number} instant seconds
 */
export function checkFresh({ site, trust }, instant) {
  if (instant >= Math.min(site.exp, trust.exp)) throw new StalePolicyError("its time is over");
  if (Math.max(site.iat, trust.iat) > instant + LEEWAY_SECONDS) {
    throw new StalePolicyError("issued in the future");
  }
}

/**
 * Return the keys of each issuer by entity id.
 * @param {Trust} trust
 * @returns {Map<string, Keys>}
 */
export function issuerKeys(trust) {
  return new Map(trust.issuers.map((issuer) => [issuer.entityId, issuer.keys]));
}

/** @param {import("./jose.js").Claims} claims */
function readSite(claims) {
  const { rsl = null, reserved_all: reservedAll = false, rulings = null } = claims;
  if (rsl !== null && typeof rsl !== "string") throw new InvalidTokenError("claims", "rsl");
  if (rulings !== null && typeof rulings !== "string") throw new InvalidTokenError("claims", "rulings");
  if (typeof reservedAll !== "boolean") throw new InvalidTokenError("claims", "reserved_all");
  /** @type {SitePolicy} */
  const site = {
    iss: aText(claims, "iss"),
    sub: aText(claims, "sub"),
    iat: aNumber(claims, "iat"),
    exp: aNumber(claims, "exp"),
    prefixes: someTexts(claims, "prefixes"),
    optouts: aList(claims, "optouts").map(readOptOut),
    collective: aText(claims, "collective"),
    licenceUrl: aText(claims, "licence_url"),
    rsl,
    reservedAll,
    configuration: aText(claims, "configuration", ""),
  };
  const lists = someTexts(claims, "status_lists");
  return { site, trust: aText(claims, "trust"), lists, rulings };
}

/**
 * @param {unknown} value
 * @returns {OptOut}
 */
function readOptOut(value) {
  const found = anObject(value, "optout");
  return {
    subject: aText(found, "subject"),
    use: aText(found, "use"),
    effectiveAt: anInstant(found, "effective_at"),
  };
}

/**
 * @param {string} token
 * @param {Keys} hubKeys
 * @returns {Promise<Trust>}
 */
async function readTrust(token, hubKeys) {
  const claims = await verify(token, { typ: TRUST_TYP, keys: hubKeys, maxBytes: TRUST_BYTES_MAX });
  const head = { iss: aText(claims, "iss"), iat: aNumber(claims, "iat"), exp: aNumber(claims, "exp") };
  const shapes = aList(claims, "issuers").map((value) => {
    const found = anObject(value, "issuer");
    aText(found, "name");
    const jwks = aList(found, "jwks").map((jwk) => anObject(jwk, "jwk"));
    const [entityId, code] = [aText(found, "entity_id"), aText(found, "code")];
    return { entityId, code, url: aText(found, "url"), jwks };
  });
  const configuration = aText(claims, "configuration", "");
  const issuers = [];
  for (const { jwks, ...shape } of shapes) issuers.push({ ...shape, keys: await keysOf(jwks) });
  if (new Set(issuers.map((issuer) => issuer.entityId)).size !== issuers.length) {
    throw new InvalidTokenError("claims", "an issuer is named twice");
  }
  return { ...head, issuers, configuration };
}

/**
 * Return published keys; one that is none is an invalid token's.
 * @param {readonly unknown[]} jwks
 * @returns {Promise<Keys>}
 */
export async function keysOf(jwks) {
  try {
    return await keySet(jwks);
  } catch (error) {
    if (!(error instanceof InvalidKeyError)) throw error;
    throw new InvalidTokenError("key", error.detail);
  }
}
