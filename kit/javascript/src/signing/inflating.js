/** What was compressed as RFC 1950 has it, unpacked with a limit. */

const HEAD_AND_SUM = 6;

/**
 * Return what was compressed, null where the stream is none, ends early, or more stands behind it.
 *
 * Never more than one byte beyond the limit is kept, and that is null too. Runtimes differ in what
 * they make of bytes behind the end of the stream: the last four have to be the checksum of what
 * came out, so that there are none.
 * @param {Uint8Array<ArrayBuffer>} packed
 * @param {number} bytesMax
 * @returns {Promise<Uint8Array<ArrayBuffer> | null>}
 */
export async function inflated(packed, bytesMax) {
  if (packed.length < HEAD_AND_SUM) return null;
  const stream = new DecompressionStream("deflate");
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  writer
    .write(packed)
    .then(() => writer.close())
    .catch(() => undefined); // the reader hears of it
  /** @type {Uint8Array[]} */
  const parts = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > bytesMax) {
        reader.cancel().catch(() => undefined);
        return null;
      }
      parts.push(value);
    }
  } catch {
    return null;
  }
  const raw = joined(parts, length);
  const end = new DataView(packed.buffer, packed.byteOffset, packed.length);
  return end.getUint32(packed.length - 4) === adler32(raw) ? raw : null;
}

/**
 * @param {readonly Uint8Array[]} parts
 * @param {number} length
 */
function joined(parts, length) {
  const raw = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    raw.set(part, at);
    at += part.length;
  }
  return raw;
}

/** @param {Uint8Array} bytes */
function adler32(bytes) {
  let [a, b] = [1, 0];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(at + 3800, bytes.length); // as many as fit before a sum has to be cut
    for (; at < end; at += 1) {
      a += /** @type {number} */ (bytes[at]);
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return ((b << 16) | a) >>> 0;
}
