/**
 * A picture of a plate → proposals: find the characters, set them straight, have them read, and let the grammar of
 * plates judge. Reading print itself is another's work, see `Print`.
 *
 * @typedef {import("./gray.js").Gray} Gray
 * @typedef {import("./proposals.js").Reading} Reading
 * @typedef {import("./proposals.js").Seen} Seen
 *
 * @typedef {{char: string, confidence: number, left: number, right: number}} Printed 0 to 100; columns of the picture
 * @typedef {(picture: Gray, allowed: string, alone: boolean) => Promise<Printed[]>} Print reads a line, or one character
 *   `alone`, of the allowed ones
 */

import { grayOf } from "./gray.js";
import { darkIn, piecesOf } from "./ink.js";
import { linesOf } from "./lines.js";
import { DIGITS, LETTERS, best, readings } from "./proposals.js";
import { straightened } from "./straight.js";

// How dark ink must be beside its surroundings, and how far around is looked, in heights of the picture. The next way
// is tried where the one before gives no plate to be pleased with.
const WAYS = [
  { share: 0.8, reach: 0.25 },
  { share: 0.68, reach: 0.3 },
  { share: 0.9, reach: 0.2 },
];
const PLEASING = 1.2; // what a reading may cost
const LEAST = 20; // pixels of a piece
const SURE = 90; // a reading with less confidence is checked by a second one
const FITS = 0.5; // how much of its place a symbol has to cover, and the other way round

/**
 * @param {{width: number, height: number, data: Uint8ClampedArray}} picture RGBA, hardly more than the plate
 * @param {Print} print @returns {Promise<string[]>} at most three, best first; none where no plate was found
 */
export async function readPicture(picture, print) {
  const gray = grayOf(picture);
  const found = [];
  for (const way of WAYS) {
    found.push(...(await readingsOf(gray, way, print)));
    if (found.some(({ cost }) => cost < PLEASING)) break;
  }
  return best(found);
}

/** @param {Gray} gray @param {{share: number, reach: number}} way @param {Print} print @returns {Promise<Reading[]>} */
async function readingsOf(gray, { share, reach }, print) {
  const ink = piecesOf(darkIn(gray, Math.round(gray.height * reach), share), gray.width, LEAST);
  /** @type {Seen[]} */
  const seen = [];
  for (const line of straightened(ink, gray.width, linesOf(gray, ink))) seen.push(...(await seenIn(line, print)));
  const found = readings(seen);
  const doubtful = found.reduce((first, one) => (one.cost < first.cost ? one : first), found[0])?.odd ?? [];
  for (const { cell, allowed } of doubtful) cell.read.push(...(await print(cell.picture, allowed, true)));
  return doubtful.length ? readings(seen) : found;
}

/**
 * @param {{picture: Gray, cells: import("./straight.js").Cell[]}} line @param {Print} print @returns {Promise<Seen[]>}
 */
async function seenIn({ picture, cells }, print) {
  const symbols = await print(picture, LETTERS + DIGITS, false);
  const seen = [];
  for (const [n, cell] of cells.entries()) {
    const read = symbols.filter((symbol) => covers(symbol, cell.columns));
    read.sort((one, other) => other.confidence - one.confidence);
    const sure = read.length === 1 && read[0].confidence >= SURE;
    if (!sure) read.push(...(await print(cell.picture, LETTERS + DIGITS, true)));
    seen.push({ ...cell, read, begins: n === 0 });
  }
  return seen;
}

/** @param {Printed} symbol @param {[number, number]} columns @returns {boolean} */
function covers({ left, right }, [from, to]) {
  const shared = Math.min(right, to) - Math.max(left, from);
  return shared > FITS * (to - from) && shared > FITS * (right - left);
}
