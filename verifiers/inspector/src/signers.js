/**
 * Which listed key signed a list, and whether what it signed still counts: for status lists and plate lists alike.
 *
 * @typedef {import("./trust.js").ListedKey} ListedKey
 * @typedef {import("./trust.js").TrustList} TrustList
 * @typedef {(kid: string, message: Uint8Array, signature: Uint8Array) => Promise<ListedKey>} Signer
 *   kid (lowercase hex), message, raw signature → the key, or throws: who may sign a list is the caller's to say.
 */

import { SIGNATURE_BYTES } from "./cose.js";
import { signedBy } from "./signature.js";

/**
 * A signer of that role, whoever of them it is; throws `Refusal` for anybody else.
 * @param {TrustList} trust @param {string} role @param {new (message: string) => Error} Refusal @returns {Signer}
 */
export function signerOf(trust, role, Refusal) {
  return async (kid, message, signature) => {
    const keys = trust.keys.filter((key) => key.kid === kid && key.role === role);
    const found = signature.length === SIGNATURE_BYTES ? await signedBy(keys, signature, message) : null;
    if (!found) throw new Refusal("No key that may sign such a list has signed this one.");
    return found;
  };
}

/**
 * What a key signed that was withdrawn since, or outside its time, is nobody's.
 * @param {TrustList} trust @param {ListedKey} signer @param {number} issuedAt @returns {boolean}
 */
export function stillTrusted(trust, signer, issuedAt) {
  return trust.keys.some(
    (key) => key.role === signer.role && key.certificate === signer.certificate && inWindow(key, issuedAt),
  );
}

/** @param {ListedKey} key @param {number} issuedAt @returns {boolean} */
function inWindow(key, issuedAt) {
  return key.signFrom <= issuedAt && (key.signUntil === null || issuedAt <= key.signUntil);
}
