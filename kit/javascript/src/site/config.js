/** What a site is told when it is installed: `federation-site.json`, the same for every stack. */

/**
 * @typedef {object} SiteConfig
 * @property {string} node where the node is, `https://…`
 * @property {string} member
 * @property {unknown[]} nodeKeys the pinned public keys, JWKs
 * @property {unknown[]} hubKeys
 * @property {{id: string, secret: string}} client the site as a client of its node
 * @property {string[]} origins the site's public addresses, `https://host` each
 * @property {string} directory where the gate keeps what outlives it
 * @property {"enforce" | "observe"} mode
 * @property {import("./events.js").Unit} unit
 * @property {number} proxies of the site's own, before this server
 * @property {import("./crawlers.js").Rule} crawlers
 */

const PROXIES_MAX = 10;
const PATTERNS_MAX = 200;
const PATTERN_CHARS_MAX = 100;
const TEXT_CHARS_MAX = 2000;
const KEYS_MAX = 20;
const ORIGINS_MAX = 100;

/** The configuration is wrong; the message names the member. */
export class ConfigError extends Error {}

/**
 * Read the members of `federation-site.json`; what is unknown or wrong is refused by name.
 * @param {unknown} value as JSON has it
 * @returns {SiteConfig}
 */
export function readConfig(value) {
  const reader = new Reader(value, "");
  reader.is("version", (found) => found === 1, "1 is the version that this gate reads");
  const config = {
    node: reader.text("node"),
    member: reader.text("member"),
    nodeKeys: reader.list("node_keys", KEYS_MAX),
    hubKeys: reader.list("hub_keys", KEYS_MAX),
    client: readClient(reader.inner("client")),
    origins: /** @type {string[]} */ (reader.list("origins", ORIGINS_MAX)),
    directory: reader.text("directory", "state"),
    mode: /** @type {SiteConfig["mode"]} */ (reader.one("mode", ["enforce", "observe"])),
    unit: /** @type {SiteConfig["unit"]} */ (reader.one("unit", ["REQUEST", "BYTE"])),
    proxies: readProxies(reader),
    crawlers: readCrawlers(reader.inner("crawlers", {})),
  };
  reader.end();
  return config;
}

/** @param {Reader} reader */
function readClient(reader) {
  const client = { id: reader.text("id"), secret: reader.text("secret") };
  reader.end();
  return client;
}

/** @param {Reader} reader */
function readProxies(reader) {
  const found = reader.take("proxies", 0);
  if (typeof found !== "number" || !Number.isInteger(found) || found < 0 || found > PROXIES_MAX) {
    throw new ConfigError(`proxies is a number from 0 to ${PROXIES_MAX}`);
  }
  return found;
}

/** @param {Reader} reader */
function readCrawlers(reader) {
  const unnamed = reader.take("unnamed", false);
  if (typeof unnamed !== "boolean") throw new ConfigError("crawlers.unnamed is true or false");
  const rule = { unnamed, also: reader.patterns("also"), never: reader.patterns("never") };
  reader.end();
  return rule;
}

/** @param {unknown} item */
function isPattern(item) {
  return typeof item === "string" && item !== "" && item.length <= PATTERN_CHARS_MAX;
}

class Reader {
  /**
   * @param {unknown} value
   * @param {string} place
   */
  constructor(value, place) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new ConfigError(`${place || "the configuration"} is not a JSON object`);
    }
    this.left = new Map(Object.entries(value));
    this.place = place ? `${place}.` : "";
  }

  /**
   * @param {string} name
   * @param {unknown} [without]
   */
  take(name, without) {
    const found = this.left.has(name) ? this.left.get(name) : without;
    if (found === undefined) throw new ConfigError(`${this.place}${name} is missing`);
    this.left.delete(name);
    return found;
  }

  /**
   * @param {string} name
   * @param {(found: unknown) => boolean} isRight
   * @param {string} wanted
   */
  is(name, isRight, wanted) {
    if (!isRight(this.take(name))) throw new ConfigError(`${this.place}${name}: ${wanted}`);
  }

  /**
   * @param {string} name
   * @param {string} [without]
   * @returns {string}
   */
  text(name, without) {
    const found = this.take(name, without);
    if (typeof found !== "string" || found === "" || found.length > TEXT_CHARS_MAX) {
      throw new ConfigError(`${this.place}${name} is a text`);
    }
    return found;
  }

  /**
   * @param {string} name
   * @param {number} most
   * @returns {unknown[]}
   */
  list(name, most) {
    const found = this.take(name);
    if (!Array.isArray(found) || found.length === 0 || found.length > most) {
      throw new ConfigError(`${this.place}${name} is a list of 1 to ${most}`);
    }
    return found;
  }

  /**
   * @param {string} name
   * @param {readonly string[]} words the first where it is missing
   */
  one(name, words) {
    const found = this.take(name, words[0]);
    if (!words.includes(/** @type {string} */ (found))) {
      throw new ConfigError(`${this.place}${name} is one of ${words.join(", ")}`);
    }
    return found;
  }

  /**
   * @param {string} name
   * @returns {string[]}
   */
  patterns(name) {
    const found = this.take(name, []);
    const areTexts = Array.isArray(found) && found.every(isPattern);
    if (!areTexts || found.length > PATTERNS_MAX) {
      throw new ConfigError(`${this.place}${name} is a list of texts`);
    }
    return found;
  }

  /**
   * @param {string} name
   * @param {unknown} [without]
   */
  inner(name, without) {
    return new Reader(this.take(name, without), name);
  }

  end() {
    const [unknown] = this.left.keys();
    if (unknown !== undefined) throw new ConfigError(`${this.place}${unknown} is not known`);
  }
}
