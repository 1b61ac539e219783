/**
 * Byte strings: comparing, joining, and their text forms, each with exactly one text for each byte string.
 * Sources: RFC 4648 sections 4 and 5, RFC 7515 section 2 (Base64url without padding).
 */

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const HEX = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, "0"));
const STANDARD = values("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const URL_SAFE = values("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
const SHORT = 32;

/** @param {string} alphabet @returns {Uint8Array} value of each ASCII character, 255 where it has none */
function values(alphabet) {
  const table = new Uint8Array(128).fill(255);
  for (let n = 0; n < 64; n++) table[alphabet.charCodeAt(n)] = n;
  return table;
}

/** @param {Uint8Array} raw @returns {string} lowercase */
export function hex(raw) {
  let text = "";
  for (let n = 0; n < raw.length; n++) text += HEX[raw[n]];
  return text;
}

/** Public bytes only: not in constant time. @param {Uint8Array} one @param {Uint8Array} other @returns {boolean} */
export function equal(one, other) {
  if (one.length !== other.length) return false;
  for (let n = 0; n < one.length; n++) if (one[n] !== other[n]) return false;
  return true;
}

/** @param {Uint8Array[]} parts @returns {Uint8Array} */
export function concat(parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {string} text @returns {Uint8Array} */
export const encodeUtf8 = (text) => new TextEncoder().encode(text);

/**
 * Strict UTF-8; throws `TypeError`. Short ASCII takes the quick way: most texts of a credential are.
 * @param {Uint8Array} raw @param {number} [start] @param {number} [end] @returns {string}
 */
export function decodeUtf8(raw, start = 0, end = raw.length) {
  if (end - start <= SHORT) {
    let text = "";
    let at = start;
    while (at < end && raw[at] < 128) text += String.fromCharCode(raw[at++]);
    if (at === end) return text;
  }
  return UTF8.decode(raw.subarray(start, end));
}

/** SHA-256. @param {Uint8Array} raw @returns {Promise<Uint8Array>} */
export async function sha256(raw) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", /** @type {BufferSource} */ (raw)));
}

/** Base64url without padding. @param {string} text @returns {Uint8Array | null} null: not canonical */
export const decodeBase64url = (text) => decode64(text, text.length, URL_SAFE);

/** Base64 with padding. @param {string} text @returns {Uint8Array | null} null: not canonical */
export function decodeBase64(text) {
  if (text.length % 4) return null;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return decode64(text, text.length - padding, STANDARD);
}

/** @param {string} text @param {number} length @param {Uint8Array} table @returns {Uint8Array | null} */
function decode64(text, length, table) {
  if (length % 4 === 1) return null;
  const raw = new Uint8Array(Math.floor((length * 3) / 4));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (let n = 0; n < length; n++) {
    const code = text.charCodeAt(n);
    const value = code < 128 ? table[code] : 255;
    if (value === 255) return null;
    held = ((held & 0xff) << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      raw[at++] = held >> bits;
    }
  }
  return held & ((1 << bits) - 1) ? null : raw; // bits left over belong to no byte
}
