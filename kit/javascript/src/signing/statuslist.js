/**
 * Token Status Lists (draft-ietf-oauth-status-list): what each licensor says against its licences,
 * signed, two bits a licence, compressed.
 */

import { RefusalError } from "../errors.js";
import { fromLooseBase64 } from "./base64.js";
import { members, text } from "./claims.js";
import { InvalidTokenError, LEEWAY_SECONDS, verifyFrom } from "./jose.js";
import { inflated } from "./inflating.js";
import { countOf } from "./licence-numbers.js";
import { aNumber, aText, anObject } from "./shapes.js";

const STATUS_TYP = "statuslist+jwt";
const BITS = 2;
const LICENCES_PER_LIST = 1 << 17;
const LISTS_MAX = 64;
const RAW_BYTES = (LICENCES_PER_LIST * BITS) / 8;
const LIFE_SECONDS = 3600;
const STATUS_BYTES_MAX = 64 * 1024;
const ENTITY = /^https?:\/\/[^/?#@\s]+(\/[!-~]*)?$/;
const NUMBERS = new Set(Array.from({ length: LISTS_MAX }, (_, number) => String(number)));

/** Nothing current is known of the licence's standing. */
export class StaleStatusError extends RefusalError {
  static code = "STALE_STATUS";
  static headline = "Nothing current is known of the licence's standing.";
}

/** @typedef {"VALID" | "INVALID" | "SUSPENDED"} Status */
/** @typedef {{position: number, uri: string}} StatusReference where a token's licence stands */
/** @typedef {{uri: string, issuedAt: number, expiresAt: number, bits: Uint8Array}} StatusList */

/**
 * Return where a licence of a licensor (its entity id) stands; the first stands at 1 of list 0.
 * @param {string} licensor
 * @param {string} licence
 * @returns {StatusReference}
 */
export function referenceOf(licensor, licence) {
  const count = countOf(licence);
  if (count === null || count >= LICENCES_PER_LIST * LISTS_MAX) {
    throw new StaleStatusError(`no licence number: ${licence}`);
  }
  const number = Math.floor(count / LICENCES_PER_LIST);
  return { position: count % LICENCES_PER_LIST, uri: `${licensor}/statuslists/${number}` };
}

/**
 * Return what a token's claim `status` says, null where it has none; its shape is checked.
 * @param {import("./jose.js").Claims} claims
 * @returns {StatusReference | null}
 */
export function readReference(claims) {
  if (!("status" in claims)) return null;
  const reference = members(members(claims, "status"), "status_list");
  const position = reference.idx;
  if (typeof position !== "number" || position < 0 || position >= LICENCES_PER_LIST) {
    throw new InvalidTokenError("claims", "idx is not a position in a status list");
  }
  const uri = text(reference, "uri");
  const at = uri.lastIndexOf("/statuslists/");
  const [licensor, number] = [uri.slice(0, Math.max(at, 0)), uri.slice(at + "/statuslists/".length)];
  if (at < 0 || !NUMBERS.has(number) || !ENTITY.test(licensor)) {
    throw new InvalidTokenError("claims", "uri is not the address of a status list");
  }
  return { position, uri };
}

/**
 * Return the list of one of these licensors, of whatever age; raises InvalidTokenError.
 * @param {string} token
 * @param {Map<string, import("./keys.js").Keys>} issuers each licensor's keys by entity id
 * @returns {Promise<StatusList>}
 */
export async function readStatusList(token, issuers) {
  const claims = await verifyFrom(token, { typ: STATUS_TYP, issuers, maxBytes: STATUS_BYTES_MAX });
  const [iss, sub] = [aText(claims, "iss"), aText(claims, "sub")];
  const [issuedAt, expiresAt] = [aNumber(claims, "iat"), aNumber(claims, "exp")];
  const said = anObject(claims.status_list, "status_list");
  const [bits, lst] = [aNumber(said, "bits"), aText(said, "lst")];
  const start = `${iss}/statuslists/`;
  if (!sub.startsWith(start) || !NUMBERS.has(sub.slice(start.length))) {
    throw new InvalidTokenError("claims", "sub is not the address of a list of its issuer");
  }
  if (!(expiresAt > issuedAt && expiresAt - issuedAt <= LIFE_SECONDS)) {
    throw new InvalidTokenError("time", `a list holds for ${LIFE_SECONDS} seconds at most`);
  }
  if (bits !== BITS) throw new InvalidTokenError("claims", `${BITS} bits a licence are asked for`);
  return { uri: sub, issuedAt, expiresAt, bits: await bitsOf(lst) };
}

/** The lists that somebody holds. */
export class StatusLists {
  /** @param {readonly StatusList[]} lists of two with one address the later is held */
  constructor(lists) {
    this.held = new Map(lists.map((list) => [list.uri, list]));
  }

  /**
   * Return how a licence stands; raises StaleStatusError where that is unknown.
   * @param {string} licensor
   * @param {string} licence
   * @param {number} instant seconds
   * @returns {Status}
   */
  status(licensor, licence, instant) {
    const { uri, position } = referenceOf(licensor, licence);
    const held = this.held.get(uri);
    if (held === undefined) throw new StaleStatusError("no list of this licensor has come");
    if (instant >= held.expiresAt) throw new StaleStatusError(`${uri}: its time is over`);
    if (held.issuedAt > instant + LEEWAY_SECONDS) {
      throw new StaleStatusError(`${uri}: issued in the future`);
    }
    const value = (/** @type {number} */ (held.bits[position >> 2]) >> ((position & 3) * BITS)) & 3;
    return value === 0 ? "VALID" : value === 2 ? "SUSPENDED" : "INVALID";
  }

  /**
   * Return the address of a list that is older here than there, null if there is none.
   * @param {StatusLists} than
   */
  older(than) {
    for (const [uri, known] of than.held) {
      const here = this.held.get(uri);
      if (here !== undefined && here.issuedAt < known.issuedAt) return uri;
    }
    return null;
  }
}

/**
 * Return the raw bits; never more than one list has is kept, whatever was compressed.
 * @param {string} lst
 */
async function bitsOf(lst) {
  const packed = fromLooseBase64(lst);
  const raw = packed === null ? null : await inflated(packed, RAW_BYTES);
  if (raw === null) throw new InvalidTokenError("claims", "the list does not unpack");
  if (raw.length !== RAW_BYTES) {
    throw new InvalidTokenError("claims", `a list has ${RAW_BYTES} bytes`);
  }
  return raw;
}
