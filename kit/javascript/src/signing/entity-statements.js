/** What a server says of itself, its keys and address (OpenID Federation 1.0), signed by itself. */

import { InvalidTokenError, isObject, verifyOwn } from "./jose.js";
import { keysOf } from "./policy.js";
import { aList, aNumber, aText, anObject, someTexts } from "./shapes.js";

const STATEMENT_TYP = "entity-statement+jwt";
export const STATEMENT_BYTES_MAX = 64 * 1024;
const KEYS_MAX = 8;
const HINTS_MAX = 16;
const SECOND_MAX = 253_402_300_799; // the end of the year 9999
const SERVER = "oauth_authorization_server";
const ADDRESS = "federation_address";

/** @typedef {import("./keys.js").Keys} Keys */
/** @typedef {{iss: string, sub: string, iat: number, keys: Keys, address: unknown}} Statement */

/**
 * Return what an entity said of itself, of whatever age, signed with a `known` key it still names.
 * @param {string} token
 * @param {Keys} known
 * @returns {Promise<Statement>}
 */
export async function readNamed(token, known) {
  /** @type {Statement | undefined} */
  let statement;
  await verifyOwn(token, {
    typ: STATEMENT_TYP,
    keysIn: async (claims) => {
      statement = await readStatement(claims);
      return new Map([...statement.keys].filter(([kid]) => known.has(kid)));
    },
    maxBytes: STATEMENT_BYTES_MAX,
  });
  const said = /** @type {Statement} */ (/** @type {unknown} */ (statement));
  if (said.iss !== said.sub) throw new InvalidTokenError("issuer", "not an entity's word on itself");
  return said;
}

/**
 * @param {import("./jose.js").Claims} claims
 * @returns {Promise<Statement>}
 */
async function readStatement(claims) {
  const [iss, sub] = [aText(claims, "iss"), aText(claims, "sub")];
  const [iat, exp] = [aNumber(claims, "iat"), aNumber(claims, "exp")];
  if (![iat, exp].every((second) => second >= 0 && second <= SECOND_MAX)) {
    throw new InvalidTokenError("claims", "no second of this calendar");
  }
  const jwks = aList(anObject(claims.jwks, "jwks"), "keys").map((jwk) => anObject(jwk, "jwk"));
  if (jwks.length < 1 || jwks.length > KEYS_MAX) {
    throw new InvalidTokenError("claims", `1 to ${KEYS_MAX} keys are asked for`);
  }
  if ("authority_hints" in claims && someTexts(claims, "authority_hints").length > HINTS_MAX) {
    throw new InvalidTokenError("claims", `more than ${HINTS_MAX} authority hints`);
  }
  const metadata = "metadata" in claims ? anObject(claims.metadata, "metadata") : {};
  for (const [name, value] of Object.entries(metadata)) anObject(value, name);
  const server = metadata[SERVER];
  const address = isObject(server) ? server[ADDRESS] : undefined;
  return { iss, sub, iat, keys: await keysOf(jwks), address };
}
