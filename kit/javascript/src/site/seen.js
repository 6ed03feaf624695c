/** A request as the gate sees it, whichever server received it. */

import { strip } from "../text.js";

const TEXT_MAX = 256;
export const USE_HEADER = "x-licence-use";
export const ALIAS_HEADER = "x-collective-license";

/** One request: its characters are bytes (latin-1), as they came over the wire. */
export class Seen {
  /**
   * @param {object} request
   * @param {string} request.method
   * @param {string} request.target as it stands in the request line, `?` and query included
   * @param {readonly (readonly [string, string])[]} request.headers in their order
   * @param {string} request.address where the connection comes from, empty where nobody knows
   */
  constructor({ method, target, headers, address }) {
    const mark = target.indexOf("?");
    this.method = method;
    this.path = mark < 0 ? target : target.slice(0, mark);
    this.query = mark < 0 ? "" : target.slice(mark + 1);
    this.address = address;
    /** @type {Map<string, string[]>} lines by name in lower case */
    this.headers = new Map();
    for (const [name, value] of headers) {
      const lower = name.toLowerCase();
      const lines = this.headers.get(lower);
      if (lines === undefined) this.headers.set(lower, [value]);
      else lines.push(value);
    }
  }

  /**
   * Return every value of a header, in order, without white space at its ends.
   * @param {string} name in lower case
   * @returns {string[]}
   */
  values(name) {
    return (this.headers.get(name) ?? []).map(strip);
  }

  /** @returns {string} the user agent, cut to a length worth keeping */
  get agent() {
    return this.values("user-agent").join(" ").slice(0, TEXT_MAX);
  }
}
