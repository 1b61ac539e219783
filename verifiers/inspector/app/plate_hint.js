/** A plate that was mistyped the usual way: letters stand in front and digits behind, so O and 0, I and 1 are told apart. */

const DIGITS = new Map([
  ["O", "0"],
  ["Q", "0"],
  ["I", "1"],
  ["L", "1"],
  ["Z", "2"],
  ["S", "5"],
  ["B", "8"],
]);
const LETTERS = new Map([
  ["0", "O"],
  ["1", "I"],
  ["2", "Z"],
  ["5", "S"],
  ["8", "B"],
]);
/** District, letters, digits, and E (electric) or H (historic), as they are written: FZV section 9 and its annexes. */
const WRITTEN = /^([A-Z0-9ÄÖÜ]{1,3})[ -]+([A-Z0-9]{1,2})[ -]?([A-Z0-9]{1,4}?)([EH]?)$/;
const RIGHT = /^[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} [1-9][0-9]{0,3}[EH]?$/;

/** @param {string} plate upper case @returns {string | null} what was probably meant, if it is something else */
export function meantPlate(plate) {
  const parts = WRITTEN.exec(plate);
  if (!parts) return null;
  const [, district, letters, digits, end] = parts;
  const swap = (/** @type {string} */ text, /** @type {Map<string, string>} */ by) =>
    [...text].map((c) => by.get(c) ?? c).join("");
  const meant = `${swap(district, LETTERS)}-${swap(letters, LETTERS)} ${swap(digits, DIGITS)}${end}`;
  return RIGHT.test(meant) && meant.replace(/[ -]/g, "") !== plate.replace(/[ -]/g, "") ? meant : null;
}
