/**
 * Opening with a PIN. The token is sealed with a key that needs the PIN and this device: PBKDF2-SHA256 of the PIN, then
 * HMAC with a device key that is not extractable, so that nobody tries PINs on another machine. Each try is counted
 * before it is judged: whoever ends the app half-way has used one up. Five wrong ones make pauses, ten are the end.
 *
 * Sources: RFC 8018 section 5.2; OWASP Password Storage Cheat Sheet (600,000 iterations); ASVS 2.2.1.
 *
 * @typedef {import("./store.js").Store} Store
 * @typedef {{kind: "pin", salt: Uint8Array, iterations: number, key: CryptoKey, iv: Uint8Array, sealed: Uint8Array}} PinSeal
 * @typedef {{failures: number, freeAt: number}} Attempts `freeAt`: when the next try may come (NumericDate)
 */

import { decodeUtf8, encodeUtf8 } from "../src/bytes.js";
import { PinRefused } from "./errors.js";

export const SHORTEST = 6; // digits
export const MOST_FAILURES = 10;
const ITERATIONS = 600_000;
const PAUSES = [30, 60, 120, 300, 600]; // seconds, from the fifth failure on
const FREE = MOST_FAILURES - PAUSES.length - 1;
const ATTEMPTS = "attempts";

/** Throws `PinRefused` (`pin_short`) for a PIN that will not do. @param {string} pin */
export function checkPin(pin) {
  if (!/^[0-9]+$/.test(pin) || pin.length < SHORTEST) throw new PinRefused("pin_short");
}

/** @param {string} pin @param {string} token @returns {Promise<PinSeal>} */
export async function sealWithPin(pin, token) {
  checkPin(pin);
  const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
  const key = /** @type {CryptoKey} */ (await crypto.subtle.generateKey(hmac, false, ["sign"]));
  const [salt, iv] = [16, 12].map((size) => crypto.getRandomValues(new Uint8Array(size)));
  const sealing = await sealingKey(pin, { salt, iterations: ITERATIONS, key });
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: bytes(iv) }, sealing, bytes(encodeUtf8(token)));
  return { kind: "pin", salt, iterations: ITERATIONS, key, iv, sealed: new Uint8Array(sealed) };
}

/**
 * The token, if this is the PIN. Throws `PinRefused`: `pin_paused` and `pin_wrong` with `again` where there is a pause,
 * `pin_destroyed` after the tenth failure, when the caller deletes what was sealed; or `StoreFailed`, because a try that
 * cannot be counted is none.
 * @param {Store} store @param {PinSeal} seal @param {string} pin @param {number} now NumericDate
 * @returns {Promise<string>}
 */
export async function openWithPin(store, seal, pin, now) {
  const { failures, freeAt } = await store.update("identity", ATTEMPTS, (found) => counted(found, now));
  const token = await opened(seal, pin);
  if (token !== null) {
    await store.delete("identity", ATTEMPTS);
    return token;
  }
  if (failures >= MOST_FAILURES) throw new PinRefused("pin_destroyed");
  throw new PinRefused("pin_wrong", freeAt > now ? freeAt : undefined);
}

/** One try more, or none during a pause. @param {Attempts | undefined} found @param {number} now @returns {Attempts} */
function counted(found, now) {
  const before = found?.failures ?? 0;
  if (before >= MOST_FAILURES) throw new PinRefused("pin_destroyed"); // the app ended before it was deleted
  // A pause is never longer than it was set, wherever the clock was moved to meanwhile.
  const wait = Math.min((found?.freeAt ?? 0) - now, pause(before));
  if (wait > 0) throw new PinRefused("pin_paused", now + wait);
  return { failures: before + 1, freeAt: now + pause(before + 1) };
}

/** Seconds to wait after so many failures. @param {number} failures */
const pause = (failures) => PAUSES[Math.min(failures - FREE, PAUSES.length) - 1] ?? 0;

/** @param {PinSeal} seal @param {string} pin @returns {Promise<string | null>} */
async function opened({ salt, iterations, key, iv, sealed }, pin) {
  const sealing = await sealingKey(pin, { salt, iterations, key });
  try {
    const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes(iv) }, sealing, bytes(sealed));
    return decodeUtf8(new Uint8Array(opened));
  } catch (problem) {
    if (problem instanceof DOMException) return null; // the tag does not fit
    throw problem;
  }
}

/**
 * @param {string} pin @param {{salt: Uint8Array, iterations: number, key: CryptoKey}} of
 * @returns {Promise<CryptoKey>}
 */
async function sealingKey(pin, { salt, iterations, key }) {
  const typed = await crypto.subtle.importKey("raw", bytes(encodeUtf8(pin)), "PBKDF2", false, ["deriveBits"]);
  const slow = { name: "PBKDF2", hash: "SHA-256", salt: bytes(salt), iterations };
  const bound = await crypto.subtle.sign("HMAC", key, await crypto.subtle.deriveBits(slow, typed, 256));
  return crypto.subtle.importKey("raw", bound, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** @param {Uint8Array} raw */
const bytes = (raw) => /** @type {BufferSource} */ (raw);
