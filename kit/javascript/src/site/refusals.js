/**
 * The refusals of a member site, each with the status and error word a crawler reads.
 *
 * RSL's Crawler Authorization Protocol fixes the pairs; where it leaves a choice ours stands here.
 */

import { RefusalError } from "../errors.js";
import { InvalidTokenError } from "../signing/jose.js";
import { InvalidSignatureError } from "../signing/signatures.js";
import { OutsideAudienceError } from "../signing/tokens.js";

/** The site does not serve this request. */
export class SiteRefusalError extends RefusalError {
  static headline = "The site does not serve this request.";
  static status = 403;
  static error = "insufficient_scope";
  /** @type {number | null} in how many seconds to come again, where that helps */
  static retryAfter = null;

  /** @returns {number | null} */
  get retryAfter() {
    return /** @type {typeof SiteRefusalError} */ (this.constructor).retryAfter;
  }
}

export class AmbiguousRequestError extends SiteRefusalError {
  static code = "AMBIGUOUS_REQUEST";
  static headline = "The request can be read in more than one way.";
  static status = 400;
  static error = "invalid_request";
}

export class UnknownHostError extends SiteRefusalError {
  static code = "UNKNOWN_HOST";
  static headline = "This site does not answer under that name.";
  static status = 421;
  static error = "invalid_request";
}

export class MethodNotAllowedError extends SiteRefusalError {
  static code = "METHOD_NOT_ALLOWED";
  static headline = "A crawler reads pages, with GET or HEAD.";
  static status = 405;
  static error = "invalid_request";
}

export class LicenceRequiredError extends SiteRefusalError {
  static code = "LICENCE_REQUIRED";
  static headline = "A licence token is needed here.";
  static status = 401;
  static error = "invalid_request";
}

export class ReplayedRequestError extends SiteRefusalError {
  static code = "REQUEST_REPLAYED";
  static headline = "The request has been served already; each is signed anew.";
  static status = 401;
  static error = "invalid_token";
}

export class TooManyGuessesError extends SiteRefusalError {
  static code = "TOO_MANY_GUESSES";
  static headline = "Too many licence tokens that were none came from where this one comes from.";
  static status = 429;
  static error = "slow_down";

  /** @param {number} seconds */
  constructor(seconds) {
    super();
    this.seconds = seconds;
  }

  get retryAfter() {
    return this.seconds;
  }
}

export class NoncesOfLabFullError extends SiteRefusalError {
  static code = "TOO_MANY_SIGNED_REQUESTS";
  static headline =
    "The site remembers as many signed requests of this licensee as it can, beside the others'.";
  static status = 429;
  static error = "slow_down";
  static retryAfter = 60;
}

export class RevokedLicenceError extends SiteRefusalError {
  static code = "LICENCE_REVOKED";
  static headline = "The licence has been revoked.";
  static status = 401;
  static error = "invalid_token";
}

export class SuspendedLicenceError extends SiteRefusalError {
  static code = "LICENCE_SUSPENDED";
  static headline = "The licence is suspended until its licensor reinstates it.";
  static status = 402;
  static error = "invalid_token";
}

export class UseNotGrantedError extends SiteRefusalError {
  static code = "USE_NOT_GRANTED";
  static headline = "The licence token does not grant this use.";
}

export class WithheldError extends SiteRefusalError {
  static code = "WITHHELD";
  static headline = "The rightholder withholds this work; no licence covers it.";
}

/** What the site itself cannot do at the moment. */
class UnableError extends SiteRefusalError {
  static status = 503;
  static error = "server_error";
  static retryAfter = 60;
}

export class PolicyUnavailableError extends UnableError {
  static code = "POLICY_UNAVAILABLE";
  static headline = "The site holds no policy that is in force.";
}

export class SpoolError extends UnableError {
  static code = "USAGE_NOT_RECORDED";
  static headline = "The site cannot record usage, so it serves none.";
}

export class SpoolFullError extends SpoolError {
  static code = "SPOOL_FULL";
  static headline = "The site's usage spool is full, because its node has not taken the reports.";
}

export class LeavesUnseenError extends SpoolError {
  static code = "LEAVES_UNSEEN";
  static headline = "The page would leave past the site's gate, which cannot count it.";
  static status = 501;
  static retryAfter = null;
}

export class NonceStoreError extends UnableError {
  static code = "REPLAY_NOT_CHECKED";
  static headline =
    "The site cannot tell whether a signed request was served already, so it serves none.";
}

export class NoncesFullError extends NonceStoreError {
  static code = "NONCES_FULL";
  static headline = "The site remembers as many signed requests as it can.";
}

/**
 * Return the HTTP status and the error word of a refusal.
 * @param {RefusalError} refusal
 * @returns {{status: number, error: string}}
 */
export function standing(refusal) {
  if (refusal instanceof SiteRefusalError) {
    const { status, error } = /** @type {typeof SiteRefusalError} */ (refusal.constructor);
    return { status, error };
  }
  if (refusal instanceof InvalidTokenError) {
    const isWrongKind = refusal.reason === "algorithm";
    return { status: 401, error: isWrongKind ? "invalid_request" : "invalid_token" };
  }
  if (refusal instanceof InvalidSignatureError) return { status: 401, error: "invalid_token" };
  if (refusal instanceof OutsideAudienceError) return { status: 403, error: "insufficient_scope" };
  return { status: 503, error: "server_error" };
}
