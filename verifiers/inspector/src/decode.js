/**
 * A presented text → a `Presentation`. `WP1:` is Base45 of a CWT in a COSE_Sign1; `WP2:` is reserved.
 * Sources: RFC 8392 (CWT), RFC 9052 (COSE), RFC 9285 (Base45), draft-ietf-oauth-status-list section 6.3 (status claim).
 * Refuses what `walletpass/formats/cwt.py` refuses.
 *
 * @typedef {string | number | bigint | boolean | string[]} ClaimValue
 * @typedef {{uri: string, index: number}} StatusReference
 *
 * @typedef {object} Presentation A credential taken apart and not yet believed. Times are NumericDates; `claims` are
 *   by number: names come from a trusted type.
 * @property {string} format
 * @property {Uint8Array} kid
 * @property {Uint8Array} message
 * @property {Uint8Array} signature
 * @property {string} issuer
 * @property {number} issuedAt
 * @property {number} validFrom
 * @property {number} validUntil
 * @property {Uint8Array} credentialId
 * @property {number} typeNumber
 * @property {Map<number, ClaimValue>} claims
 * @property {StatusReference | null} status
 */

import { decode as decodeBase45 } from "./base45.js";
import { decode as decodeCbor } from "./cbor.js";
import { takeApart } from "./cose.js";
import { Malformed } from "./errors.js";

const [ISS, EXP, NBF, IAT, CTI, STATUS, APP] = [1, 4, 5, 6, 7, 65535, -65537];
const REQUIRED = [ISS, EXP, NBF, IAT, CTI, APP];
export const PREFIX = "WP1:";
export const RESERVED_PREFIX = "WP2:"; // the holder-bound form to come
export const MAX_TEXT = 1500;
const CREDENTIAL_ID_BYTES = 8;
const MAX_TIME = 253_402_300_800; // the end of the year 9999
const MAX_INDEX = 2 ** 32;
const MAX_CLAIM_NUMBER = 65535;

/** Read a `WP1:` text strictly; throws `Malformed`. @param {string} text @returns {Presentation} */
export function decode(text) {
  if (text.length > MAX_TEXT || !text.startsWith(PREFIX)) {
    throw new Malformed("This is not a pass of the city: the code does not begin with WP1: or is too long.");
  }
  const signed = takeApart(decodeBase45(text, PREFIX.length));
  if (signed.typ !== null) throw new Malformed("The signed document is not a credential.");
  const claims = readPayload(signed.payload);
  const app = readClaims(claims.get(APP));
  const typeNumber = app.get(0);
  app.delete(0);
  return {
    format: "cwt",
    kid: signed.kid,
    message: signed.message,
    signature: signed.signature,
    issuer: claims.get(ISS),
    issuedAt: claims.get(IAT),
    validFrom: claims.get(NBF),
    validUntil: claims.get(EXP),
    credentialId: claims.get(CTI),
    typeNumber: /** @type {number} */ (typeNumber),
    claims: app,
    status: readStatus(claims.get(STATUS) ?? null),
  };
}

/** @param {Uint8Array} payload @returns {Map<number, any>} */
function readPayload(payload) {
  const claims = decodeCbor(payload);
  const exact =
    claims instanceof Map &&
    REQUIRED.every((key) => claims.has(key)) &&
    claims.size === REQUIRED.length + (claims.has(STATUS) ? 1 : 0);
  if (!exact) throw new Malformed("The credential does not hold exactly the claims it should.");
  if (typeof claims.get(ISS) !== "string" || !claims.get(ISS)) throw new Malformed("The credential names no issuer.");
  if (![EXP, NBF, IAT].every((key) => isInteger(claims.get(key), 0, MAX_TIME))) {
    throw new Malformed("The credential's times are not whole seconds.");
  }
  const credentialId = claims.get(CTI);
  if (!(credentialId instanceof Uint8Array) || credentialId.length !== CREDENTIAL_ID_BYTES) {
    throw new Malformed("The credential's identifier does not have 8 bytes.");
  }
  return /** @type {Map<number, any>} */ (claims);
}

/** @param {unknown} app @returns {Map<number, ClaimValue>} */
function readClaims(app) {
  if (!(app instanceof Map) || !isInteger(app.get(0), 1, MAX_CLAIM_NUMBER)) {
    throw new Malformed("The credential does not say what type of pass it is.");
  }
  for (const [number, value] of app) {
    if (!isInteger(number, 0, MAX_CLAIM_NUMBER)) throw new Malformed("A claim of the credential has no proper number.");
    const fits = Array.isArray(value)
      ? value.every((item) => typeof item === "string")
      : value !== null && !(value instanceof Uint8Array) && !(value instanceof Map);
    if (!fits) throw new Malformed("A claim of the credential has a value of the wrong kind.");
  }
  return app;
}

/** @param {unknown} claim @returns {StatusReference | null} */
function readStatus(claim) {
  if (claim === null) return null;
  const reference = claim instanceof Map && claim.size === 1 ? claim.get("status_list") : null;
  if (reference instanceof Map && reference.size === 2) {
    const [index, uri] = [reference.get("idx"), reference.get("uri")];
    if (isInteger(index, 0, MAX_INDEX) && typeof uri === "string" && uri) return { uri, index };
  }
  throw new Malformed("The credential's status claim is not a reference into a status list.");
}

/** @param {unknown} value @param {number} low @param {number} below @returns {boolean} */
function isInteger(value, low, below) {
  return typeof value === "number" && low <= value && value < below;
}
