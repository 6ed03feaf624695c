/**
 * The gate for servers that speak in `Request` and `Response`: Cloudflare Workers, Deno, Bun.
 *
 *     const gate = await createGate({ config, store });
 *     export default { fetch: (request) => gate.handle(request, (passed) => fetch(passed)) };
 */

import { ClientBearer } from "../access/bearers.js";
import { asker } from "../access/wire.js";
import { RefusalError } from "../errors.js";
import { NOT_CACHED, handsOver, isOfCaches, varied } from "../site/answers.js";
import { readConfig } from "../site/config.js";
import { counts } from "../site/events.js";
import { Gate, spoken } from "../site/gate.js";
import { PolicySource } from "../site/policy-source.js";
import { Recording } from "../site/recording.js";
import { Reporter } from "../site/reporter.js";
import { Seen } from "../site/seen.js";
import { Terms } from "../site/terms.js";
import { VisitTeller } from "../site/visit-teller.js";
import { VisitCounts } from "../site/visits.js";

const POLL_SECONDS = 30;
const TERMS_SECONDS = 300;
const SWITCHED = 101;

/** @typedef {import("../site/store.js").Store} Store */
/** @typedef {(request: Request) => Promise<Response> | Response} Application */
/**
 * @typedef {object} Parts
 * @property {unknown} config the members of `federation-site.json`
 * @property {Store} store
 * @property {typeof fetch} [fetch] in the place of the runtime's
 * @property {(work: Promise<unknown>) => void} [waitUntil] keeps the worker alive for what goes on
 *   behind an answer; that of `cloudflare:workers`, which is the present request's
 * @property {() => number} [clock] seconds
 * @property {(line: string) => void} [log]
 * @property {(request: Request) => string} [address] where the connection comes from; default: what
 *   `CF-Connecting-IP` says, which Cloudflare writes and nobody else may
 */

/**
 * Return a gate that holds what the store has kept.
 * @param {Parts} parts
 */
export async function createGate(parts) {
  const config = readConfig(parts.config);
  const log = parts.log ?? ((line) => console.error(`federation-site: ${line}`));
  const clock = parts.clock ?? (() => Date.now() / 1000);
  const ask = asker(parts.fetch);
  const bearer = new ClientBearer(config.client, { server: config.node, ask, seconds: clock });
  const reach = { store: parts.store, ask, bearer, clock, log };
  const source = await PolicySource.begin(config, reach);
  const terms = new Terms(config, reach);
  await terms.load();
  const { store, waitUntil } = parts;
  const soon = waitUntil && ((/** @type {() => Promise<void>} */ act) => waitUntil(tried(act, log)));
  const visits = new VisitCounts({ store, clock, soon });
  const gate = new Gate({ config, policy: source, store, terms, clock, log, visits });
  const reporter = new Reporter(reach, { node: config.node, seconds: clock });
  const teller = new VisitTeller(visits, reach, config, source);
  return new WorkerGate(gate, { source, terms, reporter, teller }, parts);
}

/** One site's gate in one worker. */
export class WorkerGate {
  #polledAt = -Infinity;
  #termsAt = -Infinity;
  /** @type {Map<string, string>} */
  #hindered = new Map();
  /** @type {Promise<void>} the last pull of the policy */
  #pulled = Promise.resolve();
  #gate;
  #beside;
  #parts;

  /**
   * @param {Gate} gate
   * @param {{source: PolicySource, terms: Terms, reporter: Reporter, teller: VisitTeller}} beside
   * @param {Parts} parts
   */
  constructor(gate, beside, parts) {
    this.#gate = gate;
    this.#beside = beside;
    this.#parts = parts;
  }

  /**
   * Answer a request, or let the application do so.
   * @param {Request} request
   * @param {Application} next
   * @returns {Promise<Response>}
   */
  async handle(request, next) {
    const seen = this.#seenBy(request);
    this.#pull();
    if (!this.#gate.concerns(seen)) return next(request);
    if (isWebSocket(request) && this.#gate.closes(seen)) {
      return new Response(null, { status: 403, headers: { "cache-control": NOT_CACHED } });
    }
    await this.#known();
    const decision = await this.#gate.decide(seen);
    if (decision.act === "answer") return responseOf(decision.answer, request.method);
    const response = await next(request);
    if (response.status === SWITCHED) return response; // to a site that only observes
    if (decision.act === "pass") return withHeaders(response, decision.headers);
    return this.#metered(response, seen, decision);
  }

  /**
   * Pull what is due, hand in what was recorded and tell of visits: for a worker's timer, once a
   * minute or so.
   */
  async tick() {
    this.#pull();
    await this.#pulled;
    await this.#try("usage", () => this.#beside.reporter.tick());
    await this.#try("visits", () => this.#beside.teller.tick());
    this.#gate.tell();
  }

  /** Pull policy and terms where it is time, behind whatever is answered. */
  #pull() {
    const now = this.#gate.clock();
    const { source, terms } = this.#beside;
    if (now >= this.#polledAt + POLL_SECONDS) {
      this.#polledAt = now;
      this.#pulled = this.#try("policy", () => source.refresh());
      this.#behind(this.#pulled);
    }
    if (now >= this.#termsAt + TERMS_SECONDS) {
      this.#termsAt = now;
      this.#behind(this.#try("terms", () => terms.refresh()));
    }
  }

  /** Wait for a policy where none is held: crawlers do, for the one pull that is under way. */
  async #known() {
    if (this.#beside.source.current() === null) await this.#pulled;
  }

  /** @param {Promise<unknown>} work */
  #behind(work) {
    this.#parts.waitUntil?.(work);
  }

  /**
   * Do something that may fail; what hinders it is said once, until it is something else.
   * @param {string} what
   * @param {() => Promise<unknown>} act
   */
  async #try(what, act) {
    let said = "";
    await tried(act, (line) => (said = line));
    if (said && said !== this.#hindered.get(what)) this.#gate.log(said);
    this.#hindered.set(what, said);
  }

  /**
   * Record one usage line before the last part of an answer leaves.
   * @param {Response} response
   * @param {Seen} seen
   * @param {{visit: import("../site/gate.js").Visit, link: string}} admitted
   */
  async #metered(response, seen, { visit, link }) {
    const headers = new Headers(response.headers);
    for (const name of [...headers.keys()].filter(isOfCaches)) headers.delete(name);
    headers.append("link", link);
    headers.set("cache-control", NOT_CACHED);
    headers.set("vary", varied(headers.get("vary")));
    const { status, statusText } = response;
    const recording = new Recording(this.#gate, visit);
    const unseen = [...headers.keys()].some(handsOver) ? recording.refuseUnseen() : null;
    if (unseen !== null) {
      this.#behind(Promise.resolve(response.body?.cancel()));
      return responseOf(this.#gate.refusal(unseen, seen), seen.method);
    }
    if (response.body === null || seen.method === "HEAD" || !counts(status, 1)) {
      recording.record(status, 0);
      return new Response(seen.method === "HEAD" ? null : response.body, { status, statusText, headers });
    }
    const gate = this.#gate;
    const reader = response.body.getReader();
    const record = async (/** @type {number} */ bytes) => recording.record(status, bytes);
    const cutShort = (/** @type {number} */ bytes) =>
      this.#behind(recording.recordCutShort(status, bytes));
    try {
      const first = await held(reader, 0, record);
      const body = streamed(reader, first, record, cutShort);
      return new Response(body, { status, statusText, headers });
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error;
      return responseOf(gate.refusal(error, seen), seen.method);
    }
  }

  /** @param {Request} request */
  #seenBy(request) {
    const url = new URL(request.url);
    /** @type {[string, string][]} */
    const headers = [...request.headers];
    if (!request.headers.has("host")) headers.push(["host", url.host]);
    const address = this.#parts.address ?? ((one) => one.headers.get("cf-connecting-ip") ?? "");
    return new Seen({
      method: request.method,
      target: url.pathname + (request.url.includes("?") ? url.search || "?" : ""),
      headers,
      address: address(request),
    });
  }
}

/** @typedef {ReadableStreamDefaultReader<Uint8Array>} Reader */
/** @typedef {(bytes: number) => Promise<void | null>} Record */
/** @typedef {{chunk: Uint8Array | null, isLast: boolean, bytes: number, ahead: Uint8Array | null}} Held */

/**
 * Read one chunk, and one ahead: whether it is the last is known before it is passed on, and the
 * whole is recorded then.
 * @param {Reader} reader
 * @param {number} before bytes that were passed on
 * @param {Record} record
 * @param {Uint8Array | null} [ahead] what was read already
 * @returns {Promise<Held>}
 */
async function held(reader, before, record, ahead = null) {
  const chunk = ahead ?? (await filled(reader));
  if (chunk === null) {
    await record(before);
    return { chunk, isLast: true, bytes: before, ahead: null };
  }
  const bytes = before + chunk.length;
  const next = await filled(reader);
  if (next === null) await record(bytes);
  return { chunk, isLast: next === null, bytes, ahead: next };
}

/**
 * Read the next chunk that has something in it, null at the end.
 * @param {Reader} reader
 */
async function filled(reader) {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return null;
    if (value.length > 0) return value;
  }
}

/**
 * Return a body that passes on what was read; one that is given up is recorded for what was taken.
 * @param {Reader} reader
 * @param {Held} first
 * @param {Record} record
 * @param {(bytes: number) => void} cutShort
 */
function streamed(reader, first, record, cutShort) {
  /** @type {Held | null} */
  let part = first;
  let passed = 0;
  /** @type {Uint8Array | null} */
  let ahead = null;
  /** An application that breaks off has been read so far. */
  const following = async () => {
    try {
      return await held(reader, passed, record, ahead);
    } catch (error) {
      cutShort(passed);
      throw error;
    }
  };
  return new ReadableStream({
    async pull(controller) {
      const now = part ?? (await following());
      part = null;
      if (now.chunk !== null) controller.enqueue(now.chunk);
      passed = now.bytes;
      ahead = now.ahead;
      if (now.isLast) controller.close();
    },
    async cancel(reason) {
      cutShort(passed);
      await reader.cancel(reason);
    },
  });
}

/**
 * @param {() => Promise<unknown>} act
 * @param {(line: string) => void} log
 */
async function tried(act, log) {
  try {
    await act();
  } catch (error) {
    log(error instanceof RefusalError ? spoken(error) : String(error));
  }
}

/** @param {Request} request */
function isWebSocket(request) {
  return (request.headers.get("upgrade") ?? "").toLowerCase().includes("websocket");
}

/**
 * @param {import("../site/answers.js").Answer} answer
 * @param {string} method
 */
function responseOf({ status, headers, body }, method) {
  return new Response(method === "HEAD" ? null : body, { status, headers });
}

/**
 * @param {Response} response
 * @param {[string, string][]} added
 */
function withHeaders(response, added) {
  if (added.length === 0) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of added) headers.set(name, value);
  const { status, statusText, body } = response;
  return new Response(body, { status, statusText, headers });
}
