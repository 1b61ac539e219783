/** ES256 with WebCrypto, whose ECDSA signatures are the raw 64 bytes r‖s (RFC 7518 section 3.4). */

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const ES256 = { name: "ECDSA", hash: "SHA-256" };

/**
 * A public key for verifying, from an uncompressed point; rejects when the point is not on P-256.
 * @param {Uint8Array} point 65 bytes
 * @returns {Promise<CryptoKey>}
 */
export function importPoint(point) {
  return crypto.subtle.importKey("raw", /** @type {BufferSource} */ (point), CURVE, false, ["verify"]);
}

/**
 * @param {CryptoKey} key @param {Uint8Array} signature raw r‖s @param {Uint8Array} message
 * @param {string} [hash] SHA-256 where none is named
 * @returns {Promise<boolean>}
 */
export function holds(key, signature, message, hash) {
  const [raw, signed] = /** @type {BufferSource[]} */ ([signature, message]);
  return crypto.subtle.verify(hash ? { name: "ECDSA", hash } : ES256, key, raw, signed);
}

/**
 * The first of `keys` that signed the message, or null: several keys may share a kid (it is a short hash).
 * @template {{publicKey: CryptoKey}} Key
 * @param {readonly Key[]} keys @param {Uint8Array} signature @param {Uint8Array} message
 * @returns {Promise<Key | null>}
 */
export async function signedBy(keys, signature, message) {
  for (const key of keys) if (await holds(key.publicKey, signature, message)) return key;
  return null;
}
