/**
 * Which user agents are asked for a licence. The list is data, shared by all kits; a name is a claim,
 * not a proof, and whoever hides it is a matter for the publisher's bot defence.
 */

import { carriesCredential } from "./asks.js";
import { AGENTS } from "./crawler-list.js";

/** @typedef {{unnamed: boolean, also: string[], never: string[]}} Rule what a site adds to the list */

const BROWSERS = ["mozilla/", "opera/"];
const ASKED = AGENTS.filter((agent) => agent.purpose === "ai").map((agent) => lower(agent.pattern));
const PASSING = AGENTS.filter((agent) => agent.purpose !== "ai").map((agent) => lower(agent.pattern));

const NAMED = [
  ...AGENTS.filter(({ purpose }) => purpose === "ai"),
  ...AGENTS.filter(({ purpose }) => purpose !== "ai"),
].map(({ pattern }) => ({ pattern, part: lower(pattern) }));

/** @param {string} text */
function lower(text) {
  return text.replace(/[A-Z]/g, (one) => one.toLowerCase());
}

/**
 * Tell whether a request is a crawler's: it shows a licence or a crawler's signature, or its agent is
 * one of those that are asked.
 * @param {import("./seen.js").Seen} seen
 * @param {Rule} rule
 */
export function isCrawler(seen, rule) {
  const isSigned = seen.values("signature-input").some((value) => value.includes("web-bot-auth"));
  return carriesCredential(seen) || isSigned || isAsked(seen.agent, rule);
}

/**
 * Tell whether a user agent is asked for a licence.
 * @param {string} agent
 * @param {Rule} rule
 */
export function isAsked(agent, { unnamed, also, never }) {
  const name = lower(agent);
  /** @param {readonly string[]} patterns */
  const holds = (patterns) => patterns.some((pattern) => name.includes(lower(pattern)));
  if (holds(never)) return false;
  if (holds(also) || holds(ASKED)) return true;
  return unnamed && !holds(PASSING) && !holds(BROWSERS);
}

/**
 * Return by which name a visitor is counted: its pattern on the list, `unnamed` or `other`; never the
 * agent itself, which is whatever a stranger writes.
 * @param {string} agent
 * @returns {string}
 */
export function nameOf(agent) {
  const said = lower(agent);
  const found = NAMED.find(({ part }) => said.includes(part));
  if (found !== undefined) return found.pattern;
  return BROWSERS.some((browser) => said.includes(browser)) ? "other" : "unnamed";
}
