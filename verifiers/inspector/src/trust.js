/**
 * The trust list: which keys may sign what, signed under the anchor. The checks of `keys/trust_list.py`.
 * A chain inside a document never creates trust by itself: the anchor is given out of band.
 *
 * @typedef {import("./certificates.js").Certificate} Certificate
 * @typedef {import("./strict_json.js").JsonObject} JsonObject
 *
 * @typedef {object} ListedKey Times are NumericDates; `signUntil` null: no end yet. `passTypes` empty: every listed
 *   type.
 * @property {string} kid lowercase hex
 * @property {string} role
 * @property {string} certificate its SHA-256, lowercase hex
 * @property {CryptoKey} publicKey
 * @property {ReadonlySet<string>} passTypes
 * @property {number} signFrom
 * @property {number | null} signUntil
 *
 * @typedef {{name: string, number: number, version: number, sha256: string, maxStatusAge: number}} ListedType
 *
 * @typedef {object} TrustList Read and verified. Times are NumericDates; `version` rises with every publication.
 * @property {string} issuer
 * @property {number} version
 * @property {number} issuedAt
 * @property {number} expiresAt
 * @property {readonly ListedKey[]} keys
 * @property {readonly ListedType[]} types
 */

import { decodeBase64, decodeBase64url, equal, hex, sha256 } from "./bytes.js";
import * as certificates from "./certificates.js";
import { AnchorInvalid, CertificateMismatch, TrustListInvalid } from "./errors.js";
import { readJws } from "./jws.js";
import { holds } from "./signature.js";
import { NotStrictJson, readObject } from "./strict_json.js";
import { readCertificate, readPem } from "./x509.js";

export const TYP = "trustlist+jwt";
export const MAX_TRUST_LIST = 1 << 20; // bytes
export const MAX_CERTIFICATE = 4096; // bytes of DER
export const MAX_CLOCK_DIFFERENCE = 300; // seconds between the issuer's clock and the reader's

const HEADER = ["alg", "typ", "kid", "x5c"];
const MAX_TIME = 253_402_300_800; // the end of the year 9999
const MAX_ISSUER = 256; // characters
const NAME = /^[a-z][a-z0-9_]{0,63}$/;
const SHA256_HEX = /^[0-9a-f]{64}$/;
/** @type {ReadonlySet<string>} */
const ROLES = new Set(Object.values(certificates.Role));

/** @param {string} why @returns {never} */
function refuse(why) {
  throw new TrustListInvalid(`The trust list cannot be believed: ${why}.`);
}

/**
 * The trust anchor's certificate, given out of band; throws `AnchorInvalid`.
 * @param {string} pem @returns {Certificate}
 */
export function readAnchor(pem) {
  const raw = readPem(pem);
  try {
    if (raw) return readCertificate(raw);
  } catch (refusal) {
    if (!(refusal instanceof CertificateMismatch)) throw refusal;
  }
  throw new AnchorInvalid("There is no certificate in PEM form.");
}

/**
 * Read and verify against `anchor`; throws `TrustListInvalid`. `now` (NumericDate) is the reader's own clock: a list
 * from the future is refused, for it would shut out every later one. Keys of purposes we do not know are left out.
 * Expiry is the caller's to judge: a good but expired list still says who we are talking to.
 * @param {Uint8Array} token @param {Certificate} anchor @param {number} now
 * @param {string} [statusUsage] a further extended key usage (OID) that status signers may have
 * @returns {Promise<TrustList>}
 */
export async function readTrustList(token, anchor, now, statusUsage = "") {
  try {
    return await read(token, anchor, now, statusUsage);
  } catch (refusal) {
    if (refusal instanceof CertificateMismatch) throw new TrustListInvalid(`Trust list: ${refusal.message}`);
    if (refusal instanceof NotStrictJson) refuse(refusal.message);
    throw refusal;
  }
}

/** @param {Uint8Array} token @param {Certificate} anchor @param {number} now @param {string} statusUsage */
async function read(token, anchor, now, statusUsage) {
  if (token.length > MAX_TRUST_LIST) refuse(`it is larger than ${MAX_TRUST_LIST} bytes`);
  const jws = readJws(token) ?? refuse("it is not a signed JWT in canonical Base64url");
  const leaf = await signingCertificate(readObject(jws.header));
  await certificates.checkAnchor(anchor);
  certificates.checkRole(leaf, certificates.Role.TRUST_LIST);
  await certificates.checkIssued(leaf, anchor);
  const key = await certificates.publicKey(leaf);
  if (jws.signature.length !== 64 || !(await holds(key, jws.signature, jws.message))) {
    refuse("its signature does not hold");
  }
  const trustList = await readClaims(readObject(jws.payload), anchor, statusUsage);
  for (const certificate of [leaf, anchor]) certificates.checkValid(certificate, trustList.issuedAt);
  if (trustList.issuedAt > now + MAX_CLOCK_DIFFERENCE) refuse("it was issued in the future; check this device's clock");
  return trustList;
}

/**
 * The leaf of the `x5c` header. Other members (jwk, jku, x5u, crit, b64) are refused, not ignored.
 * @param {JsonObject} header
 */
async function signingCertificate(header) {
  const exact = header.size === HEADER.length && HEADER.every((member) => header.has(member));
  if (!exact || header.get("alg") !== "ES256" || header.get("typ") !== TYP) {
    refuse("its header is not that of a trust list signed with ES256");
  }
  const leaf = readX5c(header.get("x5c"));
  await checkKid(header.get("kid"), leaf);
  return leaf;
}

/** @param {unknown} kid @param {Certificate} certificate @returns {Promise<string>} lowercase hex */
async function checkKid(kid, certificate) {
  const found = decodeBase64url(readText(kid));
  const right = await certificates.keyId(certificate);
  if (!found || !equal(found, right)) refuse("a key id is not the first 8 bytes of its certificate's hash");
  return hex(right);
}

/** @param {JsonObject} claims @param {Certificate} anchor @param {string} statusUsage @returns {Promise<TrustList>} */
async function readClaims(claims, anchor, statusUsage) {
  const [issuedAt, expiresAt] = [readNumber(claims.get("iat"), 0), readNumber(claims.get("exp"), 0)];
  if (expiresAt <= issuedAt) refuse("it ends before it begins");
  const issuer = claims.get("iss");
  const length = typeof issuer === "string" ? [...issuer].length : 0;
  if (length === 0 || length > MAX_ISSUER) refuse("it does not name its issuer");
  const keys = [];
  for (const item of readObjects(claims.get("keys"))) {
    const key = await readListedKey(item, anchor, statusUsage);
    if (key) keys.push(key);
  }
  if (new Set(keys.map((key) => key.certificate)).size < keys.length) refuse("it lists a key twice");
  const types = readObjects(claims.get("types")).map(readListedType);
  if (distinct(types, ({ name, version }) => `${name} ${version}`) < types.length) refuse("it lists a pass type twice");
  if (distinct(types, ({ name, number }) => `${name} ${number}`) !== distinct(types, ({ number }) => `${number}`)) {
    refuse("it gives one number to two pass types");
  }
  const version = readNumber(claims.get("version"), 1);
  return Object.freeze({ issuer: /** @type {string} */ (issuer), version, issuedAt, expiresAt, keys, types });
}

/** @param {ListedType[]} types @param {(listed: ListedType) => string} name @returns {number} */
const distinct = (types, name) => new Set(types.map(name)).size;

/**
 * @param {JsonObject} item @param {Certificate} anchor @param {string} statusUsage @returns {Promise<ListedKey | null>}
 */
async function readListedKey(item, anchor, statusUsage) {
  const purpose = item.get("purpose");
  if (typeof purpose !== "string") refuse("a key has no purpose");
  const role = /** @type {string} */ (purpose);
  if (!ROLES.has(role)) return null; // a newer issuer's; it gives no right that we would ask for
  if (!certificates.EXTENDED_KEY_USAGES.has(role)) refuse(`it lists a key for ${role}, which no document names`);
  const certificate = readX5c(item.get("x5c"));
  certificates.checkRole(certificate, role, statusUsage);
  await certificates.checkIssued(certificate, anchor);
  const kid = await checkKid(item.get("kid"), certificate);
  const signFrom = readNumber(item.get("sign_from"), 0);
  const until = item.get("sign_until");
  const signUntil = until === null ? null : readNumber(until, 0);
  if (signUntil !== null && signUntil < signFrom) refuse("a key stops signing before it begins");
  const names = item.get("pass_types");
  if (!Array.isArray(names) || !names.every((name) => NAME.test(readText(name)))) {
    refuse("the pass types of a key are not a list of names");
  }
  return Object.freeze({
    kid,
    role,
    certificate: hex(await sha256(certificate.der)),
    publicKey: await certificates.publicKey(certificate),
    passTypes: new Set(/** @type {string[]} */ (names)),
    signFrom,
    signUntil,
  });
}

/** @param {JsonObject} item @returns {ListedType} */
function readListedType(item) {
  const [name, digest] = [readText(item.get("name")), readText(item.get("sha256"))];
  if (!NAME.test(name) || !SHA256_HEX.test(digest)) refuse("a pass type lacks its name or the hash of its document");
  const [number, version, maxStatusAge] = ["number", "version", "max_status_age"].map((member) =>
    readNumber(item.get(member), 1),
  );
  return Object.freeze({ name, number, version, sha256: digest, maxStatusAge });
}

/** @param {unknown} x5c @returns {Certificate} */
function readX5c(x5c) {
  if (!Array.isArray(x5c) || x5c.length !== 1) refuse("an x5c is not a list of one certificate");
  const text = readText(/** @type {unknown[]} */ (x5c)[0]);
  if (text.length > (MAX_CERTIFICATE * 4) / 3 + 4) refuse("a certificate is too large");
  return readCertificate(decodeBase64(text) ?? refuse("a certificate is not in canonical Base64"));
}

/** @param {unknown} value @returns {JsonObject[]} */
function readObjects(value) {
  if (!Array.isArray(value) || !value.every((item) => item instanceof Map)) {
    refuse("its keys or pass types are not a list of objects");
  }
  return /** @type {JsonObject[]} */ (value);
}

/** @param {unknown} value @returns {string} */
function readText(value) {
  return typeof value === "string" ? value : refuse("something else stands where text belongs");
}

/** @param {unknown} value @param {number} least @returns {number} */
function readNumber(value, least) {
  if (typeof value === "number" && least <= value && value < MAX_TIME) return value;
  return refuse("a number is missing, wrong or too large");
}
