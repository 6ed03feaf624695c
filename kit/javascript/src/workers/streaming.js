/** Bodies on their way through a worker: recorded before their last part leaves. */

/** @typedef {ReadableStreamDefaultReader<Uint8Array>} Reader */
/** @typedef {(bytes: number) => Promise<void | null>} Record */
/** @typedef {{chunk: Uint8Array | null, isLast: boolean, bytes: number, ahead: Uint8Array | null}} Held */

/**
 * Read one chunk, and one ahead: whether it is the last is known before it is passed on, and the
 * whole is recorded then.
 * @param {Reader} reader
 * @param {number} before bytes that were passed on
 * @param {Record} record
 * @param {Uint8Array | null} [ahead] what was read already
 * @returns {Promise<Held>}
 */
export async function held(reader, before, record, ahead = null) {
  const chunk = ahead ?? (await filled(reader));
  if (chunk === null) {
    await record(before);
    return { chunk, isLast: true, bytes: before, ahead: null };
  }
  const bytes = before + chunk.length;
  const next = await filled(reader);
  if (next === null) await record(bytes);
  return { chunk, isLast: next === null, bytes, ahead: next };
}

/**
 * Read the next chunk that has something in it, null at the end.
 * @param {Reader} reader
 */
async function filled(reader) {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return null;
    if (value.length > 0) return value;
  }
}

/**
 * Return a body that passes on what was read; one that is given up is recorded for what was taken.
 * @param {Reader} reader
 * @param {Held} first
 * @param {Record} record
 * @param {(bytes: number) => void} cutShort
 */
export function streamed(reader, first, record, cutShort) {
  /** @type {Held | null} */
  let part = first;
  let passed = 0;
  /** @type {Uint8Array | null} */
  let ahead = null;
  /** An application that breaks off has been read so far. */
  const following = async () => {
    try {
      return await held(reader, passed, record, ahead);
    } catch (error) {
      cutShort(passed);
      throw error;
    }
  };
  return new ReadableStream({
    async pull(controller) {
      const now = part ?? (await following());
      part = null;
      if (now.chunk !== null) controller.enqueue(now.chunk);
      passed = now.bytes;
      ahead = now.ahead;
      if (now.isLast) controller.close();
    },
    async cancel(reason) {
      cutShort(passed);
      await reader.cancel(reason);
    },
  });
}
