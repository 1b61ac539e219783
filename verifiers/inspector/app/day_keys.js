/**
 * The keys of a day that this device was given: for the plate lists and for the digests of uses. They are HMAC keys that
 * no script can read, there is none outside the shift, and what is over is deleted: by the clock, and whenever the app
 * opens (ADR 0012).
 *
 * @typedef {import("./store.js").Store} Store
 * @typedef {import("./shift.js").Shift} Shift
 * @typedef {"plate" | "use"} KeyKind
 * @typedef {{kind: KeyKind, day: string, kid: string, key: CryptoKey}} DayKey
 * @typedef {{day: string, kid: string, jwe: string}} SentKey
 */

import { localDay } from "../src/local_day.js";
import { JweInvalid, StoreFailed } from "./errors.js";
import { unwrapDayKey } from "./jwe.js";
import { onDuty } from "./shift.js";

/** @type {readonly KeyKind[]} */
const KINDS = ["plate", "use"];

export class DayKeys {
  #store;
  #now;
  /** @type {Shift | null} */
  #shift = null;
  /** @type {Map<string, DayKey>} */
  #keys = new Map();

  /** @param {Store} store @param {() => number} now NumericDate */
  constructor(store, now) {
    this.#store = store;
    this.#now = now;
  }

  /** What is left from before. @param {Shift | null} shift */
  async recall(shift) {
    this.#keys = await this.#store.all("keys");
    await this.keepTo(shift);
  }

  /** Keep to this shift from now on; delete what is over. @param {Shift | null} shift @returns {Promise<void>} */
  keepTo(shift) {
    this.#shift = shift;
    return this.tidy();
  }

  /**
   * Delete what is over, and everything outside the shift. Called by the clock; where the store fails, the next call
   * tries again, and none is handed out meanwhile.
   */
  async tidy() {
    const over = [...this.#keys].filter(([, key]) => !this.#serves(key)).map(([name]) => name);
    if (!over.length) return;
    await this.#store.write(over.map((key) => ({ kind: /** @type {const} */ ("keys"), key })));
    for (const name of over) this.#keys.delete(name);
  }

  /**
   * Take what the service sent: unwrap, keep. Gives whether a plate key came that we had under another kid: then the
   * lists were made anew. Without room they serve from memory.
   * @param {Partial<Record<KeyKind, SentKey[]>>} sent @param {CryptoKey} agreementKey @returns {Promise<boolean>}
   */
  async take(sent, agreementKey) {
    let replaced = false;
    for (const kind of KINDS) {
      for (const { day, kid, jwe } of sent[kind] ?? []) {
        const found = this.#serves({ day }) && (await unwrapped(jwe, agreementKey)); // by our clock the shift may be over
        const name = `${kind} ${day}`;
        if (!found) continue;
        replaced ||= kind === "plate" && this.#keys.has(name);
        this.#keys.set(name, { kind, day, kid, key: found });
        await unlessFull(this.#store.put("keys", name, this.#keys.get(name)));
      }
    }
    return replaced;
  }

  /** The key of that day, or null where there is none or it is not our time. @param {KeyKind} kind @param {string} day */
  of(kind, day) {
    const found = this.#keys.get(`${kind} ${day}`);
    return found && this.#serves(found) ? found.key : null;
  }

  /** @param {KeyKind} kind @returns {ReadonlyMap<string, CryptoKey>} by day, as far as they serve now */
  byDay(kind) {
    const found = [...this.#keys.values()].filter((key) => key.kind === kind && this.#serves(key));
    return new Map(found.map(({ day, key }) => [day, key]));
  }

  /** What we have, as the service is told. @returns {Record<KeyKind, Record<string, string>>} */
  held() {
    /** @type {Record<KeyKind, Record<string, string>>} */
    const found = { plate: {}, use: {} };
    for (const { kind, day, kid } of this.#keys.values()) found[kind][day] = kid;
    return found;
  }

  /** Delete all of them. */
  async drop() {
    this.#keys.clear();
    await this.#store.clear(["keys"]);
  }

  /** @param {{day: string}} key */
  #serves({ day }) {
    const now = this.#now();
    return day >= localDay(now) && onDuty(this.#shift, now);
  }
}

/** @param {string} jwe @param {CryptoKey} agreementKey @returns {Promise<CryptoKey | null>} null: not for us */
async function unwrapped(jwe, agreementKey) {
  try {
    return await unwrapDayKey(jwe, agreementKey);
  } catch (problem) {
    if (problem instanceof JweInvalid) return null;
    throw problem;
  }
}

/** @param {Promise<void>} write */
async function unlessFull(write) {
  try {
    await write;
  } catch (problem) {
    if (!(problem instanceof StoreFailed)) throw problem;
  }
}
