/**
 * The permits this device has seen today, as digests: a permit at two places within minutes, or at two plates.
 *
 * What is compared here is under a key of this device, made for the day and deleted with it. What the service compares
 * is under the day's own key, if the device has it; without it no use is reported (ADR 0014). Neither key can be read.
 * The rules are those of `verifiers/scans/double_use.py`. Without room on the device all of it holds in memory.
 *
 * @typedef {import("./ground.js").Ground} Ground
 * @typedef {import("./ground.js").Warning} Warning
 * @typedef {import("./scan_log.js").Scan} Scan
 * @typedef {import("./scan_log.js").Use} Use
 * @typedef {{nonce: string, digest: string, plate: string | null, at: number, zone: string | null}} Seen `digest` and
 *   `plate` under the device's key
 * @typedef {Seen & {day: string, kid: string | null, scan: Scan}} SeenUse `kid` names the day's key in `scan.use`
 * @typedef {{day: string, key: CryptoKey, seen: Map<string, SeenUse>, warned: Set<string>}} Today
 */

import { concat, encodeUtf8 } from "../src/bytes.js";
import { localDay } from "../src/local_day.js";
import { StoreFailed } from "./errors.js";
import { encodeBase64url } from "./jwk.js";

export const TWO_PLACES = "two_places";
export const TWO_PLATES = "two_plates";
const MINUTE = 60; // seconds
const DIGEST_BYTES = 16;
const HMAC = Object.freeze({ name: "HMAC", hash: "SHA-256" });

export class Uses {
  #store;
  #keys;
  #day = "";
  /** @type {Promise<Today> | null} of that day */
  #today = null;

  /** @param {Pick<Ground, "store" | "keys">} ground */
  constructor({ store, keys }) {
    this.#store = store;
    this.#keys = keys;
  }

  /**
   * What a scan says of its permit, for the service; null when this day's key is not here.
   * @param {Uint8Array} credentialId @param {string | null} zone @param {number} now @returns {Promise<Use | null>}
   */
  async report(credentialId, zone, now) {
    const day = localDay(now);
    const key = this.#keys.of("use", day);
    if (key === null) return null;
    return { day, digest: await digestOf(key, "use", credentialId), plate: null, minute: now - (now % MINUTE), zone };
  }

  /**
   * Keep a scan's use and compare it with the day's others. `minutes`: within these two places are too far apart.
   * @param {Scan} scan @param {Uint8Array} credentialId @param {number} now @param {number} minutes
   * @returns {Promise<Warning[]>}
   */
  async keep(scan, credentialId, now, minutes) {
    const today = await this.#of(localDay(now));
    const digest = await digestOf(today.key, "use", credentialId);
    const kid = scan.use && this.#kid(today.day);
    const at = now - (now % MINUTE);
    const use = { nonce: scan.nonce, day: today.day, digest, plate: null, at, zone: scan.zone, kid, scan };
    return this.#compared(today, use, minutes * MINUTE);
  }

  /**
   * The inspector says at which car a permit is. The first plate is reported; another one counts on this device.
   * @param {string} nonce @param {string} plateKey its compare form @param {number} now
   * @returns {Promise<{warnings: Warning[], scan: Scan | null} | null>} the scan with its plate, to be sent too; null:
   *   no permit of today was seen under this nonce
   */
  async confirm(nonce, plateKey, now) {
    const today = await this.#of(localDay(now));
    const seen = today.seen.get(nonce);
    if (!seen) return null;
    const text = encodeUtf8(plateKey);
    const use = { ...seen, plate: await digestOf(today.key, "plate", text) };
    const key = this.#keys.of("use", today.day);
    const reports = seen.scan.use?.plate === null && key !== null && this.#kid(today.day) === seen.kid;
    if (seen.scan.use && reports) {
      use.scan = { ...seen.scan, use: { ...seen.scan.use, plate: await digestOf(key, "plate", text) } };
    }
    return { warnings: await this.#compared(today, use, 0), scan: reports ? use.scan : null };
  }

  /** Those of the service's warnings that the inspector has not seen. @param {Warning[]} told @param {number} now */
  async hear(told, now) {
    return this.#fresh(await this.#of(localDay(now)), told);
  }

  /** @param {string} day */
  #kid(day) {
    return this.#keys.held().use[day] ?? null;
  }

  /** @param {Today} today @param {SeenUse} use @param {number} within seconds */
  async #compared(today, use, within) {
    today.seen.set(use.nonce, use);
    await this.#write([{ key: `seen ${use.nonce}`, value: use }]);
    const others = [...today.seen.values()].filter(({ nonce, digest }) => nonce !== use.nonce && digest === use.digest);
    return this.#fresh(today, doubleUses(use, others, within));
  }

  /** A scan is warned of once for each kind. @param {Today} today @param {Warning[]} warnings */
  async #fresh(today, warnings) {
    const fresh = warnings.filter(({ nonce, kind }) => !today.warned.has(`warned ${nonce} ${kind}`));
    const names = fresh.map(({ nonce, kind }) => `warned ${nonce} ${kind}`);
    names.forEach((name) => today.warned.add(name));
    await this.#write(names.map((key) => ({ key, value: { day: today.day } })));
    return fresh;
  }

  /** What is kept of this day; what is of another one is deleted, its key too. @param {string} day */
  #of(day) {
    if (this.#day !== day) this.#today = this.#begin(day);
    this.#day = day;
    return /** @type {Promise<Today>} */ (this.#today);
  }

  /** @param {string} day @returns {Promise<Today>} */
  async #begin(day) {
    const kept = await this.#all();
    const own = [...kept].filter(([, value]) => value.day === day);
    await this.#write([...kept].filter(([, value]) => value.day !== day).map(([key]) => ({ key })));
    const key = kept.get(`key ${day}`)?.key ?? (await crypto.subtle.generateKey(HMAC, false, ["sign"]));
    await this.#write([{ key: `key ${day}`, value: { day, key } }]);
    const seen = own.filter(([name]) => name.startsWith("seen ")).map(([, use]) => [use.nonce, use]);
    const warned = own.map(([name]) => name).filter((name) => name.startsWith("warned "));
    return { day, key, seen: new Map(/** @type {[string, SeenUse][]} */ (seen)), warned: new Set(warned) };
  }

  /** @returns {Promise<Map<string, any>>} */
  async #all() {
    try {
      return await this.#store.all("uses");
    } catch (problem) {
      if (problem instanceof StoreFailed) return new Map();
      throw problem;
    }
  }

  /** @param {{key: string, value?: unknown}[]} steps */
  async #write(steps) {
    try {
      await this.#store.write(steps.map((step) => ({ kind: "uses", ...step })));
    } catch (problem) {
      if (!(problem instanceof StoreFailed)) throw problem;
    }
  }
}

/**
 * What does not go together with this use, each with the nearest such other. Where a zone or a plate is not known,
 * nothing is compared.
 * @param {Seen} use @param {Seen[]} others of the same permit and day @param {number} within seconds
 * @returns {Warning[]}
 */
export function doubleUses(use, others, within) {
  const nearest = [...others].sort((one, other) => Math.abs(one.at - use.at) - Math.abs(other.at - use.at));
  const place = nearest.find(({ zone, at }) => differ(zone, use.zone) && Math.abs(at - use.at) <= within);
  const plate = nearest.find((other) => differ(other.plate, use.plate));
  const found = /** @type {const} */ ([[TWO_PLACES, place], [TWO_PLATES, plate]]);
  return found.flatMap(([kind, other]) => (other ? [{ kind, nonce: use.nonce, at: other.at, zone: other.zone }] : []));
}

/** @param {string | null} one @param {string | null} other */
const differ = (one, other) => one !== null && other !== null && one !== other;

/**
 * HMAC-SHA256(key, label ‖ content), 16 bytes, in Base64url.
 * @param {CryptoKey} key @param {string} label @param {Uint8Array} content
 */
async function digestOf(key, label, content) {
  const message = concat([encodeUtf8(label), content]);
  const code = await crypto.subtle.sign("HMAC", key, /** @type {BufferSource} */ (message));
  return encodeBase64url(new Uint8Array(code).subarray(0, DIGEST_BYTES));
}
