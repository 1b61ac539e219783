/**
 * Reading a licence plate as people type it: the rules of `read_plate` and `plate_key` in `walletpass/claims.py`.
 * What Python takes is taken here, in the same spelling, and everything else is refused with one code: which
 * characters exist at all is a matter of each reader's Unicode, and no plate has the newest of them.
 */

import { InvalidClaim } from "./errors.js";

export const MAX_TEXT = 80; // characters
const PLATE_CHARACTERS = 8;
const PLATE = /^([A-ZÄÖÜ]{1,3})[- ]+([A-ZÄÖÜ]{1,2})[- ]*([1-9][0-9]{0,3})[- ]?([EH]?)$/;
const PLATE_RUN_TOGETHER = /^([A-ZÄÖÜ]{3})([A-ZÄÖÜ]{2})[- ]?([1-9][0-9]{0,2})[- ]?([EH]?)$/;
const OTHER_PLATE = /^[0-9A-ZÀ-ÖØ-ÞĀ-Ž](?:[ -]?[0-9A-ZÀ-ÖØ-ÞĀ-Ž]){1,11}$/;
const DASHES = /[\u2010-\u2014\u2212]/g;
// What Python's str.split() divides at; \s has one more (U+FEFF) and lacks some.
const BLANKS = /[\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/**
 * One plate, normalised (`D-AB 1234E`); what is not a German civil plate, or could be two, is kept as written.
 * Throws `InvalidClaim` (`bad_plate`).
 * @param {string} raw @returns {string}
 */
export function readPlate(raw) {
  const cleaned = raw.normalize("NFC").split(BLANKS).filter(Boolean).join(" ");
  if ([...cleaned].length > MAX_TEXT) refuse();
  const text = cleaned.toUpperCase().replace(DASHES, "-");
  const parts = (PLATE.exec(text) ?? PLATE_RUN_TOGETHER.exec(text))?.slice(1);
  if (parts && parts.join("").length <= PLATE_CHARACTERS) {
    const [district, letters, digits, suffix] = parts;
    return `${district}-${letters} ${digits}${suffix}`;
  }
  if (!OTHER_PLATE.test(text) || !/[0-9]/.test(text)) refuse();
  return text;
}

/**
 * What two spellings of a plate have in common; `D-AB 1234` and `DA-B 1234` are one, `O` and `Ö` are two.
 * @param {string} plate as `readPlate` gives it @returns {string}
 */
export const plateKey = (plate) => plate.replace(/[ -]/g, "");

/** @returns {never} */
function refuse() {
  throw new InvalidClaim("bad_plate", "This is no licence plate; write it like D-AB 1234 or D-AB 1234E.");
}
