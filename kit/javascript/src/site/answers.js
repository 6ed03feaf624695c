/** How a refusal looks on the wire, and what licensed answers carry beside the application's. */

import { InvalidTokenError } from "../signing/jose.js";
import { kept, quote } from "../text.js";
import { PolicyUnavailableError, SiteRefusalError, standing } from "./refusals.js";

export const READING = ["GET", "HEAD"];
export const NOT_CACHED = "private, no-store";
export const VARY = "Authorization, X-Collective-License, Signature, User-Agent";
const OF_CACHES = ["cache-control", "expires", "pragma", "surrogate-control", "edge-control", "x-accel-expires"];
const HANDING_OVER = [
  "x-accel-redirect",
  "x-sendfile",
  "x-sendfile2",
  "x-sendfile-temporary",
  "x-lighttpd-send-file",
  "x-lighttpd-send-tempfile",
  "x-litespeed-location",
  "x-reproxy-url",
  "x-reproxy-file",
];
const TARGETED = "-cache-control"; // for caches of one kind, before Cache-Control (RFC 9213)
const URL_SAFE = kept(":/?#[]@!$&'()*+,;=%~-._");
const LINKED = new Set([401, 402, 403]);

/** @typedef {{status: number, headers: [string, string][], body: Uint8Array<ArrayBuffer>}} Answer */

/**
 * Tell whether a header says to caches what they may keep: of a licensed answer, and of a refusal,
 * ours alone does.
 * @param {string} name
 */
export function isOfCaches(name) {
  const lower = name.toLowerCase();
  return OF_CACHES.includes(lower) || lower.endsWith(TARGETED);
}

/**
 * Tell whether a header has the server in front deliver another page in the answer's place.
 * @param {string} name
 */
export function handsOver(name) {
  return HANDING_OVER.includes(name.toLowerCase());
}

/**
 * Return the value of the header that points to the site's machine-readable terms (RSL).
 * @param {string} url
 */
export function linkTo(url) {
  return `<${quote(url, URL_SAFE)}>; rel="license"; type="application/rsl+xml"`;
}

/**
 * Return a refusal as it is sent: status, headers, a short JSON body.
 * @param {import("../errors.js").RefusalError} refusal
 * @param {{link: string, buyAt: string | null}} where
 * @returns {Answer}
 */
export function refusalAnswer(refusal, { link, buyAt }) {
  const { status, error } = standing(refusal);
  const said = { error, code: refusal.code, detail: told(refusal), buy_at: buyAt };
  const body = new TextEncoder().encode(JSON.stringify(said));
  /** @type {[string, string][]} */
  const headers = [
    ["content-type", "application/json"],
    ["content-length", String(body.length)],
    ["cache-control", NOT_CACHED],
    ["vary", VARY],
    ["www-authenticate", challenge(refusal, status, error)],
  ];
  if (LINKED.has(status)) headers.push(["link", linkTo(link)]);
  if (status === 405) headers.push(["allow", READING.join(", ")]);
  if (refusal instanceof SiteRefusalError && refusal.retryAfter !== null) {
    headers.push(["retry-after", String(refusal.retryAfter)]);
  }
  return { status, headers, body };
}

/**
 * Return what a crawler reads. Why a token is none, or this site cannot tell, is in the log.
 * @param {import("../errors.js").RefusalError} refusal
 */
function told(refusal) {
  const isOpaque = refusal instanceof InvalidTokenError || refusal instanceof PolicyUnavailableError;
  return isOpaque ? refusal.headline : refusal.told;
}

/**
 * Return the challenge. A description goes only where the error word says too little.
 * @param {import("../errors.js").RefusalError} refusal
 * @param {number} status
 * @param {string} error
 */
function challenge(refusal, status, error) {
  const words = `License error="${error}"`;
  return status === 402 ? `${words}, error_description="${refusal.headline}"` : words;
}

/**
 * Return the value of Vary with ours behind the application's.
 * @param {string | null} present
 */
export function varied(present) {
  const ours = new Set(VARY.toLowerCase().split(", "));
  const names = (present ?? "").split(",").map((name) => name.trim());
  const own = [...new Set(names)].filter((name) => name && !ours.has(name.toLowerCase()));
  return [...own, VARY].join(", ");
}
