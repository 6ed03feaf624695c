/** What a gate keeps, in one directory of a local disk (`site/store.js` says what it promises). */

import * as fs from "node:fs";
import * as path from "node:path";

import { Aside } from "./aside.js";
import { NonceFiles } from "./nonce-files.js";
import { Spool } from "./spool.js";
import { VisitFiles } from "./visit-files.js";
import { replaceWhole } from "./whole-files.js";

const BYTES_MAX = 32 << 20;

/** @typedef {import("../site/store.js").Store} Store */

/** @implements {Store} */
export class DiskStore {
  /**
   * @param {string} directory
   * @param {{bytesMax?: number, batchLines?: number, noncesMax?: number,
   *   log?: (line: string) => void}} [how] `log` takes what of the files cannot be used
   */
  constructor(directory, how = {}) {
    const { log = () => undefined, ...limits } = how;
    this.directory = directory;
    this.spool = new Spool(path.join(directory, "spool"), {
      ...limits,
      aside: new Aside(log, "what it holds is not handed in"),
    });
    this.nonces = new NonceFiles(path.join(directory, "nonces"), limits);
    this.visits = new VisitFiles(path.join(directory, "visits"), new Aside(log, "its visits are not told"));
  }

  /** @type {import("../site/store.js").Store["takeNonce"]} */
  async takeNonce(proof, lab, instant) {
    this.nonces.take(proof, lab, instant);
  }

  /** @param {string} line */
  async append(line) {
    await this.spool.append(line);
  }

  async hasRoom() {
    this.spool.requireRoom();
    return true;
  }

  async batches() {
    return this.spool.batches();
  }

  /** @param {import("../site/store.js").Batch} batch */
  async acknowledge({ id }) {
    this.spool.acknowledge(id);
  }

  async waiting() {
    return this.spool.waiting();
  }

  /** @type {Store["addVisits"]} */
  async addVisits(counted) {
    this.visits.add(counted);
  }

  async untoldVisits() {
    return this.visits.untold();
  }

  /** @type {Store["toldVisits"]} */
  async toldVisits(series, counts) {
    this.visits.told(series, counts);
  }

  /** @param {string} name */
  async load(name) {
    const where = path.join(this.directory, name);
    const found = fs.statSync(where, { throwIfNoEntry: false });
    if (found === undefined || found.size > BYTES_MAX) return null;
    return fs.readFileSync(where, "utf8");
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  async save(name, text) {
    replaceWhole(path.join(this.directory, name), text);
  }
}
