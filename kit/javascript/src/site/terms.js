/** The site's license.xml (RSL): written by the node, pulled like the policy, served by the gate. */

import { UnreachableError, answered } from "../access/wire.js";
import { RefusalError } from "../errors.js";

const TERMS = "license.xml";
const TERMS_BYTES_MAX = 1 << 20;
const TYPE = "application/rsl+xml";

/** The node did not serve the site's terms. */
export class TermsNotServedError extends RefusalError {
  static code = "TERMS_NOT_SERVED";
  static headline = "The node did not serve the site's terms.";
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
   * @param {Pick<import("./policy-source.js").Reach, "store" | "ask">} reach
   */
  constructor(config, reach) {
    this.#reach = reach;
    const member = encodeURIComponent(config.member);
    this.#url = `${config.node.replace(/\/+$/, "")}/sites/${member}/license.xml`;
  }

  /** Hold what the store has kept. */
  async load() {
    const text = await this.#reach.store.load(TERMS);
    if (text !== null) this.#held = answerOf(text);
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
    if (answer.status === 304) return;
    if (answer.status !== 200) throw new TermsNotServedError(answered(answer));
    const type = (answer.headers.get("content-type") ?? "").split(";")[0]?.trim();
    const text = new TextDecoder().decode(answer.body);
    if (type !== TYPE || !text.includes("<rsl")) throw new UnreachableError(`no ${TYPE}`);
    await this.#reach.store.save(TERMS, text);
    this.#held = answerOf(text);
    this.#etag = answer.headers.get("etag");
  }
}

/**
 * @param {string} text
 * @returns {import("./answers.js").Answer}
 */
function answerOf(text) {
  const body = new TextEncoder().encode(text);
  return {
    status: 200,
    headers: [
      ["content-type", TYPE],
      ["content-length", String(body.length)],
    ],
    body,
  };
}
