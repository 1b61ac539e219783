/**
 * Looking plates up, within the device's limit: an unlocked phone in a stranger's hand is no register to be read out.
 * Each search is counted before it is answered, and a count that cannot be kept is no search. How many there were on a
 * day is reported at each contact (ADR 0010, docs/privacy.md).
 *
 * @typedef {import("./ground.js").Ground} Ground
 * @typedef {import("../src/plates.js").PlateAnswer} PlateAnswer
 * @typedef {{recent: number[], days: Record<string, number>}} Counted `recent`: when, within the last hour (NumericDate)
 */

import { WalletPassError } from "../src/errors.js";
import { readPlate } from "../src/licence_plate.js";
import { localDay } from "../src/local_day.js";
import { PlateLookup } from "../src/plates.js";

const HOUR = 3600; // seconds
const DAYS = 7; // that counts are kept for, until somebody has heard them
const KEY = "counted";

/** All of this hour are used; `again`: when the next one may come (NumericDate). */
export class LookUpsExhausted extends WalletPassError {
  code = "lookups_exhausted";

  /** @param {number} again */
  constructor(again) {
    super("All searches of this hour are used up; wait for a while.");
    this.again = again;
  }
}

/** One of the session's parts (`parts.js`). */
export class LookUps {
  #ground;
  #note;

  /**
   * @param {Ground} ground
   * @param {(plate: string, answer: PlateAnswer) => Promise<{nonce: string, stored: boolean}>} note keeps its scan
   */
  constructor(ground, note) {
    this.#ground = ground;
    this.#note = note;
  }

  /**
   * Throws `InvalidClaim` (`bad_plate`), `LookUpsExhausted` or `StoreFailed`. `left`: how many more this hour.
   * @param {string} plate @param {readonly string[]} zones none: all that the list has
   * @returns {Promise<PlateAnswer & {nonce: string, stored: boolean, left: number}>}
   */
  async lookUp(plate, zones) {
    const { store, known, keys, device, now } = this.#ground;
    readPlate(plate);
    const [at, limit] = [now(), device().lookups_per_hour];
    const { recent } = await store.update("lookups", KEY, (found) => counted(found, at, limit));
    const lookup = new PlateLookup(known().published.trustList, known().plates, keys.byDay("plate"));
    const answer = await lookup.find(plate, zones, at);
    return { ...answer, ...(await this.#note(plate, answer)), left: limit - recent.length };
  }

  /** For the desk. */
  async report() {
    const found = await this.#ground.store.get("lookups", KEY);
    return { lookups: found?.days ?? {} };
  }
}

/** One more. @param {Counted | undefined} found @param {number} at @param {number} limit @returns {Counted} */
function counted(found, at, limit) {
  // One from the future counts too: setting the clock back gives nobody more.
  const recent = (found?.recent ?? []).filter((when) => when > at - HOUR);
  if (recent.length >= limit) throw new LookUpsExhausted(Math.min(...recent) + HOUR);
  const day = localDay(at);
  const days = { ...found?.days, [day]: (found?.days[day] ?? 0) + 1 };
  const kept = Object.entries(days).sort().slice(-DAYS);
  return { recent: [...recent, at], days: Object.fromEntries(kept) };
}
