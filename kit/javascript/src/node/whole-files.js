/** Files that are there whole or as they were, whatever dies in between: process or machine. */

import * as fs from "node:fs";
import * as path from "node:path";

import { ME } from "./owners.js";

const ITS_OWN = 0o600;

/**
 * Put a text in the place of a file: when this returns it survives the machine. A name that was given
 * before its bytes were on the disk may have none after a power failure.
 * @param {string} where
 * @param {string} text
 */
export function replaceWhole(where, text) {
  fs.mkdirSync(path.dirname(where), { recursive: true, mode: 0o700 });
  const draft = `${where}.${ME}.new`;
  fs.rmSync(draft, { force: true });
  try {
    writeWhole(draft, text);
    fs.renameSync(draft, where);
  } catch (error) {
    tried(() => fs.rmSync(draft, { force: true }));
    throw error;
  }
  syncDirectory(path.dirname(where));
}

/**
 * @param {string} draft
 * @param {string} text
 */
function writeWhole(draft, text) {
  const handle = fs.openSync(draft, "wx", ITS_OWN);
  try {
    fs.writeFileSync(handle, text);
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/**
 * Have the names in a directory survive the machine.
 * @param {string} directory
 */
export function syncDirectory(directory) {
  const handle = fs.openSync(directory, "r");
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

/**
 * Do what may fail: why it was tried is said already.
 * @param {() => void} act
 */
function tried(act) {
  try {
    act();
  } catch {
    // nothing better can be done
  }
}
