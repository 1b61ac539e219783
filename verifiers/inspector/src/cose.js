/**
 * COSE_Sign1 with ES256, taken apart: the signed envelope of QR credentials and status lists.
 * Source: RFC 9052 sections 4.2, 4.4. Only what we write is read: tag 18, ES256, a key id of 8 bytes in the protected
 * header, nothing unprotected.
 *
 * @typedef {object} Sign1 Not yet believed. `message` is the Sig_structure that was signed.
 * @property {Uint8Array} kid
 * @property {string | null} typ
 * @property {Uint8Array} payload
 * @property {Uint8Array} message
 * @property {Uint8Array} signature
 */

import { concat, encodeUtf8 } from "./bytes.js";
import { COSE_SIGN1_TAG, decode, head } from "./cbor.js";
import { Malformed } from "./errors.js";

const ALG = 1;
const KID = 4;
const TYP = 16;
const ES256 = -7;
export const KID_BYTES = 8;
export const SIGNATURE_BYTES = 64;
/** {alg: ES256, typ: "application/kb+cwt"}: the only header of a holder's proof, in its only spelling. */
export const PROOF_HEADER = concat([Uint8Array.of(0xa2, 0x01, 0x26, 0x10, 0x72), encodeUtf8("application/kb+cwt")]);
const CONTEXT = concat([Uint8Array.of(0x84, 0x6a), encodeUtf8("Signature1")]); // array of 4, the context string
const NO_EXTERNAL_DATA = Uint8Array.of(0x40);

/**
 * The bytes that were signed: Sig_structure of RFC 9052 section 4.4, no external data.
 * @param {Uint8Array} protectedHeader @param {Uint8Array} payload @returns {Uint8Array}
 */
export function sigStructure(protectedHeader, payload) {
  const headers = [head(2, protectedHeader.length), head(2, payload.length)];
  return concat([CONTEXT, headers[0], protectedHeader, NO_EXTERNAL_DATA, headers[1], payload]);
}

/**
 * Protected header, payload and signature of a tagged COSE_Sign1; throws `Malformed` for any other structure.
 * @param {Uint8Array} data @returns {{protectedHeader: Uint8Array, payload: Uint8Array, signature: Uint8Array}}
 */
export function split(data) {
  if (data[0] !== COSE_SIGN1_TAG) throw new Malformed("This is not a signed COSE document (tag 18 is missing).");
  const parts = decode(data.subarray(1));
  if (!Array.isArray(parts) || parts.length !== 4 || !(parts[1] instanceof Map) || parts[1].size) {
    throw new Malformed("The COSE document does not have the four parts of a COSE_Sign1.");
  }
  const [protectedHeader, , payload, signature] = parts;
  if (![protectedHeader, payload, signature].every((part) => part instanceof Uint8Array)) {
    throw new Malformed("The COSE document's parts have the wrong types.");
  }
  if (signature.length !== SIGNATURE_BYTES) throw new Malformed("The signature does not have the 64 bytes of ES256.");
  return { protectedHeader, payload, signature };
}

/**
 * Read a tagged COSE_Sign1 with a key id; throws `Malformed` for any other structure, algorithm or header.
 * @param {Uint8Array} data @returns {Sign1}
 */
export function takeApart(data) {
  const { protectedHeader, payload, signature } = split(data);
  const header = decode(protectedHeader);
  const known = header instanceof Map && [...header.keys()].every((key) => key === ALG || key === KID || key === TYP);
  if (!known || header.get(ALG) !== ES256) {
    throw new Malformed("The COSE header names another algorithm than ES256, or something we do not use.");
  }
  const kid = header.get(KID);
  const typ = header.get(TYP) ?? null;
  if (!(kid instanceof Uint8Array) || kid.length !== KID_BYTES || !(typ === null || typeof typ === "string")) {
    throw new Malformed("The COSE header has no key id of 8 bytes.");
  }
  return { kid, typ, payload, message: sigStructure(protectedHeader, payload), signature };
}
