/** Addresses of IPv6, without a zone (RFC 4291, section 2.2). */

/**
 * Return the eight groups of an address, null where the text is none.
 * @param {string} text
 * @returns {number[] | null}
 */
export function ipv6Groups(text) {
  const parts = text.split(":");
  if (parts.length < 3) return null;
  const last = parts[parts.length - 1] ?? "";
  if (last.includes(".")) {
    const four = ipv4Bytes(last);
    if (four === null) return null;
    const [a = 0, b = 0, c = 0, d = 0] = four;
    parts.splice(-1, 1, ((a << 8) | b).toString(16), ((c << 8) | d).toString(16));
  }
  if (parts.length > 9) return null;
  const gaps = parts.slice(1, -1).filter((part) => part === "").length;
  if (gaps > 1) return null;
  const groups = gaps === 1 ? filled(parts) : parts;
  if (groups === null || groups.length !== 8) return null;
  if (!groups.every((part) => /^[0-9A-Fa-f]{1,4}$/.test(part))) return null;
  return groups.map((part) => parseInt(part, 16));
}

/**
 * Put zeros in the place of `::`.
 * @param {string[]} parts
 */
function filled(parts) {
  const gap = parts.indexOf("", 1);
  let [before, after] = [parts.slice(0, gap), parts.slice(gap + 1)];
  if (before[0] === "") {
    before = before.slice(1);
    if (before.length > 0) return null; // one colon at the start
  }
  if (after[after.length - 1] === "") {
    after = after.slice(0, -1);
    if (after.length > 0) return null; // one colon at the end
  }
  const missing = 8 - before.length - after.length;
  return missing < 1 ? null : [...before, ...Array(missing).fill("0"), ...after];
}

/**
 * Return the four bytes of an IPv4 address, null where the text is none.
 * @param {string} text
 */
export function ipv4Bytes(text) {
  const parts = text.split(".");
  const isOne = parts.length === 4 && parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part));
  const bytes = parts.map(Number);
  return isOne && bytes.every((byte) => byte < 256) ? bytes : null;
}

/** @param {string} text */
export function isIpv6(text) {
  return ipv6Groups(text) !== null;
}
