/**
 * Is this one document of RSL? What the node sends is XML of a stranger to every crawler that reads
 * it, so it is kept only if it is well formed, in the RSL namespace, and declares nothing.
 *
 * Read is the XML that is needed for that: no document type, no entities but the five and numbers.
 */

const NAMESPACE = "https://rslstandard.org/rsl";
const DEPTH_MAX = 64;
const NAME = "[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?";
const SPACE = "[ \\t\\r\\n]";
const REFERENCE = "&(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});";
const VALUE = `(?:"(?:[^<&"]|${REFERENCE})*"|'(?:[^<&']|${REFERENCE})*')`;
const ATTRIBUTE = new RegExp(`${SPACE}+(${NAME})${SPACE}*=${SPACE}*(${VALUE})`, "g");
const ATTRIBUTES = `(?:${SPACE}+${NAME}${SPACE}*=${SPACE}*${VALUE})*`;
/** @type {[string, RegExp][]} */
const PIECES = [
  ["comment", /<!--(?:(?!--)[^])*-->/y],
  ["data", /<!\[CDATA\[(?:(?!\]\]>)[^])*\]\]>/y],
  ["instruction", new RegExp(`<\\?(?![xX][mM][lL][ \\t\\r\\n?])${NAME}(?:(?!\\?>)[^])*\\?>`, "y")],
  ["end", new RegExp(`</(${NAME})${SPACE}*>`, "y")],
  ["start", new RegExp(`<(${NAME})(${ATTRIBUTES})${SPACE}*(/?)>`, "y")],
  ["text", new RegExp(`(?:(?!\\]\\]>)(?:[^<&]|${REFERENCE}))+`, "y")],
];
const DECLARATION = new RegExp(`^<\\?xml${SPACE}+version=["']1\\.[0-9]["'][^?>]*\\?>`);
const NO_CHARACTER = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;

/**
 * Tell whether a text is one well-formed document whose root is RSL's.
 * @param {string} text
 */
export function isRsl(text) {
  if (NO_CHARACTER.test(text)) return false;
  const body = text.replace(/^\ufeff/, "").replace(DECLARATION, "");
  /** @type {string[]} */
  const open = [];
  let roots = 0;
  let at = 0;
  while (at < body.length) {
    const piece = pieceAt(body, at);
    if (piece === null) return false;
    const [kind, found] = piece;
    at += found[0].length;
    if (kind === "start") {
      const [, name = "", attributes = "", isEmpty = ""] = found;
      if (!areOnce(attributes)) return false;
      if (open.length === 0) {
        roots += 1;
        if (roots > 1 || !isRoot(name, attributes)) return false;
      }
      if (isEmpty === "") open.push(name);
      if (open.length > DEPTH_MAX) return false;
    } else if (kind === "end") {
      if (open.pop() !== found[1]) return false;
    } else if (open.length === 0 && (kind === "data" || (kind === "text" && found[0].trim()))) {
      return false;
    }
  }
  return open.length === 0 && roots === 1;
}

/**
 * Return kind and match of what stands at a place, null where it is nothing known.
 * @param {string} body
 * @param {number} at
 * @returns {[string, RegExpExecArray] | null}
 */
function pieceAt(body, at) {
  for (const [kind, pattern] of PIECES) {
    pattern.lastIndex = at;
    const found = pattern.exec(body);
    if (found !== null) return [kind, found];
  }
  return null;
}

/** @param {string} attributes */
function areOnce(attributes) {
  const names = [...attributes.matchAll(ATTRIBUTE)].map(([, name]) => name);
  return new Set(names).size === names.length;
}

/**
 * @param {string} name
 * @param {string} attributes
 */
function isRoot(name, attributes) {
  const [prefix, local] = name.includes(":") ? name.split(":") : ["", name];
  const declared = prefix ? `xmlns:${prefix}` : "xmlns";
  for (const [, attribute, value = ""] of attributes.matchAll(ATTRIBUTE)) {
    if (attribute === declared) return local === "rsl" && value.slice(1, -1) === NAMESPACE;
  }
  return false;
}
