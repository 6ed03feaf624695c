/** Base64 in the one spelling it has: no padding that is not due, no stray bits, nothing else. */

const URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Int8Array(128).fill(-1);
for (let value = 0; value < 64; value += 1) {
  VALUES[URL_SAFE.charCodeAt(value)] = value;
  VALUES[PLAIN.charCodeAt(value)] = value;
}

/**
 * Decode characters without padding, or return null where one is none of the alphabet.
 * @param {string} text
 * @returns {{bytes: Uint8Array<ArrayBuffer>, stray: number} | null} `stray` are the bits left over
 */
function decoded(text) {
  if (text.length % 4 === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let held = 0;
  let bits = 0;
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    const value = unit < 128 ? /** @type {number} */ (VALUES[unit]) : -1;
    if (value < 0) return null;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[length] = (held >> bits) & 0xff;
      length += 1;
    }
  }
  return { bytes, stray: held & ((1 << bits) - 1) };
}

/**
 * Decode canonical base64url without padding; null where the text is anything else.
 * @param {string} text
 */
export function fromBase64Url(text) {
  if (/[+/]/.test(text)) return null;
  const found = decoded(text);
  return found === null || found.stray !== 0 ? null : found.bytes;
}

/**
 * Decode canonical base64 with its padding; null where the text is anything else.
 * @param {string} text
 */
export function fromBase64(text) {
  const bare = text.replace(/={1,2}$/, "");
  if (text.length % 4 !== 0 || /[-_]/.test(text) || bare.length + 2 < text.length) return null;
  const found = decoded(bare);
  return found === null || found.stray !== 0 ? null : found.bytes;
}

/**
 * Decode the bits of a status list: either alphabet, padded or not, stray bits let be.
 * @param {string} text
 */
export function fromLooseBase64(text) {
  const bare = text.replace(/={0,2}$/, "");
  if (bare.length < text.length && text.length % 4 !== 0) return null;
  return decoded(bare)?.bytes ?? null;
}

/**
 * Encode as base64url without padding.
 * @param {Uint8Array} bytes
 */
export function toBase64Url(bytes) {
  let out = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const word = (a << 16) | (b << 8) | c;
    const length = Math.min(3, bytes.length - at) + 1;
    for (let place = 0; place < length; place += 1) out += URL_SAFE[(word >> (18 - 6 * place)) & 63];
  }
  return out;
}

/**
 * Encode a text as UTF-8 in base64 with padding, as Basic authentication has it.
 * @param {string} text
 */
export function toBase64(text) {
  const bare = toBase64Url(new TextEncoder().encode(text)).replaceAll("-", "+").replaceAll("_", "/");
  return bare + "=".repeat((4 - (bare.length % 4)) % 4);
}
