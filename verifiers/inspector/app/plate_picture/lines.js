/**
 * Which dark pieces are the characters of a plate: those of one height that stand in a line, or in two.
 *
 * @typedef {import("./gray.js").Gray} Gray
 * @typedef {import("./ink.js").Ink} Ink
 * @typedef {import("./ink.js").Piece} Piece
 *
 * @typedef {object} Line its characters from left to right, and the straight lines on which they stand and end
 * @property {Piece[]} characters
 * @property {number} slope of the base line, downwards
 * @property {number} base its height where x is 0
 * @property {number} height of a character
 */

import { toneOf } from "./ink.js";

const PALEST = 0.55; // of a character beside its paper; what is paler is a shadow, a seal or the car
const AROUND = 0.12; // in heights
const STEEPEST = 0.36; // 20 degrees
const SHAPES = { narrowest: 0.08, widest: 1.15 }; // a character's width in heights
const SHORTEST = 0.68; // a letter below its dots
const TALLEST = 1.2;
const STRAY = 0.14; // how far a character may stand off its line, in heights
const WIDEST_GAP = 1.9; // in heights, with the seals in it
const APART = { least: 1.02, most: 1.75, slope: 0.2 }; // from base line to base line, in heights; and their slopes
const ALIKE = 1.25; // how many times taller than its neighbour
const MOST_PIECES = 120;
const MOST_CHARACTERS = 9; // of a line, its rim included
const CROWDED = 14; // a line with more is no plate's

/**
 * The line or the two lines that are most like a plate's; none where there are no two characters.
 * @param {Gray} gray @param {Ink} ink @returns {Line[]} from top to bottom
 */
export function linesOf(gray, ink) {
  const likely = ink.pieces
    .filter((piece) => isLikely(piece, gray.height))
    .filter((piece) => toneOf(gray, ink, piece, Math.ceil(tall(piece) * AROUND)) < PALEST)
    .sort((one, other) => other.area - one.area);
  const candidates = likely.slice(0, MOST_PIECES);
  const first = bestLine(candidates);
  if (!first || first.characters.length > CROWDED) return [];
  const second = besideIt(first, candidates);
  if (!second) return [first];
  const x = middle(second.characters[0]);
  return [first, second].sort((one, other) => one.base + one.slope * x - other.base - other.slope * x);
}

/** @param {Piece} piece */
const tall = (piece) => piece.bottom - piece.top;
/** @param {Piece} piece */
const middle = (piece) => (piece.left + piece.right) / 2;

/** @param {Piece} piece @param {number} height @returns {boolean} */
function isLikely(piece, height) {
  const shape = (piece.right - piece.left) / tall(piece);
  return (
    tall(piece) > height * 0.12 && tall(piece) < height * 0.92 && shape > SHAPES.narrowest && shape < SHAPES.widest
  );
}

/** @param {number} one @param {number} other heights @returns {boolean} */
const isAlike = (one, other) => one / other < ALIKE && other / one < ALIKE;

/** Tries the line through each two pieces. @param {Piece[]} pieces @returns {Line | null} */
function bestLine(pieces) {
  /** @type {Line | null} */
  let best = null;
  let most = 0;
  for (const one of pieces) {
    for (const other of pieces) {
      const [right, height] = [middle(other) - middle(one), Math.max(tall(one), tall(other))];
      const slope = (other.bottom - one.bottom) / right;
      if (right < height * 0.3 || Math.abs(slope) > STEEPEST || !isAlike(tall(one), tall(other))) continue;
      const line = lineAt(pieces, slope, one.bottom - slope * middle(one), height);
      const rank = worth(line);
      if (rank > most) [best, most] = [line, rank];
    }
  }
  return best;
}

/**
 * The unbroken row of pieces of that height on that base line.
 * @param {Piece[]} pieces @param {number} slope @param {number} base @param {number} height @returns {Line}
 */
function lineAt(pieces, slope, base, height) {
  const on = pieces
    .filter((piece) => {
      const off = piece.bottom - base - slope * middle(piece);
      const share = tall(piece) / height;
      return Math.abs(off) < STRAY * height && share > SHORTEST && share < TALLEST;
    })
    .sort((one, other) => middle(one) - middle(other));
  let row = [];
  let longest = [];
  for (const piece of on) {
    const before = row[row.length - 1];
    if (before && piece.left - before.right > WIDEST_GAP * height) row = [];
    row.push(piece);
    if (row.length > longest.length) longest = [...row];
  }
  return { characters: longest, slope, base, height };
}

/** More characters are better, and among as many those that stand straighter. @param {Line} line @returns {number} */
function worth({ characters, slope, base, height }) {
  const off = characters.reduce((sum, piece) => sum + Math.abs(piece.bottom - base - slope * middle(piece)), 0);
  const uneven = characters.reduce((sum, piece) => sum + Math.abs(tall(piece) - height), 0);
  const count = Math.min(characters.length, MOST_CHARACTERS);
  return count - (off + uneven) / height / Math.max(1, count) + height / 10000;
}

/**
 * The other line of a plate with two: seen from the side it is not quite parallel, and it may be a single character.
 * @param {Line} line @param {Piece[]} pieces @returns {Line | null}
 */
function besideIt({ characters, slope, base, height }, pieces) {
  const [left, right] = [characters[0].left - 2 * height, characters[characters.length - 1].right + 2 * height];
  const apart = (/** @type {Piece} */ piece) => Math.abs(piece.bottom - slope * middle(piece) - base) / height;
  const near = pieces.filter((piece) => {
    const here = middle(piece) > left && middle(piece) < right && !characters.includes(piece);
    const fits = tall(piece) > height * SHORTEST && tall(piece) < height * ALIKE;
    return here && fits && apart(piece) > APART.least && apart(piece) < APART.most;
  });
  const found = near
    .filter((piece) => isAlike(tall(piece), height))
    .map((piece) => lineAt(near, slope, piece.bottom - slope * middle(piece), tall(piece)));
  const turned = bestLine(near);
  if (turned && Math.abs(turned.slope - slope) < APART.slope) found.push(turned);
  return found.reduce(
    (best, one) => (best && worth(best) >= worth(one) ? best : one),
    /** @type {Line | null} */ (null),
  );
}
