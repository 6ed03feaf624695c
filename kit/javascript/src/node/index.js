/**
 * The gate for Node: before a handler of `node:http`, or as a middleware of Express and its like.
 *
 *     createServer(protect(handler, "federation-site.json")).listen(8080);
 *     app.use(middleware("federation-site.json"));
 */

import * as fs from "node:fs";
import * as path from "node:path";

import { ClientBearer } from "../access/bearers.js";
import { asker } from "../access/wire.js";
import { isOfCaches } from "../site/answers.js";
import { ConfigError, readConfig } from "../site/config.js";
import { Gate } from "../site/gate.js";
import { PolicySource } from "../site/policy-source.js";
import { Reporter } from "../site/reporter.js";
import { Seen } from "../site/seen.js";
import { Terms } from "../site/terms.js";
import { TELL_SECONDS, VisitTeller } from "../site/visit-teller.js";
import { VisitCounts } from "../site/visits.js";
import { Background, NOTICE_SECONDS, POLL_SECONDS, REPORT_SECONDS, TERMS_SECONDS } from "./background.js";
import { DiskStore } from "./disk-store.js";
import { meter } from "./metering.js";

const OTHERS = 0o077;
const BYTES_MAX = 256 << 10;

/** @typedef {import("node:http").IncomingMessage} Request */
/** @typedef {import("node:http").ServerResponse} Response */
/** @typedef {(request: Request, response: Response) => void} Handler */
/** @typedef {(request: Request, response: Response, next: (error?: unknown) => void) => void} Next */
/**
 * @typedef {object} Options
 * @property {typeof fetch} [fetch] in the place of the runtime's
 * @property {() => number} [clock] seconds
 * @property {(line: string) => void} [log] default: lines on standard error
 * @property {boolean} [strictRouting] whether the application tells capitals in a path, and a last
 *   `/`. Default: a handler of `node:http` does, what a middleware stands before does not
 */
/** @typedef {{site: Site, close(): Promise<void>}} Closing */

/** One site's gate in one process: what it knows, what it keeps, and the loops beside it. */
export class Site {
  /** @type {PolicySource | null} */
  #source = null;
  #background;
  #reporter;
  #store;
  #teller;
  #visits;

  /**
   * @param {string | URL} file `federation-site.json`
   * @param {Options} [options]
   */
  constructor(file, options = {}) {
    const config = readConfigFile(file);
    const log = options.log ?? ((line) => process.stderr.write(`federation-site: ${line}\n`));
    const clock = options.clock ?? (() => Date.now() / 1000);
    const ask = asker(options.fetch);
    const bearer = new ClientBearer(config.client, { server: config.node, ask });
    const store = new DiskStore(config.directory, { log });
    const reach = { store, ask, bearer, clock, log };
    const terms = new Terms(config, reach);
    const policy = {
      current: () => this.#source?.current() ?? null,
      look: async () => this.#source?.look(),
    };
    const isLoose = !(options.strictRouting ?? true);
    this.#visits = new VisitCounts({ store, clock });
    this.gate = new Gate({ config, policy, store, terms, clock, log, visits: this.#visits, isLoose });
    this.#store = store;
    this.#reporter = new Reporter(reach, { node: config.node });
    this.#teller = new VisitTeller(this.#visits, reach, config, policy);
    this.#background = new Background(log);
    /** Resolves when what was kept is read; requests of crawlers wait for it. */
    this.ready = this.#begin(config, reach, terms);
    this.ready.catch((error) => {
      queueMicrotask(() => {
        throw error; // pinned keys that are none: nothing could ever be checked
      });
    });
  }

  /**
   * @param {import("../site/config.js").SiteConfig} config
   * @param {import("../site/policy-source.js").Reach} reach
   * @param {Terms} terms
   */
  async #begin(config, reach, terms) {
    await terms.load();
    const source = await PolicySource.begin(config, reach);
    this.#source = source;
    const isAwaited = () => source.current() === null;
    this.#background.every(POLL_SECONDS, () => source.refresh(), isAwaited);
    this.#background.every(REPORT_SECONDS, () => this.report());
    this.#background.every(TELL_SECONDS, () => this.#teller.tick());
    this.#background.every(TERMS_SECONDS, () => terms.refresh());
    this.#background.every(NOTICE_SECONDS, async () => this.gate.tell());
  }

  /** Hand in what was recorded, and return how many batches the node took. */
  async report() {
    return this.#store.spool.sending(() => this.#reporter.tick());
  }

  /** End the loops. What is not yet reported or told stays on the disk. */
  async close() {
    this.#background.stop();
    this.gate.tell();
    for (const act of [
      () => this.#store.spool.freeze(), // what is not frozen is taken up like a dead writer's
      () => this.#visits.addUp(),
      async () => this.#store.visits.letGo(),
    ]) {
      await act().catch((error) => this.gate.log(`while closing: ${String(error)}`));
    }
  }

  /**
   * Answer a request, or let the application do so.
   * @param {Request} request
   * @param {Response} response
   * @param {() => void} application
   */
  async answer(request, response, application) {
    const seen = seenBy(request);
    if (!this.gate.concerns(seen)) return application();
    await this.ready;
    const decision = await this.gate.decide(seen);
    if (decision.act === "answer") return send(response, decision.answer);
    if (decision.act === "serve") {
      meter(response, { gate: this.gate, seen, visit: decision.visit, link: decision.link });
    } else {
      for (const [name, value] of decision.headers) response.setHeader(name, value);
    }
    return application();
  }
}

/**
 * Return a handler for `http.createServer` that stands before the application's.
 * @param {Handler} handler
 * @param {string | URL} file
 * @param {Options} [options]
 * @returns {Handler & Closing}
 */
export function protect(handler, file, options) {
  const through = middleware(file, { ...options, strictRouting: options?.strictRouting ?? true });
  /** @type {Handler} */
  const protectedHandler = (request, response) => {
    through(request, response, (error) => {
      if (error !== undefined) throw error;
      handler(request, response);
    });
  };
  return Object.assign(protectedHandler, { site: through.site, close: through.close });
}

/**
 * Return a middleware of Express and its like; use it before everything that answers. A router of
 * Express serves `/news/x` as `/NEWS/X` and `/news/x/` too: what is withheld is so under all of them.
 * @param {string | URL} file
 * @param {Options} [options]
 * @returns {Next & Closing}
 */
export function middleware(file, options) {
  const site = new Site(file, { ...options, strictRouting: options?.strictRouting ?? false });
  /** @type {Next} */
  const through = (request, response, next) => {
    let isPassed = false;
    const application = () => {
      isPassed = true;
      next();
    };
    site.answer(request, response, application).catch((error) => {
      if (isPassed) throw error; // the application's own
      site.gate.log(`a request could not be judged: ${String(error)}`);
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    });
  };
  return Object.assign(through, { site, close: () => site.close() });
}

/**
 * Tell whether a request to upgrade its connection is one of a crawler, which has no business here;
 * a site that only observes lets it.
 * @param {Site} site
 * @param {Request} request
 */
export function isCrawlersUpgrade(site, request) {
  return site.gate.closes(seenBy(request));
}

/**
 * Read `federation-site.json`, whose secret is for its owner's eyes; `directory` is relative to it.
 * @param {string | URL} file
 */
export function readConfigFile(file) {
  const { mode, size } = fs.statSync(file);
  if (mode & OTHERS) throw new ConfigError(`${file}: others may read it; chmod 600`);
  if (size > BYTES_MAX) throw new ConfigError(`${file} is longer than ${BYTES_MAX} bytes`);
  const config = readConfig(parsed(fs.readFileSync(file, "utf8"), String(file)));
  const where = file instanceof URL ? file.pathname : file;
  return { ...config, directory: path.resolve(path.dirname(where), config.directory) };
}

/**
 * @param {string} text
 * @param {string} place
 */
function parsed(text, place) {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigError(`${place}: not JSON`);
  }
}

/** @param {Request & {originalUrl?: string}} request */
function seenBy(request) {
  /** @type {[string, string][]} */
  const headers = [];
  const raw = request.rawHeaders;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] === ":authority" ? "host" : (raw[at] ?? "");
    headers.push([name, raw[at + 1] ?? ""]);
  }
  return new Seen({
    method: request.method ?? "",
    target: request.originalUrl ?? request.url ?? "",
    headers,
    address: request.socket.remoteAddress ?? "",
  });
}

/**
 * @param {Response} response
 * @param {import("../site/answers.js").Answer} answer
 */
function send(response, { status, headers, body }) {
  for (const name of response.getHeaderNames().filter(isOfCaches)) response.removeHeader(name);
  for (const [name, value] of headers) response.setHeader(name, value);
  response.statusCode = status;
  response.end(body);
}
