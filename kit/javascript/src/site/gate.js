/**
 * The gate before a publisher's application: people pass, crawlers show a licence.
 *
 * Here is what to do with a request; how a server receives and answers one is in `node/` and
 * `workers/`.
 */

import { RefusalError } from "../errors.js";
import { InvalidTokenError } from "../signing/jose.js";
import { InvalidSignatureError } from "../signing/signatures.js";
import { bytesOf, kept, quoteBytes } from "../text.js";
import { READING, linkTo, refusalAnswer } from "./answers.js";
import { readAsk, readCredential, signable } from "./asks.js";
import { callerOf } from "./callers.js";
import { isCrawler, nameOf } from "./crawlers.js";
import { usageLine } from "./events.js";
import { Guesses } from "./guesses.js";
import { Origins, requireOneAddress } from "./origins.js";
import {
  LicenceRequiredError,
  MethodNotAllowedError,
  NonceStoreError,
  SpoolError,
  SpoolFullError,
  TooManyGuessesError,
} from "./refusals.js";
import { LICENCE_PATH, isReservation } from "./reservations.js";
import { grant, requireFresh } from "./rulings.js";

const PATH_SAFE = kept("/%:@!$&'()*+,;=~-._");
const PATH_CHARS_LOGGED = 100;

/** @typedef {import("./seen.js").Seen} Seen */
/** @typedef {import("./answers.js").Answer} Answer */
/** @typedef {{ask: import("./asks.js").Ask, granted: import("./rulings.js").Grant,
 *   instant: number}} Visit a crawler that is let in */
/**
 * @typedef {{act: "pass", headers: [string, string][]} | {act: "answer", answer: Answer}
 *   | {act: "serve", visit: Visit, link: string}} Decision
 * The application answers, with these headers added; the gate answers; or the application answers
 * under a licence, with the header Link, and is counted.
 */
/**
 * @typedef {object} Parts What a gate works with.
 * @property {import("./config.js").SiteConfig} config
 * @property {{current(): import("./rulings.js").HeldPolicy | null, look?(): Promise<void>}} policy
 *   `look` takes one that was kept since, where none is held
 * @property {import("./store.js").Store} store
 * @property {{current(): Answer | null}} [terms] the site's license.xml, where the node has one
 * @property {() => number} [clock] seconds
 * @property {(line: string) => void} [log]
 * @property {import("./visits.js").VisitCounts} [visits] where visits are counted
 * @property {boolean} [isLoose] the application tells neither capitals in a path nor a last `/`
 */

export class Gate {
  /** @param {Parts} parts */
  constructor({ config, policy, store, terms, clock, log, visits, isLoose }) {
    this.config = config;
    this.store = store;
    this.policy = policy;
    this.clock = clock ?? (() => Date.now() / 1000);
    this.log = log ?? (() => undefined);
    this.origins = new Origins(config.origins);
    this.guesses = new Guesses();
    this.terms = terms;
    this.visits = visits;
    this.isLoose = isLoose ?? false;
  }

  /** Whether nobody is refused. */
  get isObserving() {
    return this.config.mode === "observe";
  }

  /**
   * Tell whether the gate has anything to do with a request; people never notice it.
   * @param {Seen} seen
   */
  concerns(seen) {
    return this.#termsFor(seen) !== null || isCrawler(seen, this.config.crawlers);
  }

  /**
   * Tell whether a request to upgrade its connection is refused: one of a crawler, what leaves on
   * which nobody counts.
   * @param {Seen} seen
   */
  closes(seen) {
    return !this.isObserving && isCrawler(seen, this.config.crawlers);
  }

  /**
   * Say what becomes of a request; what is refused is counted here, what is served by `Recording`.
   * @param {Seen} seen
   * @returns {Promise<Decision>}
   */
  async decide(seen) {
    const terms = this.#termsFor(seen);
    if (terms !== null) return { act: "answer", answer: terms };
    if (!isCrawler(seen, this.config.crawlers)) return { act: "pass", headers: [] };
    if (this.policy.current() === null) await this.policy.look?.();
    try {
      requireReading(seen);
      requireOneAddress(seen);
      if (this.#isReservation(seen)) return { act: "pass", headers: [] };
      const visit = await this.#admit(seen);
      return { act: "serve", visit, link: linkTo(this.#termsUrl(seen)) };
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error;
      return this.#refused(error, seen);
    }
  }

  /**
   * Return the answer of a refusal that came up while the application answered.
   * @param {RefusalError} refusal
   * @param {Seen} seen
   * @returns {Answer}
   */
  refusal(refusal, seen) {
    const site = this.policy.current()?.checked.site;
    return refusalAnswer(refusal, { link: this.#termsUrl(seen), buyAt: site?.licenceUrl ?? null });
  }

  /**
   * Return the usage line of an answer.
   * @param {Visit} visit
   * @param {number} status
   * @param {number} bodyBytes
   */
  line(visit, status, bodyBytes) {
    return usageLine(visit, this.config.unit, status, bodyBytes);
  }

  /**
   * Count a visit that is refused, or would be if the site did more than observe.
   * @param {string} agent
   * @param {RefusalError} refusal
   */
  countRefused(agent, refusal) {
    this.visits?.refused(nameOf(agent), refusal.code, this.isObserving);
  }

  /**
   * Count a licensed visit; `isCounted` says that its answer is recorded as usage. Like its usage it
   * belongs to the day on which it began.
   * @param {Visit} visit
   * @param {boolean} isCounted
   */
  countServed(visit, isCounted) {
    this.visits?.licensed(nameOf(visit.ask.agent), isCounted, visit.instant);
  }

  /** Log what was wrong with tokens since the last time, if anything was. */
  tell() {
    const told = this.guesses.tell();
    if (told !== null) this.log(told);
  }

  /**
   * @param {RefusalError} refusal
   * @param {Seen} seen
   * @returns {Decision}
   */
  #refused(refusal, seen) {
    if (!(refusal instanceof TooManyGuessesError)) {
      this.log(`${described(seen)} refused: ${spoken(refusal)}`);
    }
    this.countRefused(seen.agent, refusal);
    if (this.isObserving) return { act: "pass", headers: observed(refusal) };
    return { act: "answer", answer: this.refusal(refusal, seen) };
  }

  /**
   * Return the visit if it is licensed, new and can be recorded, else refuse.
   * @param {Seen} seen
   * @returns {Promise<Visit>}
   */
  async #admit(seen) {
    const instant = this.clock();
    const credential = readCredential(seen);
    const origin = this.origins.asked(seen);
    const ask = readAsk(seen, origin);
    if (credential === null) throw new LicenceRequiredError();
    const policy = requireFresh(this.policy.current(), instant);
    const address = callerOf(seen, this.config.proxies);
    const request = signable(seen, origin);
    const turn = await this.guesses.requireTurn(address, credential.token);
    const look = () => grant(ask, credential, request, { policy, instant, isLoose: this.isLoose });
    const granted = await this.#granted(look, turn);
    const { proof, token } = granted;
    const hasRoom = await this.#asked(() => this.store.hasRoom(), SpoolError);
    if (!hasRoom) throw new SpoolFullError();
    if (proof !== null) {
      await this.#asked(() => this.store.takeNonce(proof, token.licensee, instant), NonceStoreError);
    }
    return { ask, granted, instant };
  }

  /**
   * Ask the store; whatever hinders it refuses the request, and a site that only observes serves it.
   * @template T
   * @param {() => Promise<T>} act
   * @param {typeof SpoolError | typeof NonceStoreError} Hindered
   */
  async #asked(act, Hindered) {
    try {
      return await act();
    } catch (error) {
      if (error instanceof RefusalError) throw error;
      this.log(`the store: ${String(error)}`);
      throw new Hindered();
    }
  }

  /**
   * Look at a token; count it where it is wrong.
   * @param {() => Promise<import("./rulings.js").Grant>} look
   * @param {import("./guesses.js").Turn} turn
   */
  async #granted(look, turn) {
    try {
      const granted = await look();
      this.guesses.isGenuine(turn);
      return granted;
    } catch (error) {
      if (error instanceof InvalidTokenError) this.guesses.isWrong(turn);
      if (error instanceof InvalidSignatureError) this.guesses.isWronglySigned(turn);
      throw error;
    } finally {
      this.guesses.end(turn);
    }
  }

  /**
   * Return the site's license.xml, if it is that which is asked for and there is one.
   * @param {Seen} seen
   */
  #termsFor({ method, path }) {
    if (path !== LICENCE_PATH || !READING.includes(method)) return null;
    return this.terms?.current() ?? null;
  }

  /** @param {Seen} seen */
  #isReservation({ path }) {
    return isReservation(path) || path === this.origins.pathOf(this.#statedTerms());
  }

  /**
   * Return where the machine-readable terms stand: as the node says, or here.
   * @param {Seen} seen
   */
  #termsUrl(seen) {
    const stated = this.#statedTerms();
    if (stated) return stated;
    try {
      return this.origins.asked(seen) + LICENCE_PATH;
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error;
      return this.origins.main + LICENCE_PATH;
    }
  }

  #statedTerms() {
    return this.policy.current()?.checked.site.rsl ?? null;
  }
}

/**
 * Refuse a crawler whatever is not reading: an application may answer any method with a page.
 * @param {Seen} seen
 */
function requireReading({ method }) {
  if (!READING.includes(method)) throw new MethodNotAllowedError(method.slice(0, 20));
}

/**
 * Say who asked, by the name under which it is counted, and for what; never from where.
 * @param {Seen} seen
 */
function described({ agent, path }) {
  return `${nameOf(agent)} at ${quoteBytes(bytesOf(path), PATH_SAFE).slice(0, PATH_CHARS_LOGGED)}`;
}

/**
 * Say for the log what the caller reads only in part.
 * @param {RefusalError} refusal
 */
export function spoken(refusal) {
  if (refusal instanceof InvalidSignatureError) {
    return `${refusal.code}: ${refusal.reason}${refusal.place ? `: ${refusal.place}` : ""}`;
  }
  return `${refusal.code}: ${refusal.told}`;
}

/**
 * Return what an answer carries that would have been a refusal.
 * @param {RefusalError} refusal
 * @returns {[string, string][]}
 */
export function observed(refusal) {
  return [
    ["x-rsl-status", "token_required"],
    ["x-rsl-reason", refusal.code.toLowerCase()],
  ];
}
