/** The parts of the gate that know no server: for whoever builds one for another. */

export { RefusalError } from "./errors.js";
export { normaliseSubject, normaliseUrl } from "./addresses/urls.js";
export { ConfigError, readConfig } from "./site/config.js";
export { isAsked, isCrawler } from "./site/crawlers.js";
export { Gate } from "./site/gate.js";
export { PolicySource } from "./site/policy-source.js";
export { HeldPolicy } from "./site/rulings.js";
export { Seen } from "./site/seen.js";
export { MemoryStore } from "./site/store.js";
