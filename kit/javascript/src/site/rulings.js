/**
 * May this crawler have this page for this use? A request, a policy, an instant.
 *
 * The order is that of the rules: is the token genuine and alive, does its licence stand, does it
 * reach this address and this use, and then what beats every licence: is the work withheld.
 */

import { InvalidTokenError, LEEWAY_SECONDS } from "../signing/jose.js";
import { digest, forgetOldest } from "../signing/keys.js";
import { licensorOf } from "../signing/licence-numbers.js";
import { StalePolicyError, checkFresh, issuerKeys } from "../signing/policy.js";
import { covers } from "../signing/prefixes.js";
import { checkRequest } from "../signing/signatures.js";
import { StaleStatusError, referenceOf } from "../signing/statuslist.js";
import { OutsideAudienceError, keyIn, openLicenceToken, reaches } from "../signing/tokens.js";
import {
  PolicyUnavailableError,
  RevokedLicenceError,
  SuspendedLicenceError,
  UseNotGrantedError,
  WithheldError,
} from "./refusals.js";
import { WithheldPages, ofOptOuts } from "./withheld.js";

const KNOWN_MAX = 2_000;

/** @typedef {import("../signing/tokens.js").LicenceToken} LicenceToken */
/** @typedef {import("../addresses/urls.js").UrlKey} UrlKey */
/** @typedef {import("./asks.js").Ask} Ask */
/**
 * @typedef {object} Grant A request that is served: under which token, for which use.
 * @property {LicenceToken} token
 * @property {string} use
 * @property {import("../signing/signatures.js").Proof | null} proof who signed it, where the token is
 *   bound; its nonce is not taken yet
 */

/** A checked policy made ready for look-ups. */
export class HeldPolicy {
  /** @type {WithheldPages} */
  #pages;
  #isAllReserved = false;
  /** @type {Map<string, LicenceToken>} tokens read under this policy, by hash */
  #tokens = new Map();

  /** @param {import("../signing/policy.js").CheckedPolicy} checked */
  constructor(checked) {
    const { site, trust } = checked;
    this.checked = checked;
    this.issuers = issuerKeys(trust);
    this.licensors = new Map(trust.issuers.map((issuer) => [issuer.code, issuer.entityId]));
    // A node signs a policy under the address it is reached at, which need not be its entity id.
    this.collective = trust.issuers.find((one) => one.url === site.iss)?.code ?? site.collective;
    const { rulings } = checked;
    this.#isAllReserved = rulings === null && site.reservedAll;
    this.#pages = new WithheldPages(rulings ?? ofOptOuts(site.optouts));
  }

  /**
   * Return why an address is withheld from a use in any of its readings; null if it is not. The
   * optouts of a policy count only where it has no rulings.
   * @param {readonly UrlKey[]} keys
   * @param {string} use
   * @param {number} instant seconds
   * @param {boolean} [isLoose] a page has other names: in any capitals, with and without a last `/`
   * @returns {import("../consent/deciding.js").Reason | null}
   */
  whyWithheld(keys, use, instant, isLoose = false) {
    if (this.#isAllReserved) return "OPTED_OUT";
    return this.#pages.why(keys, use, instant * 1000, isLoose);
  }

  /**
   * Return a token if a known issuer signed it and it is alive, else refuse it. A new policy begins
   * with none, so that a key or an issuer that is gone takes its tokens along.
   * @param {string} text
   * @param {number} instant seconds
   */
  async read(text, instant) {
    const name = await digest(text);
    const known = this.#tokens.get(name);
    if (known !== undefined) {
      if (known.expiresAt <= instant - LEEWAY_SECONDS) throw new InvalidTokenError("expired");
      if (known.issuedAt > instant + LEEWAY_SECONDS) {
        throw new InvalidTokenError("time", "issued in the future");
      }
      return known;
    }
    const hub = this.checked.trust.iss;
    const token = await openLicenceToken(text, { issuers: this.issuers, hub, instant });
    this.#tokens.set(name, token);
    forgetOldest(this.#tokens, KNOWN_MAX);
    return token;
  }
}

/**
 * Return the policy if it is in force; a site that knows nothing current refuses.
 * @param {HeldPolicy | null} policy
 * @param {number} instant seconds
 * @returns {HeldPolicy}
 */
export function requireFresh(policy, instant) {
  if (policy === null) throw new PolicyUnavailableError("none has been received");
  try {
    checkFresh(policy.checked, instant);
  } catch (error) {
    if (!(error instanceof StalePolicyError)) throw error;
    throw new PolicyUnavailableError(error.detail);
  }
  return policy;
}

/**
 * Return under which token and use a request is served, or refuse it.
 * @param {Ask} ask
 * @param {import("./asks.js").Credential} credential
 * @param {import("../signing/signatures.js").Request} request
 * @param {{policy: HeldPolicy, instant: number, isLoose: boolean}} by `instant` in seconds
 * @returns {Promise<Grant>}
 */
export async function grant(ask, credential, request, { policy, instant, isLoose }) {
  const token = await policy.read(credential.token, instant);
  let proof = null;
  if (token.isBound) {
    proof = await checkRequest(request, { key: keyIn(token), carriers: credential.carriers, instant });
  } else if (!covers(token.audience, ask.addresses[0] ?? "")) {
    throw new OutsideAudienceError(ask.addresses[0]);
  }
  requireStanding(token, policy, instant);
  requireReach(ask, token, policy);
  const use = chooseUse(ask.declaredUse, token.uses);
  const why = policy.whyWithheld(ask.keys, use, instant, isLoose);
  if (why !== null) throw new WithheldError(`${use}: ${ask.addresses[0]}: ${why}`);
  return { token, use, proof };
}

/**
 * Refuse an address that the token, or this member's policy, does not cover.
 * @param {Ask} ask
 * @param {LicenceToken} token
 * @param {HeldPolicy} policy
 */
function requireReach(ask, token, policy) {
  if (token.isBound && !reaches(token, policy.collective)) {
    throw new OutsideAudienceError(`works of ${policy.collective}`);
  }
  for (const address of ask.addresses) {
    if (!covers(policy.checked.site.prefixes, address)) throw new OutsideAudienceError(address);
    if (!token.isBound && !covers(token.audience, address)) throw new OutsideAudienceError(address);
  }
}

/**
 * Return the use a crawler declares, or the only one its token grants; nothing is assumed.
 * @param {string | null} declared
 * @param {readonly string[]} granted
 * @returns {string}
 */
function chooseUse(declared, granted) {
  const [only] = granted;
  if (declared === null && granted.length === 1 && only !== undefined) return only;
  if (declared === null) throw new UseNotGrantedError(`declare one of: ${granted.join(", ")}`);
  if (!granted.includes(declared)) {
    throw new UseNotGrantedError(`${declared} is not one of: ${granted.join(", ")}`);
  }
  return declared;
}

/**
 * Refuse a licence against which its licensor speaks, or of which nothing current is known.
 * @param {LicenceToken} token
 * @param {HeldPolicy} policy
 * @param {number} instant seconds
 */
function requireStanding(token, policy, instant) {
  const { licence } = token;
  const licensor = policy.licensors.get(licensorOf(licence));
  if (licensor === undefined) {
    throw new InvalidTokenError("issuer", `${licence}: not a licensor this site knows`);
  }
  let status;
  try {
    status = policy.checked.statuses.status(licensor, licence, instant);
  } catch (error) {
    if (!(error instanceof StaleStatusError)) throw error;
    throw new PolicyUnavailableError(error.detail);
  }
  const place = referenceOf(licensor, licence);
  const said = token.status;
  if (said !== null && (said.uri !== place.uri || said.position !== place.position)) {
    throw new InvalidTokenError("claims", "status points to another licence's place");
  }
  if (status === "INVALID") throw new RevokedLicenceError(licence);
  if (status === "SUSPENDED") throw new SuspendedLicenceError(licence);
}
