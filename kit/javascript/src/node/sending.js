/**
 * Whose turn it is to send what a site recorded, of all processes that share its directory.
 *
 * Node has no lock that ends with its holder. Whoever sends has an empty file there whose name says
 * who that is, so nobody needs to read what may be another user's. Two that begin at once may both
 * stand back until the next time; two that send at once send the same bytes under the same keys.
 */

import * as fs from "node:fs";
import * as path from "node:path";

import { ME, isLeft } from "./owners.js";

const TURN = /^([0-9a-f-]+)\.sending$/;

/** @type {Set<string>} directories from which this process sends */
const sending = new Set();

/**
 * Do something as the one process that sends; where another is at it this returns null.
 * @template T
 * @param {string} directory
 * @param {() => Promise<T>} act
 * @returns {Promise<T | null>}
 */
export async function inTurn(directory, act) {
  if (sending.has(directory)) return null;
  const mine = path.join(directory, `${ME}.sending`);
  sending.add(directory);
  try {
    quietly(() => fs.writeFileSync(mine, "", { mode: 0o600 })); // also where the disk is full
    return isAnothers(directory) ? null : await act();
  } finally {
    sending.delete(directory);
    quietly(() => fs.rmSync(mine, { force: true }));
  }
}

/**
 * Tell whether somebody else sends; what a dead one left is taken away, if we may.
 * @param {string} directory
 */
function isAnothers(directory) {
  for (const name of fs.readdirSync(directory)) {
    const [, owner = ME] = TURN.exec(name) ?? [];
    if (owner === ME) continue;
    const where = path.join(directory, name);
    if (!isLeft(where, owner)) return true;
    quietly(() => fs.rmSync(where, { force: true }));
  }
  return false;
}

/** @param {() => void} act */
function quietly(act) {
  try {
    act();
  } catch {
    // without the file all that is lost is that two may send the same
  }
}
