/**
 * The plate lists of today and tomorrow: checked, and the newest of each remembered. The rules of
 * `verifiers/plate_documents.py`; fetching and storing are for others, documents are handed in.
 * As for the other published documents: what fails a check counts as absent, the last good one serves, and a list
 * older than one seen is not taken. What a key has signed that was withdrawn since is nobody's.
 *
 * @typedef {import("./plate_list.js").PlateList} PlateList
 * @typedef {import("./published.js").Documents} Documents
 * @typedef {import("./trust.js").ListedKey} ListedKey
 * @typedef {import("./trust.js").TrustList} TrustList
 */

import { Role } from "./certificates.js";
import { PlateListInvalid } from "./errors.js";
import { daysAfter, localDay } from "./local_day.js";
import { listPath, readPlateList } from "./plate_list.js";
import { CLOCK_TOLERANCE } from "./published.js";
import { signerOf, stillTrusted } from "./signers.js";

/** The local days that lists and keys exist for. @param {number} now NumericDate @returns {[string, string]} */
export function todayAndTomorrow(now) {
  const today = localDay(now);
  return [today, daysAfter(today, 1)];
}

/** One call at a time: await each before the next. */
export class PlateDocuments {
  /** @type {Map<string, {plates: PlateList, signedBy: ListedKey}>} by day */
  #taken = new Map();

  /**
   * Take what was fetched or kept, by path; what is not there counts as unchanged. With another trust list, hand in
   * all that was kept again: it may list other keys. `trust` is the newest one, `now` a NumericDate.
   * @param {Documents} documents @param {TrustList | null} trust @param {number} now
   * @returns {Promise<ReadonlyMap<string, PlateList>>} by day
   */
  async refresh(documents, trust, now) {
    const days = todayAndTomorrow(now);
    for (const [day, { plates, signedBy }] of this.#taken) {
      const serves = days.includes(day) && trust !== null && stillTrusted(trust, signedBy, plates.issuedAt);
      if (!serves) this.#taken.delete(day);
    }
    for (const day of trust ? days : []) {
      await this.#take(documents.get(listPath(day)), day, /** @type {TrustList} */ (trust), now);
    }
    return new Map([...this.#taken].map(([day, { plates }]) => [day, plates]));
  }

  /**
   * @param {Uint8Array | undefined} token @param {string} day @param {TrustList} trust @param {number} now
   */
  async #take(token, day, trust, now) {
    const taken = token && (await read(token, trust));
    if (!taken) return;
    const { plates, signedBy } = taken;
    if (plates.day !== day || plates.issuer !== trust.issuer) return;
    // One from the future would shut out every later one.
    if (plates.issuedAt > now + CLOCK_TOLERANCE || !stillTrusted(trust, signedBy, plates.issuedAt)) return;
    const last = this.#taken.get(day)?.plates;
    if (!last || plates.issuedAt >= last.issuedAt) this.#taken.set(day, taken);
  }
}

/** @param {Uint8Array} token @param {TrustList} trust */
async function read(token, trust) {
  try {
    return await readPlateList(token, signerOf(trust, Role.PLATE_LIST, PlateListInvalid));
  } catch (refusal) {
    if (refusal instanceof PlateListInvalid) return null;
    throw refusal;
  }
}
