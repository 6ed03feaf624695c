/**
 * The one decision: do the rulings on a place or a member leave a use open? `federation/consent` has
 * the same, and the rules: an opt-out, a reservation ex ante or a published source that disallows is
 * enough. Of records the most specific subject has the word, a party's the last; of that the latest,
 * of one instant the refusal; no record means yes.
 */

export const ALL_USES = "*";
/** How the source of a record begins that is a party's word told page by page. */
const PARTY = "party-";

/**
 * @typedef {object} Ruling What is said of one subject: one use or all.
 * @property {string} state
 * @property {string} use
 * @property {number} effectiveAt in ms
 * @property {number | null} endsAt in ms, exclusive
 * @property {string | null} source
 * @property {number} length of the pattern of a published rule
 * @property {number | null} since in ms, from when on it is said, where that is before `effectiveAt`
 */
/**
 * @typedef {"OPTED_OUT" | "RESERVED_EX_ANTE" | "PUBLISHED" | "WITHDRAWN" | "WITHHELD"
 *   | "NOT_MANDATED"} Reason
 */

/** @type {readonly Reason[]} of several that hold the first is named */
export const REASONS = [
  "OPTED_OUT",
  "RESERVED_EX_ANTE",
  "PUBLISHED",
  "WITHDRAWN",
  "WITHHELD",
  "NOT_MANDATED",
];
/** @type {ReadonlyMap<string, Reason>} */
const ENOUGH = new Map([
  ["OPT_OUT", "OPTED_OUT"],
  ["RESERVED_EX_ANTE", "RESERVED_EX_ANTE"],
]);
const ALLOW = "PUBLISHED_ALLOW";
export const PUBLISHED = new Set([ALLOW, "PUBLISHED_DISALLOW"]);
/** @type {ReadonlyMap<string, Reason>} */
const REFUSING = new Map([
  ["WITHDRAWN", "WITHDRAWN"],
  ["WITHHELD", "WITHHELD"],
]);
const MANDATED = "MANDATED";
export const STATES = new Set([
  ...ENOUGH.keys(),
  ...PUBLISHED,
  ...REFUSING.keys(),
  ...["OPTED_IN", MANDATED, "EXTENDED"],
]);

/**
 * Return why a use is reserved at an instant; null where nothing says so.
 * @param {readonly (readonly Ruling[])[]} groups the rulings of one subject together, the most
 *   specific subject first, and last those of who holds the page
 * @param {string} use
 * @param {number} at in ms
 * @returns {Reason | null}
 */
export function whyReserved(groups, use, at) {
  /** @type {Set<Reason>} */
  const found = new Set();
  /** @type {Map<string | null, {length: number, isAllowed: boolean}>} */
  const rules = new Map();
  /** @type {Reason | "yes" | null} */
  let word = null;
  /** @type {Ruling[]} */
  let last = [];
  /** @type {Ruling[]} */
  const parties = [];
  for (const group of groups) {
    word ??= wordOf(last, use);
    const standing = group.filter(
      (one) => one.effectiveAt <= at && (one.endsAt === null || at < one.endsAt),
    );
    for (const ruling of standing) {
      if (!speaksOf(ruling, use)) continue;
      const enough = ENOUGH.get(ruling.state);
      if (enough !== undefined) found.add(enough);
      if (PUBLISHED.has(ruling.state)) keepLongest(rules, ruling);
    }
    last = standing.filter((one) => isRecord(one) && !isOfParty(one));
    parties.push(...standing.filter((one) => isRecord(one) && isOfParty(one)));
  }
  word ??= wordOf([...last, ...parties], use);
  if ([...rules.values()].some((rule) => !rule.isAllowed)) found.add("PUBLISHED");
  if (word !== null && word !== "yes") found.add(word);
  return firstOf(found);
}

/**
 * @param {ReadonlySet<Reason>} found
 * @returns {Reason | null}
 */
export function firstOf(found) {
  return found.size === 0 ? null : (REASONS.find((reason) => found.has(reason)) ?? null);
}

/**
 * Keep the longest rule of each source, allow before disallow (RFC 9309, 2.2.2).
 * @param {Map<string | null, {length: number, isAllowed: boolean}>} rules
 * @param {Ruling} ruling
 */
function keepLongest(rules, { source, length, state }) {
  const known = rules.get(source);
  const isAllowed = state === ALLOW;
  const isLonger = known === undefined || length > known.length;
  if (isLonger || (length === known.length && isAllowed)) rules.set(source, { length, isAllowed });
}

/**
 * Return what the records of one place say of a use; null if nothing. Several subjects may be
 * there, as two works on one page: one that says no is enough.
 * @param {readonly Ruling[]} records
 * @param {string} use
 * @returns {Reason | "yes" | null}
 */
function wordOf(records, use) {
  const subjects = new Set(records.map((one) => one.source));
  /** @type {Set<Reason | "yes">} */
  const words = new Set();
  for (const subject of subjects) {
    const word = wordOfOne(records.filter((one) => one.source === subject), use);
    if (word !== null) words.add(word);
  }
  return REASONS.find((reason) => words.has(reason)) ?? (words.has("yes") ? "yes" : null);
}

/**
 * Return from when on a ruling is said: by this the latest of several is told.
 * @param {Ruling} ruling
 */
function saidFrom(ruling) {
  return ruling.since ?? ruling.effectiveAt;
}

/**
 * @param {readonly Ruling[]} records of one subject
 * @param {string} use
 * @returns {Reason | "yes" | null}
 */
function wordOfOne(records, use) {
  const speaking = records.filter((one) => speaksOf(one, use));
  if (speaking.length > 0) {
    const latest = Math.max(...speaking.map(saidFrom));
    const said = new Set(speaking.filter((one) => saidFrom(one) === latest).map((one) => one.state));
    for (const [state, reason] of REFUSING) if (said.has(state)) return reason;
    return "yes";
  }
  return records.some((one) => one.state === MANDATED) ? "NOT_MANDATED" : null;
}

/**
 * @param {Ruling} ruling
 * @param {string} use
 */
const speaksOf = (ruling, use) => ruling.use === use || ruling.use === ALL_USES;

/**
 * @param {Ruling} ruling
 */
const isRecord = ({ state }) => !ENOUGH.has(state) && !PUBLISHED.has(state);

/**
 * Tell whether a record of a page is the word of a party, more general than any place.
 * @param {Ruling} ruling
 */
const isOfParty = ({ source }) => source !== null && source.startsWith(PARTY);
