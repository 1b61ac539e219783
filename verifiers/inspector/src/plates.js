/**
 * Has this car a permit here? Answered from the plate list of the day, offline, and never with a guess: the rules of
 * `verifiers/plates.py`. An answer is `found` (zones and last days), `none`, or `undetermined` with a code. A plate is
 * looked for as it is read on the street, without hyphen and blanks.
 *
 * @typedef {import("./plate_list.js").PlateList} PlateList
 * @typedef {import("./trust.js").TrustList} TrustList
 *
 * @typedef {object} PlateAnswer `permits`: zone and last valid local day (ISO), only when found. `issuedAt`: of the
 *   list (NumericDate), if any. `askForPermit`: a zone that was asked about has permits without fixed plates (changing
 *   vehicles); a car that is not listed may have one, so ask for the permit itself.
 * @property {string} outcome
 * @property {string} reason
 * @property {readonly {zone: string, validUntil: string}[]} permits
 * @property {boolean} askForPermit
 * @property {number | null} issuedAt
 */

import { equal } from "./bytes.js";
import { readPlate } from "./licence_plate.js";
import { daysAfter, localDay } from "./local_day.js";
import { daysLeft, keyCheck, stretched, tag } from "./plate_entries.js";

export const PlateOutcome = Object.freeze({ FOUND: "found", NONE: "none", UNDETERMINED: "undetermined" });

/** Why an answer is what it is. The words are stable and shared with the other languages. */
export const PlateReason = Object.freeze({
  LISTED: "listed",
  NOT_LISTED: "not_listed",
  TRUST_LIST_STALE: "trust_list_stale",
  PLATE_LIST_MISSING: "plate_list_missing",
  PLATE_LIST_STALE: "plate_list_stale",
  PLATE_KEY_MISSING: "plate_key_missing",
  PLATE_KEY_REPLACED: "plate_key_replaced",
  ZONE_UNKNOWN: "zone_unknown",
});

/** All that an answer needs; never changed, only replaced. */
export class PlateLookup {
  /**
   * @param {TrustList | null} trust @param {ReadonlyMap<string, PlateList>} lists by local day
   * @param {ReadonlyMap<string, CryptoKey>} keys by local day; see `DAY_KEY`
   */
  constructor(trust, lists, keys) {
    this.trust = trust;
    this.lists = lists;
    this.keys = keys;
    Object.freeze(this);
  }

  /**
   * Look for a plate in these zones (none: in all) on the local day of `now`, a NumericDate. Throws `InvalidClaim`
   * (`bad_plate`) for what is no licence plate.
   * @param {string} plate @param {readonly string[]} zones @param {number} now @returns {Promise<PlateAnswer>}
   */
  async find(plate, zones, now) {
    const written = readPlate(plate);
    const day = localDay(now);
    const [found, key] = [this.lists.get(day), this.keys.get(day)];
    if (this.trust === null || now >= this.trust.expiresAt) return undetermined(PlateReason.TRUST_LIST_STALE);
    if (!found) return undetermined(PlateReason.PLATE_LIST_MISSING);
    if (now >= found.expiresAt) return undetermined(PlateReason.PLATE_LIST_STALE, found);
    if (!key) return undetermined(PlateReason.PLATE_KEY_MISSING, found);
    if (!equal(await keyCheck(key, found.nonce), found.check)) {
      return undetermined(PlateReason.PLATE_KEY_REPLACED, found);
    }
    return answer(found, key, written, zones);
  }
}

/**
 * @param {PlateList} found @param {CryptoKey} key @param {string} plate @param {readonly string[]} zones
 * @returns {Promise<PlateAnswer>}
 */
async function answer(found, key, plate, zones) {
  const digest = await stretched(plate, found.salt, found.iterations);
  const asked = [...new Set(zones.length ? zones : found.zones.keys())].sort();
  const known = asked.filter((zone) => found.zones.has(zone));
  const looked = await Promise.all(known.map((zone) => permitIn(found, key, zone, digest)));
  const permits = looked.filter((permit) => permit !== null);
  const askForPermit = known.some((zone) => found.zones.get(zone)?.unlisted);
  const { issuedAt } = found;
  if (permits.length) {
    return { outcome: PlateOutcome.FOUND, reason: PlateReason.LISTED, permits, askForPermit, issuedAt };
  }
  if (known.length < asked.length) return undetermined(PlateReason.ZONE_UNKNOWN, found);
  return { outcome: PlateOutcome.NONE, reason: PlateReason.NOT_LISTED, permits, askForPermit, issuedAt };
}

/**
 * @param {PlateList} found @param {CryptoKey} key @param {string} zone @param {Uint8Array} digest
 * @returns {Promise<{zone: string, validUntil: string} | null>}
 */
async function permitIn(found, key, zone, digest) {
  const entries = /** @type {import("./plate_list.js").ZoneEntries} */ (found.zones.get(zone)).entries;
  const days = daysLeft(entries, await tag(key, found.nonce, zone, digest));
  return days === null ? null : { zone, validUntil: daysAfter(found.day, days) };
}

/** @param {string} reason @param {PlateList} [found] @returns {PlateAnswer} */
function undetermined(reason, found) {
  const issuedAt = found?.issuedAt ?? null;
  return { outcome: PlateOutcome.UNDETERMINED, reason, permits: [], askForPermit: false, issuedAt };
}
