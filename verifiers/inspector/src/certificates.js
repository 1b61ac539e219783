/**
 * Does this certificate serve that role, under this anchor? The checks of `keys/certificates.py`.
 * Profiles: ISO/IEC 18013-5 Annex B (IACA root, document signer) and RFC 5280.
 *
 * @typedef {import("./x509.js").Certificate} Certificate
 */

import { equal, sha256 } from "./bytes.js";
import { CertificateMismatch } from "./errors.js";
import { readAlternativeName, readDistributionPoints } from "./names.js";
import { holds, importPoint } from "./signature.js";
import * as x509 from "./x509.js";

/** What a key may sign; the word is also the `purpose` in the trust list. */
export const Role = Object.freeze({
  ANCHOR: "anchor",
  CREDENTIAL: "credential",
  STATUS_LIST: "status-list",
  TRUST_LIST: "trust-list",
  PLATE_LIST: "plate-list",
  APPLE_PASS: "apple-pass",
  GOOGLE_SERVICE_ACCOUNT: "google-service-account",
});

/** The roles under our anchor, each with its own usage. @type {ReadonlyMap<string, string>} */
export const EXTENDED_KEY_USAGES = new Map([
  [Role.CREDENTIAL, "1.0.18013.5.1.2"],
  [Role.STATUS_LIST, "2.25.5946743004235893263211796644996466572"],
  [Role.TRUST_LIST, "2.25.211209981621578782124770317120288563794"],
  [Role.PLATE_LIST, "2.25.46368193434025221842184390332803958402"],
]);

const KID_BYTES = 8;
const KNOWN_CRITICAL = new Set([x509.KEY_USAGE, x509.EXTENDED_KEY_USAGE, x509.BASIC_CONSTRAINTS]);
const DIGITAL_SIGNATURE = 0b1000000;
const KEY_CERT_SIGN = 0b0000010;
const CRL_SIGN = 0b0000001;

/**
 * First 8 bytes of SHA-256 over the certificate's DER.
 * @param {Certificate} certificate @returns {Promise<Uint8Array>}
 */
export async function keyId(certificate) {
  return (await sha256(certificate.der)).subarray(0, KID_BYTES);
}

/**
 * The extended key usages accepted for `role`. `statusUsage` is a further one for status signers, or "".
 * @param {string} role @param {string} statusUsage @returns {string[]}
 */
function usagesOf(role, statusUsage) {
  const own = EXTENDED_KEY_USAGES.get(role);
  require(own !== undefined, `No certificate under our anchor is for ${role}.`);
  if (role !== Role.STATUS_LIST || !statusUsage) return [/** @type {string} */ (own)];
  const others = [...EXTENDED_KEY_USAGES].filter(([other]) => other !== role).map(([, usage]) => usage);
  require(!others.includes(statusUsage), "The status signers' key usage is already that of another role.");
  return [/** @type {string} */ (own), statusUsage];
}

/**
 * Throws `CertificateMismatch` unless the certificate's own words allow exactly this role.
 * @param {Certificate} certificate @param {string} role @param {string} [statusUsage]
 */
export function checkRole(certificate, role, statusUsage = "") {
  const accepted = usagesOf(role, statusUsage);
  const usage = certificate.extensions.get(x509.EXTENDED_KEY_USAGE);
  const named = usage ? x509.readExtendedKeyUsage(usage.content) : [];
  require(named.length === 1 && accepted.includes(named[0]), `The extended key usage is not that of the role ${role}.`);
  require(usage?.critical === true, `The extended key usage of the ${role} certificate is not marked critical.`);
  require(
    keyUsage(certificate, true) === DIGITAL_SIGNATURE,
    `The key usage of the ${role} certificate is not digital signature alone.`,
  );
  require(!constraints(certificate)?.authority, `The ${role} certificate is one of an authority.`);
  require(certificate.point !== null, `The key of the ${role} certificate is not on the curve P-256.`);
}

/** Throws `CertificateMismatch` unless this is a root for signers. @param {Certificate} anchor */
export async function checkAnchor(anchor) {
  require(equal(anchor.subject, anchor.issuer), "The anchor is not a root certificate.");
  await checkSignature(anchor, anchor);
  const found = constraints(anchor);
  const critical = anchor.extensions.get(x509.BASIC_CONSTRAINTS)?.critical;
  require(found?.authority === true && critical === true, "The anchor is not the certificate of an authority.");
  require(found?.pathLength === 0, "The anchor allows authorities beneath it; its path length is not 0.");
  const right = keyUsage(anchor, true) === (KEY_CERT_SIGN | CRL_SIGN);
  require(right, "The key usage of the anchor is not to sign certificates and revocation lists, critically.");
  checkExtensions(anchor);
}

/**
 * Throws `CertificateMismatch` unless `leaf` was issued by `anchor`, whose own form was checked before.
 * @param {Certificate} leaf @param {Certificate} anchor
 */
export async function checkIssued(leaf, anchor) {
  require(!equal(leaf.subject, leaf.issuer), "A certificate below the anchor is self-signed.");
  const wanted = extension(leaf, x509.AUTHORITY_KEY_IDENTIFIER, x509.readAuthorityKeyIdentifier);
  const present = extension(anchor, x509.SUBJECT_KEY_IDENTIFIER, x509.readSubjectKeyIdentifier);
  require(
    wanted !== null && present !== null && equal(wanted, present),
    "The issuing certificate is not the one that the certificate asks for (key identifiers differ).",
  );
  require(equal(leaf.issuer, anchor.subject), "The certificate names another issuer.");
  await checkSignature(leaf, anchor);
  checkExtensions(leaf);
}

/**
 * Throws `CertificateMismatch` unless the certificate is valid at that NumericDate.
 * @param {Certificate} certificate @param {number} at
 */
export function checkValid(certificate, at) {
  require(at <= certificate.ends, "The certificate has ended.");
  require(at >= certificate.begins, "The certificate has not begun.");
}

/** @param {Certificate} child @param {Certificate} issuer */
async function checkSignature(child, issuer) {
  require(child.digest !== "", "A certificate is signed with a digest other than SHA-256, SHA-384 or SHA-512.");
  require(issuer.point !== null, "The key of the anchor is not on the curve P-256.");
  const raw = x509.rawSignature(child.signature);
  const key = await publicKey(issuer);
  const held = raw !== null && (await holds(key, raw, child.signed, child.digest));
  require(held, "A certificate was not signed by the one above it.");
}

/** The certificate's key, for verifying. @param {Certificate} certificate @returns {Promise<CryptoKey>} */
export async function publicKey(certificate) {
  try {
    return await importPoint(/** @type {Uint8Array} */ (certificate.point));
  } catch {
    throw new CertificateMismatch("A certificate holds a key that is not on its curve.");
  }
}

/** Every extension is one we know or may be passed over, and can be read. @param {Certificate} certificate */
function checkExtensions(certificate) {
  for (const [name, { critical }] of certificate.extensions) {
    const known = !critical || KNOWN_CRITICAL.has(name);
    require(known, "A certificate has a critical extension that we do not know (RFC 5280 section 4.2).");
  }
  constraints(certificate);
  keyUsage(certificate, false);
  extension(certificate, x509.EXTENDED_KEY_USAGE, x509.readExtendedKeyUsage);
  extension(certificate, x509.SUBJECT_KEY_IDENTIFIER, x509.readSubjectKeyIdentifier);
  extension(certificate, x509.AUTHORITY_KEY_IDENTIFIER, x509.readAuthorityKeyIdentifier);
  for (const name of x509.ALTERNATIVE_NAMES) extension(certificate, name, readAlternativeName);
  for (const name of x509.DISTRIBUTION_POINTS) extension(certificate, name, readDistributionPoints);
}

/**
 * @template Value
 * @param {Certificate} certificate @param {string} name @param {(content: Uint8Array) => Value} read
 * @returns {Value | null}
 */
function extension(certificate, name, read) {
  const found = certificate.extensions.get(name);
  return found ? read(found.content) : null;
}

/** @param {Certificate} certificate */
const constraints = (certificate) => extension(certificate, x509.BASIC_CONSTRAINTS, x509.readBasicConstraints);

/** @param {Certificate} certificate @param {boolean} critically @returns {number} */
function keyUsage(certificate, critically) {
  const found = certificate.extensions.get(x509.KEY_USAGE);
  return found && (found.critical || !critically) ? x509.readKeyUsage(found.content) : 0;
}

/** @param {boolean} fits @param {string} sentence */
function require(fits, sentence) {
  if (!fits) throw new CertificateMismatch(sentence);
}
