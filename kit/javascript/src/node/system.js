/** What the operating system says of a failure, in the words in which it says it elsewhere. */

import { getSystemErrorMap } from "node:util";

/**
 * Return the system's words for an error, as `Not a directory`; the error's name where it has none.
 * @param {unknown} error
 * @returns {string}
 */
export function spokenBySystem(error) {
  const { errno, name } = /** @type {NodeJS.ErrnoException} */ (error);
  const [, words] = getSystemErrorMap().get(errno ?? 0) ?? [];
  return words === undefined ? name : words.slice(0, 1).toUpperCase() + words.slice(1);
}
