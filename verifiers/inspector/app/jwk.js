/** Public keys on P-256 as this app writes them, and Base64url. Sources: RFC 7517; RFC 4648 section 5. */

/** Without padding (RFC 7515 section 2). @param {Uint8Array} raw @returns {string} */
export function encodeBase64url(raw) {
  let text = "";
  for (let at = 0; at < raw.length; at += CHUNK) text += String.fromCharCode(...raw.subarray(at, at + CHUNK));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

const CHUNK = 0x2000; // more arguments than that some engines do not take

/**
 * The four members of a public key and no others.
 * @param {CryptoKey} key @returns {Promise<{kty: string, crv: string, x: string, y: string}>}
 */
export async function publicJwk(key) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", key);
  return /** @type {any} */ ({ kty, crv, x, y });
}
