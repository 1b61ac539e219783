/**
 * Writes live codes: `WP2:` and Base45 of a COSE_Sign1 over the time and the bound credential, signed by this browser's
 * key. Read by `walletpass/formats/bound_cwt.py` and the inspector's `decode.js`, which take exactly this spelling.
 * Sources: RFC 9052 section 4.4 (Sig_structure), RFC 8949 section 4.2.1 (deterministic CBOR), RFC 9285 (Base45).
 */

const PREFIX = "WP2:";
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const KEY = { name: "ECDSA", namedCurve: "P-256" };
const ES256 = { name: "ECDSA", hash: "SHA-256" };
const ascii = (/** @type {string} */ text) => new TextEncoder().encode(text);
// {1: -7, 16: "application/kb+cwt"}: the algorithm ES256, and the type of the proof
const HEADER = join([0xa2, 0x01, 0x26, 0x10, 0x72], ascii("application/kb+cwt"));
const CONTEXT = join([0x84, 0x6a], ascii("Signature1"));
const CREDENTIAL = [0x3a, 0x00, 0x01, 0x00, 0x02]; // the member -65539
const IAT = 0x06;

/** A key that never leaves this browser. @returns {Promise<CryptoKeyPair>} */
export function makeKey() {
  return crypto.subtle.generateKey(KEY, false, ["sign", "verify"]);
}

/** What the city is told of it. @param {CryptoKeyPair} key @returns {Promise<object>} */
export async function publicJwk({ publicKey }) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  return { kty, crv, x, y };
}

/**
 * @param {Uint8Array} credential the bound credential @param {number} signedAt NumericDate
 * @param {CryptoKey} privateKey @returns {Promise<string>}
 */
export async function liveCode(credential, signedAt, privateKey) {
  const payload = join([0xa2, IAT], head(0, signedAt), CREDENTIAL, head(2, credential.length), credential);
  const parts = [head(2, payload.length), payload];
  const message = join(CONTEXT, head(2, HEADER.length), HEADER, [0x40], ...parts);
  const signature = new Uint8Array(await crypto.subtle.sign(ES256, privateKey, message));
  return PREFIX + base45(join([0xd2, 0x84], head(2, HEADER.length), HEADER, [0xa0], ...parts, [0x58, 0x40], signature));
}

/** Base64url without padding. @param {string} text @returns {Uint8Array} */
export function fromBase64url(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** The initial byte and its argument in the shortest form. @param {number} major @param {number} argument */
function head(major, argument) {
  const first = major << 5;
  if (argument < 24) return [first | argument];
  const size = argument < 2 ** 8 ? 1 : argument < 2 ** 16 ? 2 : argument < 2 ** 32 ? 4 : 8;
  const bytes = [];
  for (let n = size - 1; n >= 0; n--) bytes.push(Math.floor(argument / 2 ** (8 * n)) % 256);
  return [first | (24 + Math.log2(size)), ...bytes];
}

/** @param {...(ArrayLike<number>)} parts @returns {Uint8Array<ArrayBuffer>} */
function join(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {Uint8Array} bytes @returns {string} */
function base45(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 2) {
    const last = at + 1 === bytes.length;
    const number = last ? bytes[at] : bytes[at] * 256 + bytes[at + 1];
    text += ALPHABET[number % 45] + ALPHABET[Math.floor(number / 45) % 45];
    if (!last) text += ALPHABET[Math.floor(number / 2025)];
  }
  return text;
}
