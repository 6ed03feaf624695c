/** The site's license.xml (RSL): written by the node, pulled like the policy, served by the gate. */

import { answered } from "../access/wire.js";
import { RefusalError } from "../errors.js";
import { isRsl } from "./rsl.js";
import { loaded } from "./store.js";

const TERMS = "license.xml";
const TERMS_BYTES_MAX = 1 << 20;
const TYPE = "application/rsl+xml";

/** The node did not serve the site's terms. */
export class TermsNotServedError extends RefusalError {
  static code = "TERMS_NOT_SERVED";
  static headline = "The node did not serve the site's terms.";
}

/** What the node sent is no document of terms. */
export class MalformedTermsError extends RefusalError {
  static code = "MALFORMED_TERMS";
  static headline = "What the node sent is no document of terms.";
}

/** Holds the last good license.xml of one site. */
export class Terms {
  /** @type {import("./answers.js").Answer | null} */
  #held = null;
  /** @type {string | null} */
  #etag = null;
  #reach;
  #url;

  /**
   * @param {import("./config.js").SiteConfig} config
   * @param {Pick<import("./policy-source.js").Reach, "store" | "ask" | "log">} reach
   */
  constructor(config, reach) {
    this.#reach = reach;
    const member = encodeURIComponent(config.member);
    this.#url = `${config.node.replace(/\/+$/, "")}/sites/${member}/license.xml`;
  }

  /** Hold what the store has kept. */
  async load() {
    const text = await loaded(this.#reach.store, TERMS, this.#reach.log);
    const kept = text === null ? null : await answerOf(text);
    this.#held ??= kept; // unless it was pulled meanwhile
  }

  /** @returns {import("./answers.js").Answer | null} */
  current() {
    return this.#held;
  }

  /** Ask the node for its present terms; what is not served or is no RSL changes nothing. */
  async refresh() {
    /** @type {Record<string, string>} */
    const headers = { accept: TYPE };
    if (this.#etag !== null) headers["if-none-match"] = this.#etag;
    const call = { url: this.#url, headers, answerBytesMax: TERMS_BYTES_MAX };
    const answer = await this.#reach.ask({ method: "GET", ...call });
    if (answer.status === 304 || answer.status === 404) return; // a node may serve no terms
    if (answer.status !== 200) throw new TermsNotServedError(answered(answer));
    const text = decoded(answer.body);
    const held = text === null ? null : await answerOf(text);
    if (text === null || held === null) throw new MalformedTermsError();
    await this.#reach.store.save(TERMS, text);
    this.#held = held;
    this.#etag = answer.headers.get("etag");
  }
}

/**
 * @param {Uint8Array} body
 * @returns {string | null}
 */
function decoded(body) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return null;
  }
}

/**
 * Return the answer to whoever asks for the terms, null where they are none.
 * @param {string} text
 * @returns {Promise<import("./answers.js").Answer | null>}
 */
async function answerOf(text) {
  if (!isRsl(text)) return null;
  const body = new TextEncoder().encode(text);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body)).subarray(0, 16);
  const etag = [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return {
    status: 200,
    headers: [
      ["content-type", TYPE],
      ["content-length", String(body.length)],
      ["cache-control", "max-age=300"],
      ["etag", `"${etag}"`],
    ],
    body,
  };
}
