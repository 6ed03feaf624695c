/**
 * Requests signed by a licensed crawler: RFC 9421 in the profile of Web Bot Auth, Ed25519 only.
 *
 * A signature covers authority, method, path and query, the header that carries the licence token,
 * and Signature-Agent where that is sent; it lives for a minute at most, names its key by thumbprint
 * and has a nonce. Nothing is fetched: the key is the one that the token names.
 */

import { RefusalError } from "../errors.js";
import { MalformedFieldError, readAgents, readInputs, readSignatures } from "./fields.js";
import { LEEWAY_SECONDS } from "./jose.js";

const TAG = "web-bot-auth";
const ALGORITHM = "ed25519";
const SIGNED_SECONDS_MAX = 60;
const AGENT_FIELD = "signature-agent";
const NO_QUERY = "?";
const DERIVED = ['"@authority"', '"@method"', '"@path"', '"@query"'];
const REQUIRED = ["created", "expires", "keyid", "nonce", "tag"];
const KNOWN = new Set([...REQUIRED, "alg"]);
const NONCE = /^"[A-Za-z0-9+/=_-]{22,128}"$/; // 22 characters of base64 are 128 bits
const INSTANT = /^(?:0|[1-9][0-9]{0,14})$/;
const AGENT_KEY = /^;key="([a-z*][a-z0-9_.*-]*)"$/;
const VALUE = /^[\t -~]*$/;

/**
 * @typedef {"missing" | "malformed" | "label" | "parameters" | "algorithm" | "components" | "nonce"
 *   | "time" | "expired" | "key" | "signature"} Reason for the log; the caller reads none of it
 */
/**
 * @typedef {object} Request What of a request a signature may cover.
 * @property {string} method
 * @property {string} authority in lower case and without the default port
 * @property {string} path as it was sent
 * @property {string} query begins with `?`, and is no more where there is none (section 2.2)
 * @property {Map<string, string[]>} headers names in lower case; each has its lines in order
 */
/**
 * @typedef {{keyId: string, nonce: string, expires: number, forgottenAt: number}} Proof
 * What a checked signature says. From `forgottenAt` on it would be refused anyway.
 */

/** The request is not signed with the key that its licence token is bound to. */
export class InvalidSignatureError extends RefusalError {
  static code = "INVALID_SIGNATURE";
  static headline = "The request is not signed with the key that its licence token is bound to.";

  /**
   * @param {Reason} reason
   * @param {string} [place]
   */
  constructor(reason, place = "") {
    super();
    this.reason = reason;
    this.place = place;
  }
}

/**
 * Return whose signature a request bears, if it is `key`'s and covers what it has to.
 *
 * The same request may be checked twice: who calls takes the nonce once only, until `forgottenAt`. An
 * absent query is `?` (section 2.2.7); an empty text, which the npm package `web-bot-auth` signs, is
 * taken as well: no request with a query could be meant by it.
 * @param {Request} request
 * @param {{key: import("./crawl-keys.js").CrawlPublicKey, carriers: readonly string[],
 *   instant: number}} asked
 * @returns {Promise<Proof>}
 */
export async function checkRequest(request, { key, carriers, instant }) {
  const { input, signature } = chosen(request.headers);
  const proof = readProof(input.parameters, key.kid, instant);
  checkComponents(request, input.components, carriers);
  const meant = request.query === NO_QUERY ? [request, { ...request, query: "" }] : [request];
  for (const each of meant) {
    if (await key.check(signature, base(each, input))) return proof;
  }
  throw new InvalidSignatureError("signature");
}

/**
 * Run a reading of fields; what is malformed is refused.
 * @template T
 * @param {() => T} read
 * @returns {T}
 */
function strictly(read) {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MalformedFieldError)) throw error;
    throw new InvalidSignatureError("malformed", error.message);
  }
}

/**
 * Return the one signature that is tagged for this profile.
 * @param {Map<string, string[]>} headers
 */
function chosen(headers) {
  const [inputs, signatures] = [headers.get("signature-input"), headers.get("signature")];
  if (!inputs || !signatures) throw new InvalidSignatureError("missing");
  return strictly(() => {
    const tagged = [...readInputs(inputs)].filter(([, one]) => one.parameters.get("tag") === `"${TAG}"`);
    const [label = "", input] = tagged[0] ?? [];
    const signature = input && readSignatures(signatures).get(label);
    if (tagged.length !== 1 || input === undefined || signature === undefined) {
      throw new InvalidSignatureError("label", `${tagged.length} tagged ${TAG}`);
    }
    return { input, signature };
  });
}

/**
 * @param {Map<string, string>} parameters
 * @param {string} kid
 * @param {number} instant
 * @returns {Proof}
 */
function readProof(parameters, kid, instant) {
  const isWhole = REQUIRED.every((name) => parameters.has(name));
  if (!isWhole || ![...parameters.keys()].every((name) => KNOWN.has(name))) {
    throw new InvalidSignatureError("parameters", "missing, or unknown");
  }
  if ((parameters.get("alg") ?? `"${ALGORITHM}"`) !== `"${ALGORITHM}"`) {
    throw new InvalidSignatureError("algorithm");
  }
  const nonce = parameters.get("nonce") ?? "";
  if (!NONCE.test(nonce)) {
    throw new InvalidSignatureError("nonce", "not 22 to 128 characters of base64");
  }
  if (parameters.get("keyid") !== `"${kid}"`) {
    throw new InvalidSignatureError("key", "another one than the token's");
  }
  const [created, expires] = [instantIn(parameters, "created"), instantIn(parameters, "expires")];
  if (!(expires > created && expires - created <= SIGNED_SECONDS_MAX)) {
    throw new InvalidSignatureError("time", `good for ${expires - created} seconds`);
  }
  if (created > instant + LEEWAY_SECONDS) {
    throw new InvalidSignatureError("time", "created in the future");
  }
  if (expires <= instant - LEEWAY_SECONDS) throw new InvalidSignatureError("expired");
  return { keyId: kid, nonce: nonce.slice(1, -1), expires, forgottenAt: expires + LEEWAY_SECONDS };
}

/**
 * @param {Map<string, string>} parameters
 * @param {string} name
 */
function instantIn(parameters, name) {
  const text = parameters.get(name) ?? "";
  if (!INSTANT.test(text)) throw new InvalidSignatureError("time", "not a whole number of seconds");
  return Number(text);
}

/**
 * Refuse a signature that leaves open what it has to cover, or covers something unknown.
 * @param {Request} request
 * @param {readonly [string, string][]} components
 * @param {readonly string[]} carriers
 */
function checkComponents(request, components, carriers) {
  const covered = new Set(components.map(([name, parameters]) => `${name} ${parameters}`));
  if (covered.size !== components.length) {
    throw new InvalidSignatureError("components", "one of them twice");
  }
  const wanted = [...DERIVED, ...carriers.map((name) => `"${name}"`)];
  if (carriers.length === 0 || !wanted.every((name) => covered.has(`${name} `))) {
    throw new InvalidSignatureError("components", "not all that are asked for");
  }
  const isAgentCovered = components.some(([name]) => name === `"${AGENT_FIELD}"`);
  if (request.headers.has(AGENT_FIELD) && !isAgentCovered) {
    throw new InvalidSignatureError("components", `${AGENT_FIELD} is sent and not covered`);
  }
}

/**
 * Return what is signed: a line for each component, then the parameters (section 2.5).
 * @param {Request} request
 * @param {import("./fields.js").Input} input
 * @returns {Uint8Array<ArrayBuffer>}
 */
function base(request, input) {
  const lines = input.components.map(
    ([name, parameters]) => `${name}${parameters}: ${valueOf(request, name, parameters)}`,
  );
  lines.push(`"@signature-params": ${input.text}`);
  return new TextEncoder().encode(lines.join("\n"));
}

/**
 * Return the value of a component as the request has it; one that is unknown is refused.
 * @param {Request} request
 * @param {string} name
 * @param {string} parameters
 */
function valueOf(request, name, parameters) {
  /** @type {Record<string, string>} */
  const derived = {
    '"@method"': request.method,
    '"@authority"': request.authority,
    '"@path"': request.path,
    '"@query"': request.query,
  };
  const value = Object.hasOwn(derived, name) ? derived[name] : undefined;
  if (value === undefined) return fieldOf(request, name, parameters);
  if (parameters || !VALUE.test(value)) {
    throw new InvalidSignatureError("components", `${name} cannot be covered so`);
  }
  return value;
}

/**
 * @param {Request} request
 * @param {string} name
 * @param {string} parameters
 */
function fieldOf(request, name, parameters) {
  const values = request.headers.get(name.slice(1, -1));
  if (!values || values.length === 0) {
    throw new InvalidSignatureError("components", "unknown, or not in the request");
  }
  if (parameters) return agentOf(name, parameters, values);
  const value = values.map((line) => line.replace(/^[ \t]+|[ \t]+$/g, "")).join(", ");
  if (!VALUE.test(value)) throw new InvalidSignatureError("components", `${name} is not plain ASCII`);
  return value;
}

/**
 * Return the member of Signature-Agent that `;key="…"` names; nothing else has parameters.
 * @param {string} name
 * @param {string} parameters
 * @param {readonly string[]} values
 */
function agentOf(name, parameters, values) {
  const key = AGENT_KEY.exec(parameters);
  if (name !== `"${AGENT_FIELD}"` || key === null) {
    throw new InvalidSignatureError("components", "a parameter that is not known");
  }
  const found = strictly(() => readAgents(values)).get(key[1] ?? "");
  if (found === undefined) {
    throw new InvalidSignatureError("components", `no such member of ${AGENT_FIELD}`);
  }
  return found;
}
