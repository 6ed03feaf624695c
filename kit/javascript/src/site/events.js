/** A usage line as a site writes it: what was served, to whom, under which licence. */

const BODILESS = new Set([204, 205]);

/** @typedef {"REQUEST" | "BYTE"} Unit what one unit is: a request answered, or a byte of its body */

/**
 * Tell whether an answer is usage: a 2xx with a body.
 * @param {number} status
 * @param {number} bodyBytes
 */
export function counts(status, bodyBytes) {
  return Math.floor(status / 100) === 2 && !BODILESS.has(status) && bodyBytes > 0;
}

/**
 * Return one line of NDJSON, without its end; the members are those of the settlement rules, 3.0.
 * @param {import("./gate.js").Visit} visit
 * @param {Unit} unit
 * @param {number} status
 * @param {number} bodyBytes
 */
export function usageLine({ ask, granted, instant }, unit, status, bodyBytes) {
  return JSON.stringify({
    event_id: newEventId(instant),
    licence: granted.token.licence,
    url: ask.url,
    use: granted.use,
    units: unit === "BYTE" ? bodyBytes : 1,
    occurred_at: written(instant),
    token: granted.token.jti,
    agent: ask.agent,
    status,
    bytes: bodyBytes,
    source: "site",
  });
}

/**
 * Write an instant in RFC 3339, to the millisecond where it has any.
 * @param {number} instant seconds
 */
function written(instant) {
  return new Date(Math.floor(instant * 1000)).toISOString().replace(".000Z", "Z");
}

/**
 * Return a UUIDv7 (RFC 9562): the millisecond, then 74 random bits.
 * @param {number} instant seconds
 */
function newEventId(instant) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let millisecond = Math.floor(instant * 1000);
  for (let place = 5; place >= 0; place -= 1) {
    bytes[place] = millisecond % 256;
    millisecond = Math.floor(millisecond / 256);
  }
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
