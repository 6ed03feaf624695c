/**
 * Is a page withheld from a use, by what the site's policy says?
 *
 * The answer is that of the claim index of the collective: the same rulings in the same order, judged
 * by the same function. What an application may take an address for beyond that only refuses.
 */

import { Filed } from "../addresses/matching.js";
import { looseReadings } from "../addresses/readings.js";
import { normaliseSubject } from "../addresses/urls.js";
import { firstOf, whyReserved } from "../consent/deciding.js";

/** @typedef {import("../addresses/urls.js").UrlKey} UrlKey */
/** @typedef {import("../consent/deciding.js").Ruling} Ruling */
/** @typedef {import("../consent/deciding.js").Reason} Reason */
/** @typedef {import("../signing/site-rulings.js").SiteRulings} SiteRulings */
/** @typedef {import("../signing/site-rulings.js").SiteClaim} SiteClaim */
/** @typedef {{rulings: readonly Ruling[]}} Place what is said of one place, as it is spelled */
/** @typedef {{places: readonly (readonly Place[])[], claims: readonly (readonly SiteClaim[])[]}} Found */

/** What a policy says of the pages of its site. */
export class WithheldPages {
  /** @type {Filed<Place>} */
  #places = new Filed();
  /** @type {Filed<SiteClaim>} */
  #claims = new Filed();

  /** @param {SiteRulings} said */
  constructor({ places, claims }) {
    for (const { key, rulings } of places) this.#places.add(key, { rulings });
    for (const claim of claims) this.#claims.add(claim.key, claim);
  }

  /**
   * Return why an address is withheld in any of its readings; null where it is in none.
   * @param {readonly UrlKey[]} keys
   * @param {string} use
   * @param {number} at in ms
   * @param {boolean} isLoose a page has other names: in any capitals, with and without a last `/`
   * @returns {Reason | null}
   */
  why(keys, use, at, isLoose) {
    /** @type {Set<Reason>} */
    const found = new Set();
    for (const key of keys) {
      const written = this.#at(key);
      this.#judge(found, written, use, at);
      for (const path of isLoose ? looserReadings(key.path) : looseReadings(key.path)) {
        if (this.#places.hasLoose || this.#claims.hasLoose || path !== key.path) {
          this.#judgeLoosely(found, { host: key.host, path }, written, use, at);
        }
      }
    }
    return firstOf(found);
  }

  /**
   * Judge what an application may read an address as.
   *
   * What the address as written says too keeps its order, so that nothing of it is overruled by what
   * does not stand there. All else is judged alone: a yes that only another spelling finds opens
   * nothing.
   * @param {Set<Reason>} found
   * @param {UrlKey} loose
   * @param {Found} written
   * @param {string} use
   * @param {number} at
   */
  #judgeLoosely(found, loose, written, use, at) {
    const [places, claims] = [this.#places.readAs(loose), this.#claims.readAs(loose)];
    const here = {
      places: restricted(written.places, places),
      claims: restricted(written.claims, claims),
    };
    if (here.places !== written.places || here.claims !== written.claims) {
      this.#judge(found, here, use, at);
    }
    for (const place of others(places, written.places)) {
      this.#judge(found, { places: [[place]], claims: [] }, use, at);
    }
    for (const claim of others(claims, written.claims)) {
      this.#judge(found, { places: [], claims: [[claim]] }, use, at);
    }
  }

  /**
   * @param {UrlKey} key
   * @returns {Found}
   */
  #at(key) {
    return { places: this.#places.asWritten(key), claims: this.#claims.asWritten(key) };
  }

  /**
   * Add why a page is reserved for whoever holds it, and why its original is.
   * @param {Set<Reason>} found
   * @param {Found} there
   * @param {string} use
   * @param {number} at
   */
  #judge(found, { places, claims }, use, at) {
    const claimants = standing(claims, at);
    judgePage(found, places, claimants, use, at);
    for (const { canonical } of claimants) {
      if (canonical === null) continue;
      const original = this.#at(canonical);
      judgePage(found, original.places, standing(original.claims, at), use, at);
    }
  }
}

/**
 * Return what an older node says: opt-outs only, those of the member on each of its claims.
 * @param {readonly import("../signing/policy.js").OptOut[]} optouts
 * @returns {SiteRulings}
 */
export function ofOptOuts(optouts) {
  /** @type {Map<string, {key: import("../addresses/urls.js").ClaimKey, rulings: Ruling[]}>} */
  const places = new Map();
  for (const { subject, use, effectiveAt } of optouts) {
    const key = normaliseSubject(subject);
    const name = `${key.wildcard} ${key.host}${key.path}`;
    const place = places.get(name) ?? { key, rulings: [] };
    places.set(name, place);
    place.rulings.push({
      ...{ state: "OPT_OUT", use, effectiveAt, endsAt: null, source: null, length: 0, since: null },
    });
  }
  return { places: [...places.values()], claims: [] };
}

/**
 * @param {Set<Reason>} found
 * @param {readonly (readonly Place[])[]} places
 * @param {readonly SiteClaim[]} claimants
 * @param {string} use
 * @param {number} at
 */
function judgePage(found, places, claimants, use, at) {
  const groups = places.map((group) => group.flatMap((one) => one.rulings));
  const holders = claimants.length > 0 ? claimants.map((claim) => claim.rulings) : [[]];
  for (const rulings of holders) {
    const reason = whyReserved([...groups, rulings], use, at);
    if (reason !== null) found.add(reason);
  }
}

/**
 * Return the most specific claims that count on the UTC day.
 * @param {readonly (readonly SiteClaim[])[]} claims
 * @param {number} at
 */
function standing(claims, at) {
  if (claims.length === 0) return [];
  const day = new Date(at).toISOString().slice(0, 10);
  for (const group of claims) {
    const counting = group.filter(
      ({ countsFrom, countsTo }) =>
        (countsFrom === null || countsFrom <= day) && (countsTo === null || day < countsTo),
    );
    if (counting.length > 0) return counting;
  }
  return [];
}

/**
 * Return groups less what is not in a set; they themselves where that is nothing.
 * @template T
 * @param {readonly (readonly T[])[]} groups
 * @param {ReadonlySet<T>} to
 */
function restricted(groups, to) {
  if (groups.every((group) => group.every((one) => to.has(one)))) return groups;
  return groups.map((group) => group.filter((one) => to.has(one))).filter((group) => group.length);
}

/**
 * @template T
 * @param {ReadonlySet<T>} found
 * @param {readonly (readonly T[])[]} groups
 * @returns {T[]}
 */
function others(found, groups) {
  const known = new Set(groups.flat());
  return [...found].filter((one) => !known.has(one));
}

/**
 * Return the readings of a page of which an application tells neither capitals nor a last `/`.
 * @param {string} path
 */
function looserReadings(path) {
  const bare = path.toLowerCase().replace(/\/+$/, "");
  return new Set([path, bare || "/", `${bare}/`].flatMap((name) => [...looseReadings(name)]));
}
