/**
 * Text as the Python implementation reads it, where JavaScript would read it otherwise: white space,
 * lengths, percent-encoding. Both implementations have to give one answer to one request.
 */

const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0]+";
const ENDS = new RegExp(`^${SPACE}|${SPACE}$`, "g");
const UTF8 = new TextEncoder();
const LENIENT = new TextDecoder("utf-8", { ignoreBOM: true });
const UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~";

/**
 * Strip white space off both ends of a header's value (latin-1).
 * @param {string} text
 */
export function strip(text) {
  return text.replace(ENDS, "");
}

/**
 * Count the characters of a text, not its UTF-16 halves.
 * @param {string} text
 */
export function lengthOf(text) {
  let length = text.length;
  for (let at = 0; at + 1 < text.length; at += 1) {
    if (isHigh(text.charCodeAt(at)) && isLow(text.charCodeAt(at + 1))) {
      length -= 1;
      at += 1;
    }
  }
  return length;
}

/** @param {number} unit */
const isHigh = (unit) => unit >= 0xd800 && unit <= 0xdbff;
/** @param {number} unit */
const isLow = (unit) => unit >= 0xdc00 && unit <= 0xdfff;

/**
 * Tell whether half of a surrogate pair stands alone somewhere.
 * @param {string} text
 */
export function hasLoneSurrogate(text) {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (isHigh(unit) && isLow(text.charCodeAt(at + 1))) at += 1;
    else if (isHigh(unit) || isLow(unit)) return true;
  }
  return false;
}

/**
 * Return the characters that `quote` keeps as they are.
 * @param {string} more beside letters, digits and `_.-~`
 * @returns {Set<number>}
 */
export function kept(more) {
  return new Set([...UNRESERVED, ...more].map((one) => one.charCodeAt(0)));
}

/**
 * Percent-encode bytes but for those kept.
 * @param {Uint8Array} bytes
 * @param {Set<number>} keeps
 */
export function quoteBytes(bytes, keeps) {
  let out = "";
  for (const byte of bytes) {
    out += keeps.has(byte)
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

/**
 * Percent-encode a text as UTF-8 but for the characters kept. Half a surrogate pair becomes `?`,
 * as Python's `errors="replace"` has it.
 * @param {string} text
 * @param {Set<number>} keeps
 */
export function quote(text, keeps) {
  const whole = hasLoneSurrogate(text) ? withoutHalves(text) : text;
  return quoteBytes(UTF8.encode(whole), keeps);
}

/** @param {string} text */
function withoutHalves(text) {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "?");
}

/**
 * Undo percent-encoding. Only runs of ASCII are decoded, each for itself; bytes that are no UTF-8
 * become U+FFFD.
 * @param {string} text
 */
export function unquote(text) {
  if (!text.includes("%")) return text;
  return text.replace(/[\x00-\x7f]+/g, (run) => (run.includes("%") ? unquoteRun(run) : run));
}

/** @param {string} run ASCII */
function unquoteRun(run) {
  const bytes = new Uint8Array(run.length);
  let length = 0;
  for (let at = 0; at < run.length; at += 1) {
    const escape = run[at] === "%" ? run.slice(at + 1, at + 3) : "";
    if (/^[0-9A-Fa-f]{2}$/.test(escape)) {
      bytes[length] = parseInt(escape, 16);
      at += 2;
    } else {
      bytes[length] = run.charCodeAt(at);
    }
    length += 1;
  }
  return LENIENT.decode(bytes.subarray(0, length));
}

/**
 * Return the bytes of a text each of whose characters is a byte (latin-1).
 * @param {string} text
 */
export function bytesOf(text) {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/**
 * Return what stands before the last mark and behind it; nothing before it where there is none.
 * @param {string} text
 * @param {string} mark
 * @returns {[string, string]}
 */
export function cutLast(text, mark) {
  const at = text.lastIndexOf(mark);
  return at < 0 ? ["", text] : [text.slice(0, at), text.slice(at + mark.length)];
}

/**
 * Return what stands before the first mark and behind it; all and nothing where there is none.
 * @param {string} text
 * @param {string} mark
 * @returns {[string, string]}
 */
export function cutFirst(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + mark.length)];
}
