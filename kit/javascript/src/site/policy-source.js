/**
 * Where the gate's policy comes from: pulled from the node, checked, kept in the store.
 *
 * The last good policy survives a restart, and so do the keys that node and hub changed to. One that
 * is older than the one held is refused, whoever sends it.
 */

import { answered } from "../access/wire.js";
import { RefusalError } from "../errors.js";
import { InvalidTokenError } from "../signing/jose.js";
import { keySet } from "../signing/keys.js";
import { POLICY_BYTES_MAX, checkFresh, openSitePolicy } from "../signing/policy.js";
import { strip } from "../text.js";
import { spoken } from "./gate.js";
import { KnownKeys } from "./known-keys.js";
import { HeldPolicy } from "./rulings.js";
import { loaded } from "./store.js";

const POLICY = "policy.jwt";
const KEYS = "keys.json";
const LOOK_SECONDS = 1;
const LATIN = new TextDecoder("latin1");

/** The policy is older than the one held. */
export class RolledBackPolicyError extends RefusalError {
  static code = "POLICY_ROLLED_BACK";
  static headline = "The policy is older than the one held.";
}

/** The node did not serve the policy. */
export class PolicyNotServedError extends RefusalError {
  static code = "POLICY_NOT_SERVED";
  static headline = "The node did not serve the policy.";
}

/**
 * @typedef {object} Reach How the gate reaches its node.
 * @property {import("./store.js").Store} store
 * @property {import("../access/wire.js").Ask} ask
 * @property {{current(): Promise<string>, refused(): void}} bearer
 * @property {() => number} clock seconds
 * @property {(line: string) => void} log
 */

/** Pulls one site's policy and holds the last good one. */
export class PolicySource {
  /** @type {HeldPolicy | null} */
  #held = null;
  /** @type {string | null} */
  #etag = null;
  #isSaved = true;
  #lookedAt = -Infinity;
  /** @type {string | null} the text that was looked at and set aside */
  #setAside = null;
  #config;
  #reach;
  #node;
  #hub;
  #url;

  /**
   * @param {import("./config.js").SiteConfig} config
   * @param {Reach} reach
   * @param {{node: import("../signing/keys.js").Keys, hub: import("../signing/keys.js").Keys}} pins
   */
  constructor(config, reach, pins) {
    this.#config = config;
    this.#reach = reach;
    this.#node = new KnownKeys(pins.node, reach.log);
    this.#hub = new KnownKeys(pins.hub, reach.log);
    const member = encodeURIComponent(config.member).replace(/[!'()*]/g, escaped);
    this.#url = `${config.node.replace(/\/+$/, "")}/sites/${member}/policy`;
  }

  /**
   * Return a source that holds what the store has kept.
   * @param {import("./config.js").SiteConfig} config
   * @param {Reach} reach
   */
  static async begin(config, reach) {
    const pins = { node: await keySet(config.nodeKeys), hub: await keySet(config.hubKeys) };
    const source = new PolicySource(config, reach, pins);
    await source.#load();
    return source;
  }

  /** @returns {HeldPolicy | null} the policy last accepted, of whatever age */
  current() {
    return this.#held;
  }

  /**
   * Where none is held, take what another process or worker has kept since; looked for once a
   * second, however many ask.
   */
  async look() {
    const now = this.#reach.clock();
    if (this.#held !== null || Math.abs(now - this.#lookedAt) < LOOK_SECONDS) return;
    this.#lookedAt = now;
    await this.#load();
  }

  /** Ask the node for a policy newer than the one held; a refused one changes nothing. */
  async refresh() {
    const { ask, bearer } = this.#reach;
    /** @type {Record<string, string>} */
    const headers = { accept: "application/jwt", authorization: `Bearer ${await bearer.current()}` };
    if (this.#etag !== null) headers["if-none-match"] = this.#etag;
    const call = { url: this.#url, headers, answerBytesMax: POLICY_BYTES_MAX };
    const answer = await ask({ method: "GET", ...call });
    if (answer.status === 304) return;
    if (answer.status === 401) bearer.refused();
    if (answer.status !== 200) throw new PolicyNotServedError(answered(answer));
    await this.accept(strip(LATIN.decode(answer.body)), answer.headers.get("etag"));
  }

  /**
   * Hold a policy that is genuine, ours, in force and not older than the one held.
   * @param {string} token
   * @param {string | null} etag
   */
  async accept(token, etag) {
    const checked = await openSitePolicy(token, this.#node.keys, this.#hub.keys);
    checkFresh(checked, this.#reach.clock());
    await this.#requireOurs(checked);
    this.#requireNewer(checked);
    const held = new HeldPolicy(checked);
    this.#held = held; // also where the disk is full: what it withholds is in force
    await this.#reach.store.save(POLICY, token);
    await this.#learn(checked);
    this.#etag = etag; // where it could not be kept it is asked for again
  }

  /** @param {import("../signing/policy.js").CheckedPolicy} checked */
  async #requireOurs({ site }) {
    if (site.iss !== this.#config.node) {
      const said = await this.#node.read(site.configuration);
      if (said === null || said.address !== site.iss) {
        throw new InvalidTokenError("issuer", "another node's policy");
      }
      this.#reach.log(`the node is at ${site.iss} by now: tell the gate`);
    }
    if (site.sub !== this.#config.member) {
      throw new InvalidTokenError("audience", "another member's policy");
    }
  }

  /** @param {import("../signing/policy.js").CheckedPolicy} checked */
  #requireNewer(checked) {
    const held = this.#held?.checked;
    if (held === undefined) return;
    if (checked.site.iat < held.site.iat || checked.trust.iat < held.trust.iat) {
      throw new RolledBackPolicyError();
    }
    const older = checked.statuses.older(held.statuses);
    if (older !== null) throw new RolledBackPolicyError(older);
  }

  /** @param {import("../signing/policy.js").CheckedPolicy} checked */
  async #learn({ site, trust }) {
    for (const [known, signed] of /** @type {[KnownKeys, string][]} */ ([
      [this.#node, site.configuration],
      [this.#hub, trust.configuration],
    ])) {
      const says = await known.read(signed);
      if (says !== null && (await known.learn(signed, says))) this.#isSaved = false;
    }
    if (this.#isSaved) return;
    const learned = { node: this.#node.learned, hub: this.#hub.learned };
    await this.#reach.store.save(KEYS, JSON.stringify(learned));
    this.#isSaved = true;
  }

  /** Hold the policy that was kept if it is still genuine. Its age is judged when it is used. */
  async #load() {
    const { store, log } = this.#reach;
    const learned = readLearned(await loaded(store, KEYS, log));
    await this.#node.follow(learned.node ?? []);
    await this.#hub.follow(learned.hub ?? []);
    const token = await loaded(store, POLICY, log);
    if (token === null || token === this.#setAside) return;
    try {
      const checked = await openSitePolicy(token, this.#node.keys, this.#hub.keys);
      await this.#requireOurs(checked);
      this.#held ??= new HeldPolicy(checked); // unless one was put in force meanwhile
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error;
      this.#setAside = token;
      log(`the policy that was kept is set aside: ${spoken(error)}`);
    }
  }
}

/**
 * @param {string | null} text
 * @returns {{node?: unknown, hub?: unknown}}
 */
function readLearned(text) {
  try {
    return JSON.parse(text ?? "{}") ?? {};
  } catch {
    return {};
  }
}

/** @param {string} character */
function escaped(character) {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
