/**
 * What is said of the places of one site, as its policy carries it (decision 50): places of which the
 * same is said stand together; each tells how many words it shares with the one before, and the rest
 * are numbers in one list of words. Read with limits.
 */

import { ruleLength } from "../addresses/matching.js";
import { PUBLISHED, STATES } from "../consent/deciding.js";
import { fromBase64Url } from "./base64.js";
import { inflated } from "./inflating.js";
import { InvalidTokenError } from "./jose.js";
import { aList, anInstant, someTexts } from "./shapes.js";

const INFLATED_BYTES_MAX = 32 << 20;
const LETTERS_MAX = 64 << 20;
const PLACES_MAX = 500_000;
const PLACE_LETTERS_MAX = 8192 + 2;
const DAY = /^\d{4}-\d\d-\d\d$/;
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @typedef {import("../consent/deciding.js").Ruling} Ruling */
/** @typedef {import("../addresses/urls.js").ClaimKey} ClaimKey */
/**
 * @typedef {object} SiteClaim Where a member holds pages, and what is said of that member.
 * @property {ClaimKey} key
 * @property {readonly Ruling[]} rulings
 * @property {string | null} countsFrom a UTC day
 * @property {string | null} countsTo exclusive
 * @property {import("../addresses/urls.js").UrlKey | null} canonical where the original of a copy is
 */
/**
 * @typedef {object} SiteRulings
 * @property {{key: ClaimKey, rulings: readonly Ruling[]}[]} places each once
 * @property {SiteClaim[]} claims none where nothing depends on them
 */

/**
 * Return what was packed; never more is inflated or spelled out than the limits allow.
 * @param {string} text
 * @returns {Promise<SiteRulings>}
 */
export async function unpackRulings(text) {
  const packed = fromBase64Url(text);
  const raw = packed === null ? null : await inflated(packed, INFLATED_BYTES_MAX);
  if (raw === null) refuse("they do not unpack");
  const found = parsed(raw);
  const said = aList(found, "said").map((rulings) => list(rulings).map(readRuling));
  const words = someTexts(found, "words");
  return {
    places: [...placesIn(aList(found, "places"), words, said)],
    claims: aList(found, "claims").map((claim) => readClaim(list(claim), said)),
  };
}

/**
 * @param {string} what
 * @returns {never}
 */
function refuse(what) {
  throw new InvalidTokenError("claims", `rulings: ${what}`);
}

/**
 * @param {Uint8Array} raw
 * @returns {import("./jose.js").Claims}
 */
function parsed(raw) {
  let found;
  try {
    found = JSON.parse(STRICT.decode(raw));
  } catch {
    refuse("no JSON");
  }
  return typeof found === "object" && found !== null ? found : refuse("no object");
}

/**
 * @param {unknown} value
 * @returns {unknown[]}
 */
function list(value) {
  return Array.isArray(value) ? value : refuse("no list");
}

/**
 * @param {unknown} value
 * @returns {number}
 */
function count(value) {
  return typeof value === "number" && Number.isInteger(value) && value >= 0
    ? value
    : refuse("no number");
}

/**
 * @param {unknown} value
 * @returns {string | null}
 */
function textOrNull(value) {
  return value === null || typeof value === "string" ? value : refuse("no text");
}

/**
 * Return a ruling; what a later version may say and this one does not know is taken for no. Without
 * an instant it was in force before anything that counts here; the last is since when it has been said,
 * where that is longer than it will be in force.
 * @param {unknown} value
 * @returns {Ruling}
 */
function readRuling(value) {
  const [state, use, begins, ends, source, since = null] = list(value);
  if (typeof state !== "string" || typeof use !== "string") refuse("a ruling without state or use");
  return {
    state: STATES.has(state) ? state : "OPT_OUT",
    use,
    effectiveAt: begins === null ? 0 : anInstant({ begins }, "begins"),
    endsAt: ends === null ? null : anInstant({ ends }, "ends"),
    source: textOrNull(source),
    length: 0,
    since: since === null ? null : anInstant({ since }, "since"),
  };
}

/**
 * @param {unknown[]} value
 * @param {readonly (readonly Ruling[])[]} said
 * @returns {SiteClaim}
 */
function readClaim([subject, number, from = null, to = null, canonical = null], said) {
  if (typeof subject !== "string") refuse("a claim without subject");
  const days = [textOrNull(from), textOrNull(to)];
  if (days.some((day) => day !== null && !DAY.test(day))) refuse("no day");
  const original = textOrNull(canonical);
  return {
    key: keyOf(subject),
    rulings: said[count(number)] ?? refuse("a number of nothing"),
    countsFrom: days[0] ?? null,
    countsTo: days[1] ?? null,
    canonical: original === null ? null : keyOf(original),
  };
}

/**
 * Yield each place with what is said of it: published rules are as long as its path.
 * @param {readonly unknown[]} groups
 * @param {readonly string[]} words
 * @param {readonly (readonly Ruling[])[]} said
 */
function* placesIn(groups, words, said) {
  let places = 0;
  let letters = 0;
  for (const group of groups) {
    const [number, rows] = list(group);
    const rulings = said[count(number)] ?? refuse("a number of nothing");
    const isPublished = rulings.some((one) => PUBLISHED.has(one.state));
    /** @type {string[]} */
    let before = [];
    for (const row of list(rows)) {
      const [shared, ...rest] = list(row);
      if (count(shared) > before.length) refuse("a place that cannot be spelled");
      before = before.slice(0, count(shared));
      for (const word of rest) before.push(words[count(word)] ?? refuse("a number of nothing"));
      const length = before.reduce((sum, word) => sum + word.length, 0);
      places += 1;
      letters += length;
      if (length > PLACE_LETTERS_MAX || places > PLACES_MAX || letters > LETTERS_MAX) {
        refuse("more than a site can hold");
      }
      const key = keyOf(before.join(""));
      const its = isPublished ? rulings.map((one) => ({ ...one, length: ruleLength(key.path) })) : rulings;
      yield { key, rulings: its };
    }
  }
}

/**
 * @param {string} text
 * @returns {ClaimKey}
 */
function keyOf(text) {
  const wildcard = text.startsWith("*.");
  const rest = wildcard ? text.slice(2) : text;
  const slash = rest.indexOf("/");
  if (slash <= 0) refuse("a place without host or path");
  return { host: rest.slice(0, slash), path: rest.slice(slash), wildcard };
}
