/** Counts an answer between the application and the crawler: on disk before its last byte leaves. */

import { NOT_CACHED, handsOver, isOfCaches, varied } from "../site/answers.js";
import { RefusalError } from "../errors.js";
import { Recording } from "../site/recording.js";

/** @typedef {import("node:http").ServerResponse} Response */
/** @typedef {(error?: Error | null) => void} Done */
/**
 * @typedef {object} Metering
 * @property {import("../site/gate.js").Gate} gate
 * @property {import("../site/gate.js").Visit} visit
 * @property {import("../site/seen.js").Seen} seen
 * @property {string} link
 */

/**
 * Record one usage line for what an application answers, and add what licensed answers carry.
 *
 * The start of an answer waits for its first body, so that a site that cannot record a page can still
 * say 503 in its place. An answer that breaks off is counted for what was taken.
 * @param {Response} response
 * @param {Metering} metering
 */
export function meter(response, metering) {
  const meters = new Meter(response, metering);
  response.writeHead = /** @type {Response["writeHead"]} */ (
    (/** @type {unknown[]} */ ...given) => meters.writeHead(given)
  );
  response.write = /** @type {Response["write"]} */ (
    (/** @type {unknown[]} */ ...given) => meters.write(given)
  );
  response.end = /** @type {Response["end"]} */ (
    (/** @type {unknown[]} */ ...given) => meters.end(given)
  );
  response.flushHeaders = () => undefined; // they leave with the first body
  response.once("close", () => void meters.closed());
}

class Meter {
  #response;
  #metering;
  #original;
  #recording;
  #bodyBytes = 0;
  #isBegun = false;
  #isEnded = false;
  #isRefused = false;

  /**
   * @param {Response} response
   * @param {Metering} metering
   */
  constructor(response, metering) {
    const { writeHead, write, end } = response;
    this.#response = response;
    this.#metering = metering;
    this.#recording = new Recording(metering.gate, metering.visit);
    this.#original = { writeHead, write, end };
  }

  /** @param {unknown[]} given */
  writeHead(given) {
    if (this.#isRefused || this.#response.headersSent) return this.#call("writeHead", given);
    const [status, ...others] = given;
    this.#response.statusCode = Number(status);
    if (typeof others[0] === "string") this.#response.statusMessage = /** @type {string} */ (others.shift());
    setHeaders(this.#response, others[0] ?? others[1]);
    if (!this.#isBegun) return this.#response;
    this.#mark(); // whoever stands around `writeHead` may have set more just now
    return this.#call("writeHead", [status]);
  }

  /** @param {unknown[]} given */
  write(given) {
    if (this.#isUnseen()) return true;
    this.#measure(given);
    this.#begin();
    return this.#call("write", given);
  }

  /** @param {unknown[]} given */
  end(given) {
    if (this.#isRefused) return this.#response;
    if (this.#isEnded) return this.#isBegun ? this.#call("end", given) : this.#response;
    if (this.#isUnseen()) return this.#response;
    this.#isEnded = true;
    this.#measure(given);
    const recorded = this.#recording.record(this.#response.statusCode, this.#bodyBytes);
    if (recorded === null) this.#finish(given);
    else void this.#finishBehind(recorded, given);
    return this.#response;
  }

  /** Tell whether the answer is refused, since the page would leave past the count. */
  #isUnseen() {
    const response = this.#response;
    if (this.#isBegun) return this.#isRefused;
    if (!response.getHeaderNames().some(handsOver)) return false;
    const refusal = this.#recording.refuseUnseen();
    if (refusal === null) return false;
    this.#isEnded = true;
    this.#refuse(this.#metering.gate.refusal(refusal, this.#metering.seen));
    return true;
  }

  /** Record an answer that broke off, most often by a hang-up: what was taken was taken. */
  async closed() {
    if (!this.#isBegun) return;
    await this.#recording.recordCutShort(this.#response.statusCode, this.#bodyBytes);
  }

  /**
   * @param {Promise<void>} recorded
   * @param {unknown[]} given
   */
  async #finishBehind(recorded, given) {
    const { gate, seen } = this.#metering;
    try {
      await recorded;
    } catch (error) {
      if (this.#isBegun || !(error instanceof RefusalError)) this.#response.destroy();
      else this.#refuse(gate.refusal(error, seen));
      return;
    }
    this.#finish(given);
  }

  /** @param {unknown[]} given */
  #finish(given) {
    this.#begin();
    this.#call("end", given);
  }

  /** @param {import("../site/answers.js").Answer} answer */
  #refuse({ status, headers, body }) {
    const response = this.#response;
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    response.statusCode = status;
    response.statusMessage = "";
    for (const [name, value] of headers) response.setHeader(name, value);
    this.#isBegun = true;
    this.#isRefused = true;
    this.#call("end", [body]);
  }

  /** Add what licensed answers carry, before the first byte leaves. */
  #begin() {
    if (this.#isBegun) return;
    this.#isBegun = true;
    this.#response.appendHeader("link", this.#metering.link);
    this.#mark();
  }

  /** Have no cache keep what one crawler paid for, whatever the application says of caches. */
  #mark() {
    const response = this.#response;
    const isEnforced = !this.#metering.gate.isObserving;
    for (const name of response.getHeaderNames()) {
      if (isOfCaches(name) || (isEnforced && handsOver(name))) response.removeHeader(name);
    }
    response.setHeader("cache-control", NOT_CACHED);
    const present = response.getHeader("vary");
    response.setHeader("vary", varied(present === undefined ? null : [present].flat().join(", ")));
  }

  /** @param {unknown[]} given a body, its encoding and a callback, each where there is one */
  #measure([chunk, encoding]) {
    if (this.#response.req.method === "HEAD") return;
    if (typeof chunk === "string") {
      const how = typeof encoding === "string" ? encoding : "utf8";
      this.#bodyBytes += Buffer.byteLength(chunk, /** @type {BufferEncoding} */ (how));
    } else if (chunk instanceof Uint8Array) {
      this.#bodyBytes += chunk.length;
    }
  }

  /**
   * @param {"writeHead" | "write" | "end"} name
   * @param {unknown[]} given
   */
  #call(name, given) {
    return /** @type {any} */ (this.#original[name]).apply(this.#response, given);
  }
}

/**
 * Set the headers of `writeHead`: an object, or a list of names and values, flat or in pairs.
 * @param {Response} response
 * @param {unknown} headers
 */
function setHeaders(response, headers) {
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers ?? {})) {
      if (value !== undefined) response.setHeader(name, value);
    }
    return;
  }
  const flat = headers.flat();
  for (let at = 0; at + 1 < flat.length; at += 2) response.removeHeader(flat[at]);
  for (let at = 0; at + 1 < flat.length; at += 2) response.appendHeader(flat[at], flat[at + 1]);
}
