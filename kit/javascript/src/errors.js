/** What an expected refusal is: everything else that is thrown is a defect. */

/** A refusal with a stable code. `headline` says what was refused, `detail` where and why. */
export class RefusalError extends Error {
  static code = "REFUSED";
  static headline = "The request is refused.";

  /** @param {string} [detail] */
  constructor(detail = "") {
    super();
    this.detail = detail;
    this.message = this.told;
    this.name = new.target.name;
  }

  /** @returns {string} the stable code of this kind of refusal */
  get code() {
    return /** @type {typeof RefusalError} */ (this.constructor).code;
  }

  /** @returns {string} what was refused, and neither where nor why */
  get headline() {
    return /** @type {typeof RefusalError} */ (this.constructor).headline;
  }

  /** @returns {string} the sentence a caller reads: what was refused, then where and why */
  get told() {
    return this.detail ? `${this.headline} (${this.detail})` : this.headline;
  }
}
