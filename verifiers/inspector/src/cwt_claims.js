/**
 * The signed payload of QR credentials, read: the same in the unbound and in the bound form.
 * Sources: RFC 8392 (CWT), RFC 8747 (`cnf`), draft-ietf-oauth-status-list section 6.3 (status claim).
 *
 * @typedef {string | number | bigint | boolean | string[]} ClaimValue
 * @typedef {{uri: string, index: number}} StatusReference
 */

import { decode } from "./cbor.js";
import { Malformed } from "./errors.js";
import { fromConfirmation } from "./holder_key.js";

export const [ISS, EXP, NBF, IAT, CTI, CNF, STATUS, APP] = [1, 4, 5, 6, 7, 8, 65535, -65537];
const REQUIRED = [ISS, EXP, NBF, IAT, CTI, APP];
export const UNBOUND = REQUIRED;
export const BOUND = [...REQUIRED, CNF];
const CREDENTIAL_ID_BYTES = 8;
export const MAX_TIME = 253_402_300_800; // the end of the year 9999
const MAX_INDEX = 2 ** 32;
const MAX_CLAIM_NUMBER = 65535;

/**
 * The claims of a payload in the form `UNBOUND` or `BOUND`; throws `Malformed`. `cnf` is read to its point, the claims
 * of the pass and the status reference to what they are.
 * @param {Uint8Array} payload @param {number[]} form the claims that must be there; STATUS may be
 * @returns {Map<number, any>}
 */
export function read(payload, form) {
  const claims = decode(payload);
  const exact =
    claims instanceof Map &&
    form.every((key) => claims.has(key)) &&
    claims.size === form.length + (claims.has(STATUS) ? 1 : 0);
  if (!exact) throw new Malformed("The credential does not hold exactly the claims it should.");
  if (typeof claims.get(ISS) !== "string" || !claims.get(ISS)) throw new Malformed("The credential names no issuer.");
  if (![EXP, NBF, IAT].every((key) => isInteger(claims.get(key), 0, MAX_TIME))) {
    throw new Malformed("The credential's times are not whole seconds.");
  }
  const credentialId = claims.get(CTI);
  if (!(credentialId instanceof Uint8Array) || credentialId.length !== CREDENTIAL_ID_BYTES) {
    throw new Malformed("The credential's identifier does not have 8 bytes.");
  }
  checkClaims(claims.get(APP));
  claims.set(STATUS, readStatus(claims.get(STATUS) ?? null));
  if (claims.has(CNF)) claims.set(CNF, fromConfirmation(claims.get(CNF)));
  return /** @type {Map<number, any>} */ (claims);
}

/** @param {unknown} app */
function checkClaims(app) {
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
export function isInteger(value, low, below) {
  return typeof value === "number" && low <= value && value < below;
}
