/** What a request asks for: its address in every reading an application might make, its token. */

import { RefusalError } from "../errors.js";
import { plainPath } from "../addresses/readings.js";
import { normaliseUrl } from "../addresses/urls.js";
import { bytesOf, cutFirst, kept, quoteBytes, strip, unquote } from "../text.js";
import { AmbiguousRequestError, LicenceRequiredError } from "./refusals.js";
import { ALIAS_HEADER, USE_HEADER } from "./seen.js";

const AUTHORIZATION = "authorization";
const TOKEN68 = /^[A-Za-z0-9._~+/=-]+$/;
const PATH_SAFE = "/:@!$&'()*+,;=~-._";
const RAW_SAFE = kept(`${PATH_SAFE}%`);
const QUERY_SAFE = kept(`${PATH_SAFE}%?`);
const PATH_CHARS_MAX = 4096;
const SEGMENTS_MAX = 128;
const TEXT_MAX = 256;

/** @typedef {import("./seen.js").Seen} Seen */
/**
 * @typedef {object} Ask One request.
 * @property {string} url
 * @property {string[]} addresses its normalised URLs, the one as written first
 * @property {import("../addresses/urls.js").UrlKey[]} keys
 * @property {string | null} declaredUse
 * @property {string} agent
 */
/** @typedef {{token: string, carriers: string[]}} Credential a token, and what carries it */

/**
 * Return the one licence token a request carries, null if it carries none.
 *
 * Two Authorization headers, or two headers that name different tokens, are nobody's to choose
 * between (400). Another scheme in Authorization is the site's own business.
 * @param {Seen} seen
 * @returns {Credential | null}
 */
export function readCredential(seen) {
  const authorizations = seen.values(AUTHORIZATION);
  const aliases = seen.values(ALIAS_HEADER);
  const named = authorizations.map(licencePart).filter((part) => part !== null);
  const token = named[0] ?? aliases[0];
  if (token === undefined) return null;
  if (authorizations.length > 1 || aliases.length > 1) {
    throw new AmbiguousRequestError("a header that carries the token comes twice");
  }
  if (new Set([...named, ...aliases]).size > 1) {
    throw new AmbiguousRequestError(`Authorization and ${ALIAS_HEADER} name different tokens`);
  }
  if (!TOKEN68.test(token)) {
    throw new LicenceRequiredError("the header that should carry it is malformed");
  }
  const carriers = [];
  if (named.length > 0) carriers.push(AUTHORIZATION);
  if (aliases.length > 0) carriers.push(ALIAS_HEADER);
  return { token, carriers };
}

/**
 * Tell whether a request shows anything like a licence token.
 * @param {Seen} seen
 */
export function carriesCredential(seen) {
  const isNamed = seen.values(AUTHORIZATION).some((value) => licencePart(value) !== null);
  return isNamed || seen.headers.has(ALIAS_HEADER);
}

/**
 * Return what of a request a crawler may have signed.
 * @param {Seen} seen
 * @param {string} origin the site's that it is for
 * @returns {import("../signing/signatures.js").Request}
 */
export function signable(seen, origin) {
  const [, authority] = cutFirst(origin, "://");
  const { method, path, query, headers } = seen;
  return { method, authority, path, query: `?${query}`, headers };
}

/**
 * Read the address below the site's origin, declared use and agent, or refuse it.
 * @param {Seen} seen
 * @param {string} base
 * @returns {Ask}
 */
export function readAsk(seen, base) {
  const written = quoteBytes(bytesOf(seen.path), RAW_SAFE);
  const decoded = plainPath(unquote(seen.path));
  if (!(written.startsWith("/") && decoded.startsWith("/"))) {
    throw new AmbiguousRequestError("the request names more than a path");
  }
  if (seen.path.includes("#") || seen.query.includes("#")) {
    throw new AmbiguousRequestError("a fragment is part of no request"); // some cut it, some do not
  }
  if (written.length > PATH_CHARS_MAX || decoded.split("/").length - 1 > SEGMENTS_MAX) {
    throw new AmbiguousRequestError("the path is too long");
  }
  const paths = new Set([written, decoded, decoded.replace(/\/+/g, "/")]);
  const found = new Map();
  for (const key of [...paths].map((path) => keyOf(base + path))) {
    if (!found.has(key.path)) found.set(key.path, key);
  }
  const keys = [...found.values()];
  return {
    url: base + written + queryOf(seen),
    addresses: keys.map((key) => base + key.path),
    keys,
    declaredUse: declaredUse(seen),
    agent: seen.agent,
  };
}

/**
 * @param {string} authorization
 * @returns {string | null}
 */
function licencePart(authorization) {
  const [scheme, rest] = cutFirst(authorization, " ");
  return scheme.toLowerCase() === "license" ? strip(rest) : null;
}

/** @param {string} url */
function keyOf(url) {
  try {
    return normaliseUrl(url);
  } catch (error) {
    if (!(error instanceof RefusalError)) throw error;
    throw new AmbiguousRequestError("the address cannot be read");
  }
}

/** @param {Seen} seen */
function queryOf(seen) {
  const query = quoteBytes(bytesOf(seen.query), QUERY_SAFE);
  return query && query.length <= PATH_CHARS_MAX ? `?${query}` : "";
}

/** @param {Seen} seen */
function declaredUse(seen) {
  const values = seen.values(USE_HEADER);
  if (values.length > 1) throw new AmbiguousRequestError(`${USE_HEADER} comes twice`);
  return values[0]?.slice(0, TEXT_MAX) ?? null;
}
