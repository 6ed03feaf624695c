/**
 * Hands the recorded usage to the node, for as long as that takes. A batch is forgotten only on the
 * node's 2xx; until then every attempt sends the same bytes with the same Idempotency-Key.
 */

import { NoTokenError } from "../access/bearers.js";
import { Pause } from "../access/pauses.js";
import { UnreachableError, answered } from "../access/wire.js";
import { spoken } from "./gate.js";

const NOT_THE_BATCH = new Set([401, 403, 404, 408, 429]);

/** Sends one store's batches to one node. */
export class Reporter {
  #nodePause = new Pause();
  /** @type {Map<string, Pause>} */
  #batchPauses = new Map();
  #reach;
  #url;
  #seconds;

  /**
   * @param {import("./policy-source.js").Reach} reach
   * @param {{node: string, seconds?: () => number}} at
   */
  constructor(reach, { node, seconds = () => performance.now() / 1000 }) {
    this.#reach = reach;
    this.#url = `${node.replace(/\/+$/, "")}/usage`;
    this.#seconds = seconds;
  }

  /**
   * Send every batch that is due and return how many the node took.
   *
   * A node that is down pauses everything; a batch the node refuses pauses alone and stays, since it
   * is evidence, while later ones go on.
   */
  async tick() {
    if (!this.#nodePause.isOver(this.#seconds())) return 0;
    let taken = 0;
    for (const batch of await this.#reach.store.batches()) {
      const pause = this.#batchPauses.get(batch.id);
      if (pause === undefined || pause.isOver(this.#seconds())) taken += await this.#send(batch);
      if (!this.#nodePause.isOver(this.#seconds())) break;
    }
    return taken;
  }

  /**
   * @param {import("./store.js").Batch} batch
   * @returns {Promise<0 | 1>}
   */
  async #send(batch) {
    const { bearer, ask, store, log } = this.#reach;
    const body = await batch.read();
    if (body === null) return 0;
    let answer;
    try {
      const headers = {
        authorization: `Bearer ${await bearer.current()}`,
        "content-type": "application/x-ndjson",
        "idempotency-key": batch.id,
      };
      answer = await ask({ method: "POST", url: this.#url, headers, body });
    } catch (error) {
      if (!(error instanceof UnreachableError) && !(error instanceof NoTokenError)) throw error;
      log(`usage batch ${batch.id} waits: ${spoken(error)}`);
      this.#nodePause.lengthen(this.#seconds());
      return 0;
    }
    if (Math.floor(answer.status / 100) === 2) {
      await store.acknowledge(batch);
      this.#nodePause.reset();
      this.#batchPauses.delete(batch.id);
      return 1;
    }
    if (answer.status === 401) bearer.refused();
    log(`usage batch ${batch.id} was answered ${answered(answer)}`);
    this.#pauseOf(batch.id, answer.status).lengthen(this.#seconds());
    return 0;
  }

  /**
   * @param {string} id
   * @param {number} status
   */
  #pauseOf(id, status) {
    if (Math.floor(status / 100) !== 4 || NOT_THE_BATCH.has(status)) return this.#nodePause;
    const pause = this.#batchPauses.get(id) ?? new Pause();
    this.#batchPauses.set(id, pause);
    return pause;
  }
}
