/**
 * A compact JWS taken apart, not yet believed. Source: RFC 7515 sections 3.1 and 5.2.
 *
 * @typedef {object} Jws `message` is what was signed; the three parts are decoded, strictly.
 * @property {Uint8Array} header
 * @property {Uint8Array} payload
 * @property {Uint8Array} message
 * @property {Uint8Array} signature
 */

import { decodeBase64url } from "./bytes.js";

const DOT = 0x2e;
const LATIN = new TextDecoder("latin1"); // every byte is one character; what is not Base64url is refused after it

/** @param {Uint8Array} token @returns {Jws | null} null: not three parts of canonical Base64url */
export function readJws(token) {
  const first = token.indexOf(DOT);
  const last = token.lastIndexOf(DOT);
  if (first < 0 || first === last || token.indexOf(DOT, first + 1) !== last) return null;
  const [header, payload, signature] = [
    token.subarray(0, first),
    token.subarray(first + 1, last),
    token.subarray(last + 1),
  ].map((part) => decodeBase64url(LATIN.decode(part)));
  return header && payload && signature ? { header, payload, signature, message: token.subarray(0, last) } : null;
}
