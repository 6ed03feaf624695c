/** By which address a site counts whoever calls it: the connection's, or what its own proxy wrote. */

import { ipv4Bytes, ipv6Groups } from "../addresses/ipv6.js";
import { strip } from "../text.js";

const ADDRESS_MAX = 100;
const WITH_PORT = /^(?:\[([^\]]*)\](?::\d*)?|([^:]*):\d*)$/;
const MAPPED = [0, 0, 0, 0, 0, 0xffff];

/**
 * Return by what to count whoever calls.
 *
 * With `proxies`, each of which adds one address at the end of X-Forwarded-For, the caller is named
 * so many parts from the end; what stands before it anybody may have written. Where there are fewer
 * parts, the connection's address counts.
 * @param {import("./seen.js").Seen} seen
 * @param {number} proxies
 */
export function callerOf(seen, proxies) {
  const parts = seen.values("x-forwarded-for").join(",").split(",");
  if (proxies < 1 || proxies > parts.length) return networkOf(seen.address);
  const named = strip(parts[parts.length - proxies] ?? "").slice(0, ADDRESS_MAX);
  const found = WITH_PORT.exec(named);
  const address = found === null ? named : (found[1] ?? found[2] ?? "");
  return networkOf(address) || networkOf(seen.address);
}

/**
 * Return by what to count whoever calls from an address; of IPv6 the subscriber's network.
 * @param {string} address
 */
export function networkOf(address) {
  if (ipv4Bytes(address) !== null) return address;
  const [bare = ""] = address.split("%");
  const groups = ipv6Groups(bare);
  if (groups === null) return address;
  if (MAPPED.every((group, place) => groups[place] === group)) {
    return groups.slice(6).flatMap((group) => [group >> 8, group & 255]).join(".");
  }
  return `${groups.slice(0, 4).map((group) => group.toString(16)).join(":")}::/64`;
}
