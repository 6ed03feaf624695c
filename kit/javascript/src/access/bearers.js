/** How a site shows its node who it is: a token of an hour, fetched with its client's secret. */

import { RefusalError } from "../errors.js";
import { toBase64 } from "../signing/base64.js";
import { Pause } from "./pauses.js";
import { SharedWork } from "./shared-work.js";
import { UnreachableError, jsonIn } from "./wire.js";

const USED_PART_MAX = 5 / 6; // of a life, after which the next one is fetched
const JITTER_PART = 1 / 6; // or so much earlier, so that not all who began together ask together
const LIFE_SECONDS_MAX = 86_400;
const UNANSWERED_SECONDS_MAX = 2; // whoever asks in rounds has pauses of its own
const TOKEN_CHARS_MAX = 4096;

/** The server answered, and gave this client no token. */
export class NoTokenError extends RefusalError {
  static code = "NO_TOKEN";
  static headline = "The server answered, and gave this client no token.";
}

/** Fetches a client's tokens at one server (RFC 6749, section 4.4). */
export class ClientBearer {
  /** @type {{token: string, renewAt: number, endsAt: number} | null} */
  #held = null;
  /** @type {unknown} */
  #last = new NoTokenError();
  #pause = new Pause();
  #renewal;
  #client;
  #url;
  #ask;
  #seconds;

  /**
   * @param {{id: string, secret: string}} client
   * @param {{server: string, ask: import("./wire.js").Ask, seconds?: () => number}} at
   */
  constructor(client, { server, ask, seconds = () => performance.now() / 1000 }) {
    this.#client = client;
    this.#url = `${server.replace(/\/+$/, "")}/oauth/token`;
    this.#ask = ask;
    this.#seconds = seconds;
    this.#renewal = new SharedWork(() => this.#renew(seconds()), seconds);
  }

  /**
   * Return a token that has not ended; near its end fetch the next one. While there is no next one,
   * the last serves to its end.
   * @returns {Promise<string>}
   */
  async current() {
    const now = this.#seconds();
    const held = this.#heldAt(now);
    if (held !== null) {
      if (now >= held.renewAt) void this.#renewal.begin();
      return held.token;
    }
    const isOver = await this.#renewal.ended();
    const renewed = this.#heldAt(now);
    if (renewed !== null) return renewed.token;
    throw isOver ? this.#last : new UnreachableError("no token in time");
  }

  /** @param {number} now */
  #heldAt(now) {
    return this.#held !== null && now < this.#held.endsAt ? this.#held : null;
  }

  /** Fetch another one when it is asked for next: the server did not take this one. */
  refused() {
    this.#held = null;
  }

  /** @param {number} now */
  async #renew(now) {
    if (!this.#pause.isOver(now)) return;
    try {
      const { token, seconds } = await this.#granted();
      this.#pause.reset();
      const used = USED_PART_MAX - JITTER_PART * Math.random();
      this.#held = { token, renewAt: now + seconds * used, endsAt: now + seconds };
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error;
      const isUnanswered = error instanceof UnreachableError;
      this.#pause.lengthen(now, isUnanswered ? UNANSWERED_SECONDS_MAX : undefined);
      this.#last = error;
    }
  }

  async #granted() {
    const { id, secret } = this.#client;
    const answer = await this.#ask({
      method: "POST",
      url: this.#url,
      headers: {
        accept: "application/json",
        "content-type": "application/x-www-form-urlencoded",
        authorization: `Basic ${toBase64(`${form(id)}:${form(secret)}`)}`,
      },
      body: "grant_type=client_credentials",
    });
    const said = /** @type {Record<string, unknown> | null} */ (jsonIn(answer.body));
    if (answer.status !== 200) {
      const word = typeof said?.error === "string" && /^[a-z_]{1,40}$/.test(said.error) ? said.error : "";
      throw new NoTokenError(`HTTP ${answer.status} ${word}`.trim());
    }
    return read(said);
  }
}

/** @param {Record<string, unknown> | null} said */
function read(said) {
  const { access_token: token, token_type: type, expires_in: seconds } = said ?? {};
  const isToken =
    typeof token === "string" && /^[\w.-]+$/.test(token) && token.length <= TOKEN_CHARS_MAX;
  const isType = typeof type === "string" && /^[Bb]earer$/.test(type);
  const isLife = typeof seconds === "number" && seconds >= 1 && seconds <= LIFE_SECONDS_MAX;
  if (!isToken || !isType || !isLife) throw new NoTokenError("not an answer of RFC 6749");
  return { token, seconds };
}

/** @param {string} text */
function form(text) {
  return new URLSearchParams({ x: text }).toString().slice(2);
}
