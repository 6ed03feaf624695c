/**
 * The gate for servers that speak in `Request` and `Response`: Cloudflare Workers, Deno, Bun.
 *
 *     const gate = createGate({ config, store });
 *     export default { fetch: (request) => gate.handle(request, (passed) => fetch(passed)) };
 */

import { ClientBearer } from "../access/bearers.js";
import { Round } from "../access/rounds.js";
import { SharedWork } from "../access/shared-work.js";
import { UnreachableError, asker } from "../access/wire.js";
import { RefusalError } from "../errors.js";
import { NOT_CACHED, handsOver, isOfCaches, varied } from "../site/answers.js";
import { readConfig } from "../site/config.js";
import { counts } from "../site/events.js";
import { Gate, spoken } from "../site/gate.js";
import { PolicySource } from "../site/policy-source.js";
import { Recording } from "../site/recording.js";
import { Reporter } from "../site/reporter.js";
import { LICENCE_PATH } from "../site/reservations.js";
import { Seen } from "../site/seen.js";
import { Terms } from "../site/terms.js";
import { VisitTeller } from "../site/visit-teller.js";
import { VisitCounts } from "../site/visits.js";
import { held, streamed } from "./streaming.js";

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
 * Return a gate. What its store has kept it reads when a request first needs it.
 * @param {Parts} parts
 */
export function createGate(parts) {
  return new WorkerGate(readConfig(parts.config), parts);
}

/** One site's gate in one worker. */
export class WorkerGate {
  /** @type {PolicySource | null} */
  #source = null;
  /** @type {Map<string, string>} */
  #hindered = new Map();
  #gate;
  #policy;
  #terms;
  #loading;
  #reporter;
  #teller;
  #rounds;
  #parts;

  /**
   * @param {import("../site/config.js").SiteConfig} config
   * @param {Parts} parts
   */
  constructor(config, parts) {
    const { store, waitUntil } = parts;
    const log = parts.log ?? ((line) => console.error(`federation-site: ${line}`));
    const clock = parts.clock ?? (() => Date.now() / 1000);
    const ask = asker(parts.fetch);
    const bearer = new ClientBearer(config.client, { server: config.node, ask, seconds: clock });
    const reach = { store, ask, bearer, clock, log };
    const soon = waitUntil && ((/** @type {() => Promise<void>} */ act) => waitUntil(tried(act, log)));
    const visits = new VisitCounts({ store, clock, soon });
    const policy = {
      current: () => this.#source?.current() ?? null,
      look: async () => this.#source?.look(),
    };
    const terms = new Terms(config, reach);
    this.#parts = parts;
    this.#terms = terms;
    this.#policy = policy;
    this.#gate = new Gate({ config, policy, store, terms, clock, log, visits });
    this.#reporter = new Reporter(reach, { node: config.node, seconds: clock });
    this.#teller = new VisitTeller(visits, reach, config, policy);
    this.#loading = new SharedWork(() => this.#load(config, reach), clock);
    this.#rounds = {
      policy: this.#round("policy", POLL_SECONDS, (source) => source.refresh()),
      terms: this.#round("terms", TERMS_SECONDS, () => terms.refresh()),
    };
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
    if (seen.path === LICENCE_PATH) await this.#loaded();
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
    await this.#rounds.policy.ended();
    await this.#try("usage", () => this.#reporter.tick());
    await this.#try("visits", () => this.#teller.tick());
    this.#gate.tell();
  }

  /**
   * Hold what the store has kept, unless that is so.
   * @param {import("../site/config.js").SiteConfig} config
   * @param {import("../site/policy-source.js").Reach} reach
   */
  async #load(config, reach) {
    await this.#terms.load();
    const source = await PolicySource.begin(config, reach);
    this.#source ??= source;
  }

  /** Wait until what the store has kept is held, or for as long as one waits for a store. */
  async #loaded() {
    if (this.#source === null) await this.#loading.ended();
    return this.#source;
  }

  /**
   * Pull something again and again, once it is known what the store has kept.
   * @param {"policy" | "terms"} what
   * @param {number} every seconds
   * @param {(source: PolicySource) => Promise<void>} act
   */
  #round(what, every, act) {
    const pull = () =>
      this.#try(what, async () => {
        const source = await this.#loaded();
        if (source === null) throw new UnreachableError("the store");
        await act(source);
      });
    const isAwaited = () => what === "policy" && this.#policy.current() === null;
    return new Round(pull, { every, seconds: this.#gate.clock, isAwaited });
  }

  /** Pull policy and terms where it is time, behind whatever is answered. */
  #pull() {
    for (const round of Object.values(this.#rounds)) {
      const pulled = round.begin();
      if (pulled !== null) this.#behind(pulled);
    }
  }

  /** Wait for a policy where none is held: crawlers do, for the one pull that is under way. */
  async #known() {
    await this.#loaded();
    if (this.#policy.current() === null) await this.#rounds.policy.ended();
  }

  /** @param {Promise<unknown>} work */
  #behind(work) {
    this.#parts.waitUntil?.(work);
  }

  /**
   * Do something that may fail, and tell whether it did not; what hinders it is said once, until it
   * is something else.
   * @param {string} what
   * @param {() => Promise<unknown>} act
   */
  async #try(what, act) {
    let said = "";
    await tried(act, (line) => (said = line));
    if (said && said !== this.#hindered.get(what)) this.#gate.log(said);
    this.#hindered.set(what, said);
    return !said;
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
