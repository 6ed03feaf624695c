/** Licence numbers, as `HUB-000001`: who gave it, and which of its licences it is. */

import { cutLast } from "../text.js";

/**
 * Return the licensor's code in a licence number.
 * @param {string} number
 */
export function licensorOf(number) {
  return cutLast(number, "-")[0];
}

/**
 * Return which of its licensor's licences a number is, from 1; null if it is no number.
 * @param {string} number
 */
export function countOf(number) {
  const [licensor, digits] = cutLast(number, "-");
  if (licensor === "" || !/^[0-9]{1,12}$/.test(digits)) return null;
  const count = Number(digits);
  return count > 0 && digits === String(count).padStart(6, "0") ? count : null;
}
