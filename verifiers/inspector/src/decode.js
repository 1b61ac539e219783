/**
 * A presented text → a `Presentation`. `WP1:` is Base45 of a CWT in a COSE_Sign1; `WP2:` is Base45 of a proof by the
 * holder's key around a CWT that is bound to that key, the live code of a phone.
 * Sources: RFC 8392 (CWT), RFC 8747 (`cnf`), RFC 9052 (COSE), RFC 9285 (Base45), draft-ietf-spice-sd-cwt.
 *
 * @typedef {import("./cwt_claims.js").ClaimValue} ClaimValue
 * @typedef {import("./cwt_claims.js").StatusReference} StatusReference
 *
 * @typedef {object} HolderProof A signature by the key that a credential is bound to, not yet believed.
 * @property {Uint8Array} key an uncompressed point of P-256
 * @property {Uint8Array} message
 * @property {Uint8Array} signature
 * @property {number} signedAt NumericDate
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
 * @property {HolderProof | null} holderProof null: the format binds no key
 */

import { decode as decodeBase45 } from "./base45.js";
import { equal } from "./bytes.js";
import { decode as decodeCbor } from "./cbor.js";
import { PROOF_HEADER, sigStructure, split, takeApart } from "./cose.js";
import * as cwt from "./cwt_claims.js";
import { Malformed } from "./errors.js";

export const PREFIX = "WP1:";
export const BOUND_PREFIX = "WP2:";
export const RESERVED = /^WP[3-9]:/; // forms to come
export const MAX_TEXT = 1500;
export const MAX_BOUND_TEXT = 1800;
const CREDENTIAL = -65539;

/** Read a `WP1:` or `WP2:` text strictly; throws `Malformed`. @param {string} text @returns {Presentation} */
export function decode(text) {
  if (text.startsWith(PREFIX) && text.length <= MAX_TEXT) {
    return present("cwt", decodeBase45(text, PREFIX.length), cwt.UNBOUND, null);
  }
  if (text.startsWith(BOUND_PREFIX) && text.length <= MAX_BOUND_TEXT) {
    return bound(decodeBase45(text, BOUND_PREFIX.length));
  }
  throw new Malformed("This is not a pass of the city: the code does not begin with WP1: or WP2:, or is too long.");
}

/**
 * The proof around a bound credential: its header has one spelling, its payload a time and the credential.
 * @param {Uint8Array} document @returns {Presentation}
 */
function bound(document) {
  const { protectedHeader, payload, signature } = split(document);
  if (!equal(protectedHeader, PROOF_HEADER)) {
    throw new Malformed("What surrounds the credential is no proof of a key.");
  }
  const proof = decodeCbor(payload);
  const [signedAt, credential] = proof instanceof Map ? [proof.get(cwt.IAT), proof.get(CREDENTIAL)] : [];
  if (!(credential instanceof Uint8Array) || !cwt.isInteger(signedAt, 0, cwt.MAX_TIME) || proof.size !== 2) {
    throw new Malformed("The proof does not hold exactly a time and a credential.");
  }
  const message = sigStructure(protectedHeader, payload);
  return present("bound_cwt", credential, cwt.BOUND, { message, signature, signedAt });
}

/**
 * @param {string} format @param {Uint8Array} document @param {number[]} form
 * @param {{message: Uint8Array, signature: Uint8Array, signedAt: number} | null} proof
 * @returns {Presentation}
 */
function present(format, document, form, proof) {
  const signed = takeApart(document);
  if (signed.typ !== null) throw new Malformed("The signed document is not a credential.");
  const claims = cwt.read(signed.payload, form);
  const app = claims.get(cwt.APP);
  const typeNumber = app.get(0);
  app.delete(0);
  return {
    format,
    kid: signed.kid,
    message: signed.message,
    signature: signed.signature,
    issuer: claims.get(cwt.ISS),
    issuedAt: claims.get(cwt.IAT),
    validFrom: claims.get(cwt.NBF),
    validUntil: claims.get(cwt.EXP),
    credentialId: claims.get(cwt.CTI),
    typeNumber,
    claims: app,
    status: claims.get(cwt.STATUS),
    holderProof: proof && { key: claims.get(cwt.CNF), ...proof },
  };
}
