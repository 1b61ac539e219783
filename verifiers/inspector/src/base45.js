/**
 * Base45, the text form of binary data that fits a QR code's alphanumeric mode. Source: RFC 9285.
 * Strict like `walletpass/base45.py`: exactly one text stands for each byte string.
 */

import { Malformed } from "./errors.js";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const REFUSED = 255;
const VALUES = new Uint8Array(128).fill(REFUSED);
for (let n = 0; n < 45; n++) VALUES[ALPHABET.charCodeAt(n)] = n;

/** @param {string} text @param {number} at @returns {number} */
function value(text, at) {
  const code = text.charCodeAt(at);
  const found = code < 128 ? VALUES[code] : REFUSED;
  if (found === REFUSED) throw new Malformed("The code holds characters that Base45 does not have.");
  return found;
}

/**
 * The bytes that `text` stands for, from `start`; throws `Malformed` for anything that an encoder would not write.
 * @param {string} text @param {number} [start] @returns {Uint8Array}
 */
export function decode(text, start = 0) {
  const length = text.length - start;
  const rest = length % 3;
  if (rest === 1) throw new Malformed("The code is cut off.");
  const data = new Uint8Array(Math.floor(length / 3) * 2 + (rest ? 1 : 0));
  let out = 0;
  let at = start;
  for (; at + 2 < text.length; at += 3) {
    const number = value(text, at) + 45 * value(text, at + 1) + 2025 * value(text, at + 2);
    if (number > 0xffff) throw new Malformed("A group of the code stands for a number that is too large.");
    data[out++] = number >> 8;
    data[out++] = number & 0xff;
  }
  if (rest) {
    const number = value(text, at) + 45 * value(text, at + 1);
    if (number > 0xff) throw new Malformed("A group of the code stands for a number that is too large.");
    data[out] = number;
  }
  return data;
}
