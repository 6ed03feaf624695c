/** A program's calls to its server: no redirects, bounded in time and size. */

import { RefusalError } from "../errors.js";

const CALL_MILLISECONDS_MAX = 30_000;
export const ANSWER_BYTES_MAX = 16 << 10;
const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/**
 * @typedef {object} Call
 * @property {"GET" | "POST"} method
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {Uint8Array<ArrayBuffer> | string} [body]
 * @property {number} [answerBytesMax]
 */
/** @typedef {{status: number, headers: Headers, body: Uint8Array<ArrayBuffer>}} Answered */
/** @typedef {(call: Call) => Promise<Answered>} Ask */

/** The server did not answer. */
export class UnreachableError extends RefusalError {
  static code = "UNREACHABLE";
  static headline = "The server did not answer.";
}

/**
 * Return a function that calls servers with the runtime's `fetch`, or one in its place.
 * @param {typeof fetch} [fetcher]
 * @returns {Ask}
 */
export function asker(fetcher = globalThis.fetch) {
  return async ({ method, url, headers, body, answerBytesMax = ANSWER_BYTES_MAX }) => {
    const signal = AbortSignal.timeout(CALL_MILLISECONDS_MAX);
    /** @type {RequestInit} */
    const init = { method, headers, redirect: "manual", signal };
    if (body !== undefined) init.body = body;
    try {
      const response = await fetcher(url, init);
      const read = await bounded(response.body, answerBytesMax);
      return { status: response.status, headers: response.headers, body: read };
    } catch (error) {
      if (error instanceof RefusalError) throw error;
      throw new UnreachableError(error instanceof Error ? error.name : "");
    }
  };
}

/**
 * @param {ReadableStream<Uint8Array> | null} stream
 * @param {number} bytesMax
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function bounded(stream, bytesMax) {
  const chunks = [];
  let length = 0;
  const reader = stream?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.length;
    if (length > bytesMax) {
      reader.cancel().catch(() => undefined);
      throw new UnreachableError(`the answer is longer than ${bytesMax} bytes`);
    }
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/**
 * Read a JSON answer of a server, null where it is none.
 * @param {Uint8Array} body
 * @returns {unknown}
 */
export function jsonIn(body) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return null;
  }
}

/**
 * Say how a server refused: `HTTP 409 NOT_ADMITTED`, or `HTTP 409` without a code. Nothing else of an
 * answer is repeated: whoever sent it chose its text.
 * @param {Answered} answer
 */
export function answered({ status, body }) {
  const said = /** @type {{code?: unknown} | null} */ (jsonIn(body));
  const code = typeof said === "object" && said !== null ? said.code : undefined;
  return typeof code === "string" && CODE.test(code) ? `HTTP ${status} ${code}` : `HTTP ${status}`;
}
