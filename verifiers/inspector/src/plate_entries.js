/**
 * How a licence plate is found in a plate list: the digests of `walletpass/plate_entries.py` (ADR 0010).
 *
 *   stretched = PBKDF2-HMAC-SHA256(compare form of the plate, salt of the day, iterations)     RFC 8018 section 5.2
 *   tag       = HMAC-SHA256(key of the day, nonce of the list ‖ zone ‖ 0x00 ‖ stretched)       RFC 2104
 *
 * The day's key is a CryptoKey that cannot be exported: scripts use it and never see it.
 */

import { concat, encodeUtf8 } from "./bytes.js";
import { plateKey } from "./licence_plate.js";

/** What a key of 32 bytes is imported or unwrapped as, for `sign` alone and not extractable. */
export const DAY_KEY = Object.freeze({ name: "HMAC", hash: "SHA-256", length: 256 });
export const SALT_BYTES = 16; // of the day
export const NONCE_BYTES = 16; // of the list
export const PREFIX_BYTES = 8;
export const ENTRY_BYTES = 10; // the prefix and two bytes of days, masked
const STRETCHED_BITS = 256;
const NUL = Uint8Array.of(0);

/**
 * What is tagged instead of the plate: 32 bytes that cost `iterations` to make of each guess.
 * @param {string} plate as `readPlate` gives it @param {Uint8Array} salt @param {number} iterations
 * @returns {Promise<Uint8Array>}
 */
export async function stretched(plate, salt, iterations) {
  const secret = /** @type {BufferSource} */ (encodeUtf8(plateKey(plate)));
  const key = await crypto.subtle.importKey("raw", secret, "PBKDF2", false, ["deriveBits"]);
  const rule = { name: "PBKDF2", hash: "SHA-256", salt: /** @type {BufferSource} */ (salt), iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(rule, key, STRETCHED_BITS));
}

/**
 * The 32 bytes of a plate in a zone. A zone holds no NUL, and both ends have a fixed length: one reading only.
 * @param {CryptoKey} key @param {Uint8Array} nonce @param {string} zone @param {Uint8Array} stretchedPlate
 */
export const tag = (key, nonce, zone, stretchedPlate) =>
  digest(key, concat([nonce, encodeUtf8(zone), NUL, stretchedPlate]));

/**
 * Tells whether this is the list's key: with another one every plate would seem to have no permit.
 * @param {CryptoKey} key @param {Uint8Array} nonce @returns {Promise<Uint8Array>}
 */
export const keyCheck = async (key, nonce) => (await digest(key, nonce)).subarray(0, PREFIX_BYTES);

/**
 * How many days after the list's day the permit with this tag runs; null when there is none.
 * @param {Uint8Array} entries in order @param {Uint8Array} full the tag @returns {number | null}
 */
export function daysLeft(entries, full) {
  let low = 0;
  let high = entries.length / ENTRY_BYTES;
  while (low < high) {
    const place = (low + high) >> 1;
    if (compare(entries, place * ENTRY_BYTES, full, 0) < 0) low = place + 1;
    else high = place;
  }
  const at = low * ENTRY_BYTES;
  if (at === entries.length || compare(entries, at, full, 0) !== 0) return null;
  const [first, second] = [at + PREFIX_BYTES, at + PREFIX_BYTES + 1].map((n) => entries[n] ^ full[n - at]);
  return (first << 8) | second;
}

/** Is this one list of entries, in strictly rising order? @param {Uint8Array} entries @returns {boolean} */
export function inOrder(entries) {
  if (entries.length === 0 || entries.length % ENTRY_BYTES) return false;
  for (let at = ENTRY_BYTES; at < entries.length; at += ENTRY_BYTES) {
    if (compare(entries, at - ENTRY_BYTES, entries, at) >= 0) return false;
  }
  return true;
}

/** The prefixes at two places: below zero when the first is smaller. */
function compare(
  /** @type {Uint8Array} */ one,
  /** @type {number} */ at,
  /** @type {Uint8Array} */ other,
  /** @type {number} */ there,
) {
  for (let n = 0; n < PREFIX_BYTES; n++) {
    const difference = one[at + n] - other[there + n];
    if (difference) return difference;
  }
  return 0;
}

/** @param {CryptoKey} key @param {Uint8Array} message @returns {Promise<Uint8Array>} */
async function digest(key, message) {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, /** @type {BufferSource} */ (message)));
}
