/**
 * The three fields of a signed request, read strictly (RFC 8941, RFC 9421 section 4).
 *
 * Read is what request signatures need, in the one spelling in which RFC 8941 writes it, so that the
 * text of a member is what was signed. Anything else is refused.
 */

import { fromBase64 } from "./base64.js";

const FIELD_CHARS_MAX = 4096;
const LABELS_MAX = 4;
const COMPONENTS_MAX = 32;
const PARAMETERS_MAX = 16;

const KEY = "[a-z*][a-z0-9_.*-]{0,63}";
const STRING = '"[ !#-\\[\\]-~]*"';
const TOKEN = "[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*";
const BARE = `(?:${STRING}|-?(?:0|[1-9][0-9]{0,14})|\\?[01]|:[A-Za-z0-9+/]*={0,2}:|${TOKEN})`;
const PARAMETERS = `(?:;${KEY}(?:=${BARE})?)*`;
const IDENTIFIER = `${STRING}${PARAMETERS}`;
const INPUT = `(${KEY})=(\\(((?:${IDENTIFIER}(?: ${IDENTIFIER})*)?)\\)(${PARAMETERS}))`;
const SIGNATURE = `(${KEY})=:([A-Za-z0-9+/]*={0,2}):`;
const AGENT = `(${KEY})=(${STRING}${PARAMETERS})`;
const OLD_AGENT = new RegExp(`^${STRING}$`);

/** A field is not spelled as this profile reads it, or is too large. */
export class MalformedFieldError extends Error {}

/**
 * @typedef {object} Input One member of Signature-Input.
 * @property {string} text all of it, as it is signed under `@signature-params`
 * @property {[string, string][]} components the quoted name and the text of its parameters
 * @property {Map<string, string>} parameters texts as spelled
 */

/**
 * Return the lines of one field as one (RFC 9110, section 5.3), within its limit.
 * @param {readonly string[]} values
 */
function joined(values) {
  const text = values.join(", ");
  if (text.length > FIELD_CHARS_MAX) {
    throw new MalformedFieldError(`more than ${FIELD_CHARS_MAX} characters`);
  }
  return text;
}

/**
 * Read Signature-Input: what is signed under each label, and how.
 * @param {readonly string[]} values
 * @returns {Map<string, Input>}
 */
export function readInputs(values) {
  const found = new Map();
  for (const [label, [, , text = "", covered = "", parameters = ""]] of membersOf(values, INPUT)) {
    const read = { text, components: componentsOf(covered), parameters: parametersOf(parameters) };
    found.set(label, read);
  }
  return found;
}

/**
 * Read Signature: the bytes under each label.
 * @param {readonly string[]} values
 */
export function readSignatures(values) {
  /** @type {Map<string, Uint8Array<ArrayBuffer>>} */
  const found = new Map();
  for (const [label, [, , text = ""]] of membersOf(values, SIGNATURE)) {
    const bytes = fromBase64(text);
    if (bytes === null) throw new MalformedFieldError("not canonical base64");
    found.set(label, bytes);
  }
  return found;
}

/**
 * Read Signature-Agent: the text of each member; none where it is one string, as of old.
 * @param {readonly string[]} values
 */
export function readAgents(values) {
  /** @type {Map<string, string>} */
  const found = new Map();
  if (values.length === 1 && OLD_AGENT.test(joined(values))) return found;
  for (const [label, [, , text = ""]] of membersOf(values, AGENT)) found.set(label, text);
  return found;
}

/**
 * @param {readonly string[]} values
 * @param {string} pattern
 */
function membersOf(values, pattern) {
  const text = joined(values).replace(/^[ \t]+|[ \t]+$/g, "");
  const member = new RegExp(pattern, "y");
  const comma = /[ \t]*,[ \t]*/y;
  /** @type {Map<string, RegExpExecArray>} */
  const found = new Map();
  for (let place = 0; ; place = comma.lastIndex) {
    member.lastIndex = place;
    const one = member.exec(text);
    if (one === null) throw new MalformedFieldError(`not a member at character ${place}`);
    const label = /** @type {string} */ (one[1]);
    if (found.has(label)) throw new MalformedFieldError("a label twice");
    found.set(label, one);
    if (found.size > LABELS_MAX) throw new MalformedFieldError(`more than ${LABELS_MAX} labels`);
    if (member.lastIndex === text.length) return found;
    comma.lastIndex = member.lastIndex;
    if (!comma.test(text)) throw new MalformedFieldError("no comma between two members");
  }
}

/**
 * @param {string} text
 * @returns {[string, string][]}
 */
function componentsOf(text) {
  const one = new RegExp(`(${STRING})(${PARAMETERS})(?: |$)`, "g");
  const found = [...text.matchAll(one)].map(([, name = "", parameters = ""]) => [name, parameters]);
  if (found.length > COMPONENTS_MAX) {
    throw new MalformedFieldError(`more than ${COMPONENTS_MAX} components`);
  }
  return /** @type {[string, string][]} */ (found);
}

/** @param {string} text */
function parametersOf(text) {
  const one = new RegExp(`;(${KEY})(?:=(${BARE}))?`, "g");
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const [, name = "", value = ""] of text.matchAll(one)) {
    if (found.has(name)) throw new MalformedFieldError("a parameter twice");
    found.set(name, value);
  }
  if (found.size > PARAMETERS_MAX) {
    throw new MalformedFieldError(`more than ${PARAMETERS_MAX} parameters`);
  }
  return found;
}
