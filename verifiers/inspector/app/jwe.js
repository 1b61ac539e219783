/**
 * Compact JWE with `ECDH-ES` and `A256GCM` on P-256: encrypting for somebody's public key, and unwrapping a day's key
 * straight into an HMAC key that no script can read. Sources: RFC 7516 sections 3.1 and 5; RFC 7518 sections 4.6, 5.3.
 *
 * @typedef {{kty: string, crv: string, x: string, y: string}} Jwk
 */

import { concat, decodeBase64url, encodeUtf8 } from "../src/bytes.js";
import { DAY_KEY } from "../src/plate_entries.js";
import { NotStrictJson, readObject } from "../src/strict_json.js";
import { JweInvalid } from "./errors.js";
import { encodeBase64url, publicJwk } from "./jwk.js";

const CURVE = Object.freeze({ name: "ECDH", namedCurve: "P-256" });
const KEY_BITS = 256;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const NOBODY = new Uint8Array();

/**
 * @param {Jwk} recipient @param {Uint8Array | string} content text as UTF-8
 * @returns {Promise<string>} the compact JWE
 */
export async function encryptFor(recipient, content) {
  const theirs = await importPublic(recipient);
  const ours = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]));
  const key = await agreed(theirs, ours.privateKey, "encrypt");
  const epk = await publicJwk(ours.publicKey);
  const header = encodeBase64url(encodeUtf8(JSON.stringify({ alg: "ECDH-ES", enc: "A256GCM", epk })));
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const plaintext = typeof content === "string" ? encodeUtf8(content) : content;
  const sealed = new Uint8Array(await crypto.subtle.encrypt(gcm(iv, header), key, bytes(plaintext)));
  const parts = [iv, sealed.subarray(0, -TAG_BYTES), sealed.subarray(-TAG_BYTES)];
  return [header, "", ...parts.map(encodeBase64url)].join(".");
}

/**
 * The key of a day that was encrypted for us, as an HMAC key for `sign` only; throws `JweInvalid`.
 * @param {string} compact @param {CryptoKey} privateKey ours for agreeing on keys @returns {Promise<CryptoKey>}
 */
export async function unwrapDayKey(compact, privateKey) {
  const [header, encryptedKey, ...parts] = compact.split(".");
  const [iv, ciphertext, tag] = parts.map((part) => decodeBase64url(part));
  const whole = iv?.length === IV_BYTES && tag?.length === TAG_BYTES && ciphertext?.length === KEY_BITS / 8;
  if (parts.length !== 3 || encryptedKey !== "" || !whole) throw new JweInvalid("This is no key of a day.");
  try {
    const key = await agreed(await importPublic(readEpk(header)), privateKey, "unwrapKey");
    const wrapped = concat([ciphertext, tag]);
    return await crypto.subtle.unwrapKey("raw", bytes(wrapped), key, gcm(iv, header), DAY_KEY, false, ["sign"]);
  } catch (problem) {
    // WebCrypto says only that it failed; a header that lies is told apart for nobody either.
    if (problem instanceof DOMException || problem instanceof NotStrictJson || problem instanceof TypeError) {
      throw new JweInvalid("The key of a day cannot be opened.");
    }
    throw problem;
  }
}

/**
 * The Concat KDF for one block of SHA-256 (RFC 7518 section 4.6.2): the first `bits` of it, 256 at most.
 * @param {Uint8Array} secret Z @param {string} algorithm @param {number} bits
 * @param {Uint8Array} [sender] apu @param {Uint8Array} [receiver] apv @returns {Promise<Uint8Array>}
 */
export async function concatKdf(secret, algorithm, bits, sender = NOBODY, receiver = NOBODY) {
  const named = [encodeUtf8(algorithm), sender, receiver].flatMap((part) => [uint32(part.length), part]);
  const digest = await crypto.subtle.digest("SHA-256", bytes(concat([uint32(1), secret, ...named, uint32(bits)])));
  return new Uint8Array(digest, 0, bits / 8);
}

/**
 * @param {CryptoKey} theirs @param {CryptoKey} ours @param {KeyUsage} use @returns {Promise<CryptoKey>} for AES-GCM
 */
async function agreed(theirs, ours, use) {
  const secret = new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, ours, KEY_BITS));
  const derived = await concatKdf(secret, "A256GCM", KEY_BITS);
  const key = await crypto.subtle.importKey("raw", bytes(derived), "AES-GCM", false, [use]);
  for (const passing of [secret, derived]) passing.fill(0); // WebCrypto has no Concat KDF, so they were here at all
  return key;
}

/** The other side's key in a header that says exactly what ours do. @param {string} header @returns {Jwk} */
function readEpk(header) {
  const read = readObject(decodeBase64url(header) ?? NOBODY);
  const epk = read.get("epk");
  const known = read.size === 3 && read.get("alg") === "ECDH-ES" && read.get("enc") === "A256GCM";
  if (!known || !(epk instanceof Map)) throw new JweInvalid("The key of a day is encrypted in another way.");
  return /** @type {Jwk} */ (Object.fromEntries(epk));
}

/** @param {Jwk} jwk @returns {Promise<CryptoKey>} */
function importPublic({ kty, crv, x, y }) {
  return crypto.subtle.importKey("jwk", { kty, crv, x, y }, CURVE, false, []);
}

/** @param {Uint8Array} iv @param {string} header what is authenticated with it @returns {AesGcmParams} */
const gcm = (iv, header) => ({ name: "AES-GCM", iv: bytes(iv), additionalData: bytes(encodeUtf8(header)) });

/** @param {number} number @returns {Uint8Array} */
const uint32 = (number) => Uint8Array.of(number >>> 24, (number >> 16) & 0xff, (number >> 8) & 0xff, number & 0xff);

/** @param {Uint8Array} raw */
const bytes = (raw) => /** @type {BufferSource} */ (raw);
