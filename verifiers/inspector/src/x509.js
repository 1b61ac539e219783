/**
 * A certificate taken apart: the fields and extensions that the trust list needs. Source: RFC 5280 section 4.
 * What it may be used for is judged in `certificates.js`.
 *
 * @typedef {object} Extension
 * @property {boolean} critical
 * @property {Uint8Array} content
 *
 * @typedef {object} Certificate
 * @property {Uint8Array} der
 * @property {Uint8Array} signed the bytes that the issuer signed (TBSCertificate)
 * @property {string} digest of the signature: "SHA-256", "SHA-384", "SHA-512", or "" for any other algorithm
 * @property {Uint8Array} signature as DER (ECDSA-Sig-Value)
 * @property {Uint8Array} issuer the encoded name
 * @property {Uint8Array} subject the encoded name
 * @property {number} begins NumericDate, included
 * @property {number} ends NumericDate, included
 * @property {Uint8Array | null} point the uncompressed point of a P-256 key, or null for any other key
 * @property {Map<string, Extension>} extensions by object identifier
 */

import { concat, decodeBase64, equal } from "./bytes.js";
import * as der from "./der.js";
import { readGeneralNames, readName } from "./names.js";

export const KEY_USAGE = "2.5.29.15";
export const EXTENDED_KEY_USAGE = "2.5.29.37";
export const BASIC_CONSTRAINTS = "2.5.29.19";
export const SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
export const ALTERNATIVE_NAMES = ["2.5.29.17", "2.5.29.18"]; // of the subject, of the issuer
export const DISTRIBUTION_POINTS = ["2.5.29.31", "2.5.29.46"]; // of revocation lists
export const AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";

/** RFC 5758 section 3.2. */
const DIGESTS = new Map([
  ["1.2.840.10045.4.3.2", "SHA-256"],
  ["1.2.840.10045.4.3.3", "SHA-384"],
  ["1.2.840.10045.4.3.4", "SHA-512"],
]);
/** What comes before the point in the SubjectPublicKeyInfo of a P-256 key (RFC 5480 section 2). */
const P256 = Uint8Array.of(
  ...[0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
  ...[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00],
);
const COORDINATE = 32; // bytes
const [VERSION, ISSUER_ID, SUBJECT_ID, EXTENSIONS] = [0xa0, 0x81, 0x82, 0xa3];

/**
 * Throws `CertificateMismatch` for bytes that are no certificate of version 3.
 * @param {Uint8Array} raw @returns {Certificate}
 */
export function readCertificate(raw) {
  const parts = der.only(raw, der.SEQUENCE);
  const signed = parts.next(der.SEQUENCE);
  const algorithm = parts.next(der.SEQUENCE);
  const signature = der.readBits(parts.next(der.BIT_STRING));
  parts.end();
  const fields = new der.Elements(signed.content);
  const version = new der.Elements(fields.next(VERSION).content);
  if (der.readNumber(version.next(der.INTEGER)) !== 2) der.damaged();
  version.end();
  der.readInteger(fields.next(der.INTEGER)); // the serial number
  if (!equal(fields.next(der.SEQUENCE).whole, algorithm.whole)) der.damaged();
  const issuer = readName(fields.next(der.SEQUENCE));
  const validity = new der.Elements(fields.next(der.SEQUENCE).content);
  const [begins, ends] = [der.readTime(validity.next()), der.readTime(validity.next())];
  validity.end();
  const subject = readName(fields.next(der.SEQUENCE));
  const point = readPoint(fields.next(der.SEQUENCE).whole);
  for (const tag of [ISSUER_ID, SUBJECT_ID]) fields.optional(tag);
  const extensions = fields.nextIs(EXTENSIONS) ? readExtensions(fields.next(EXTENSIONS).content) : new Map();
  fields.end();
  const digest = readDigest(algorithm);
  return { der: raw, signed: signed.whole, digest, signature, issuer, subject, begins, ends, point, extensions };
}

/** The one certificate of a PEM text (RFC 7468 section 5.1), as DER; null when there is none. @param {string} pem */
export function readPem(pem) {
  const found = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/.exec(pem);
  return found ? decodeBase64(found[1].replace(/\s+/g, "")) : null;
}

/** @param {der.Element} algorithm @returns {string} */
function readDigest(algorithm) {
  const parts = new der.Elements(algorithm.content);
  const digest = DIGESTS.get(der.readOid(parts.next(der.OID))) ?? "";
  if (digest && parts.optional(der.NULL)?.content.length) der.damaged(); // some write a needless NULL
  if (digest) parts.end();
  return digest;
}

/** @param {Uint8Array} spki @returns {Uint8Array | null} */
function readPoint(spki) {
  const fits = spki.length === P256.length + 1 + 2 * COORDINATE && equal(spki.subarray(0, P256.length), P256);
  return fits && spki[P256.length] === 0x04 ? spki.subarray(P256.length) : null;
}

/** @param {Uint8Array} content @returns {Map<string, Extension>} */
function readExtensions(content) {
  const found = new Map();
  const list = der.only(content, der.SEQUENCE);
  while (list.more) {
    const parts = new der.Elements(list.next(der.SEQUENCE).content);
    const name = der.readOid(parts.next(der.OID));
    const mark = parts.optional(der.BOOLEAN);
    if ((mark && !der.readBoolean(mark)) || found.has(name)) der.damaged(); // DER leaves a default out
    found.set(name, { critical: mark !== null, content: parts.next(der.OCTET_STRING).content });
    parts.end();
  }
  return found;
}

/**
 * The bits of KeyUsage from digitalSignature (0) to cRLSign (6), as one number, bit 0 highest.
 * @param {Uint8Array} content
 */
export function readKeyUsage(content) {
  const outer = new der.Elements(content);
  const bits = der.readBits(outer.next(der.BIT_STRING));
  outer.end();
  return (bits[0] ?? 0) >> 1;
}

/** @param {Uint8Array} content @returns {string[]} */
export function readExtendedKeyUsage(content) {
  const list = der.only(content, der.SEQUENCE);
  const found = [];
  while (list.more) found.push(der.readOid(list.next(der.OID)));
  return found;
}

/** @param {Uint8Array} content @returns {{authority: boolean, pathLength: number | null}} */
export function readBasicConstraints(content) {
  const parts = der.only(content, der.SEQUENCE);
  const mark = parts.optional(der.BOOLEAN);
  if (mark && !der.readBoolean(mark)) der.damaged();
  const length = parts.optional(der.INTEGER);
  parts.end();
  return { authority: mark !== null, pathLength: length ? der.readNumber(length) : null };
}

/** @param {Uint8Array} content @returns {Uint8Array} */
export function readSubjectKeyIdentifier(content) {
  const outer = new der.Elements(content);
  const found = outer.next(der.OCTET_STRING).content;
  outer.end();
  return found;
}

/** @param {Uint8Array} content @returns {Uint8Array | null} */
export function readAuthorityKeyIdentifier(content) {
  const parts = der.only(content, der.SEQUENCE);
  const found = parts.optional(0x80)?.content ?? null;
  if (parts.nextIs(0xa1) || parts.nextIs(0x82)) {
    readGeneralNames(parts.next(0xa1).content); // the issuer's name and serial number, which go together
    der.readInteger(parts.next(0x82));
  }
  parts.end();
  return found;
}

/**
 * ECDSA-Sig-Value (RFC 5480 appendix A) as raw r‖s; null when it cannot be one of P-256.
 * @param {Uint8Array} encoded
 */
export function rawSignature(encoded) {
  const parts = der.only(encoded, der.SEQUENCE);
  const numbers = [parts.next(der.INTEGER), parts.next(der.INTEGER)].map(der.readInteger);
  parts.end();
  const halves = numbers.map((number) => {
    const positive = number[0] === 0 ? number.subarray(1) : number;
    const fits = number[0] < 0x80 && positive.length <= COORDINATE;
    return fits ? concat([new Uint8Array(COORDINATE - positive.length), positive]) : null;
  });
  return halves[0] && halves[1] ? concat([halves[0], halves[1]]) : null;
}
