/**
 * Which process writes a file, and whether it is still there. Node has no lock that ends with its
 * holder, so a file's name says who writes it: process, its start, machine boot, process namespace.
 */

import { createHash } from "node:crypto";
import { readFileSync, readlinkSync, statSync } from "node:fs";

const UNKNOWN = "0";
const STRANGE_SECONDS = 600; // a living process touches its files every half minute

/**
 * Read something that only some systems have.
 * @param {() => string} reading
 */
function known(reading) {
  try {
    return reading();
  } catch {
    return UNKNOWN;
  }
}

/** @param {string} text */
function short(text) {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** @param {string | number} pid */
function startOf(pid) {
  // Behind the name of the program, which may hold anything, the 20th field (proc(5)).
  const text = known(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? UNKNOWN;
}

const BOOT = short(known(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1")));
const SPACE = short(known(() => readlinkSync("/proc/self/ns/pid")));

/** This process, as its files are named. */
export const ME = `${process.pid}-${startOf(process.pid)}-${BOOT}-${SPACE}`;

/**
 * Tell whether the owner of a file is there: yes, no, or not to be known from here.
 * @param {string} owner
 * @returns {boolean | null}
 */
export function isThere(owner) {
  const [pid = "", start, boot, space] = owner.split("-");
  if (owner === ME) return true;
  if (!/^[1-9][0-9]*$/.test(pid)) return null;
  if (boot !== BOOT) return false;
  if (space !== SPACE) return null; // in another container, whose processes are not seen here
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ESRCH") return false;
  }
  return start === UNKNOWN || startOf(pid) === start;
}

/**
 * Tell whether nobody holds a file any more; of whom we cannot see, once it was long untouched.
 * @param {string} where
 * @param {string} owner empty where nobody is named
 */
export function isLeft(where, owner) {
  const there = isThere(owner);
  if (there !== null) return !there;
  const found = statSync(where, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs > STRANGE_SECONDS * 1000;
}
