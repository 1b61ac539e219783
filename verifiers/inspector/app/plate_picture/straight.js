/**
 * A line of a plate as a reader of print wants it: level, of one height, black on white, its characters evenly set and
 * nothing else beside them. Seals, rim and dirt are left out because they are no characters of the line.
 *
 * @typedef {import("./gray.js").Gray} Gray
 * @typedef {import("./ink.js").Ink} Ink
 * @typedef {import("./ink.js").Piece} Piece
 * @typedef {import("./lines.js").Line} Line
 * @typedef {{base: (x: number) => number, height: (x: number) => number}} Frame where characters stand, how tall they are
 *
 * @typedef {object} Cell one character
 * @property {Gray} picture it alone
 * @property {[number, number]} columns where it is in the picture of its line
 * @property {number} gap to the one before it, in heights
 * @property {boolean} dotted are there dots above it?
 */

import { blank, copy, inkedColumns } from "./gray.js";

const HEIGHT = 48; // pixels of a character
const MARGIN = 14; // pixels around the line
const SPACE = 9; // pixels between characters
const ENOUGH = 5; // characters that tell how the line runs
const SAMPLES = 3; // to each side, for each pixel
const SLANTS = [-0.32, -0.24, -0.16, -0.08, 0, 0.08, 0.16, 0.24, 0.32];
const REACH = { above: 0.2, below: 0.12 }; // of a character's pieces beyond its line, in heights
const SHORT = 0.87; // in heights: a letter with dots above it is no taller
const DOT = 0.35; // in heights: a dot is no taller

/**
 * @param {Ink} ink @param {number} width of the picture @param {Line[]} lines of one plate
 * @returns {{picture: Gray, cells: Cell[]}[]}
 */
export function straightened(ink, width, lines) {
  const frames = lines.map(fitted);
  const slant = slantOf(ink, width, lines, frames);
  return lines.map((line, n) => laidOut(ink, width, line, frames[n], slant));
}

/** One line. @returns {{picture: Gray, cells: Cell[]}} */
function laidOut(
  /** @type {Ink} */ ink,
  /** @type {number} */ width,
  /** @type {Line} */ line,
  /** @type {Frame} */ frame,
  /** @type {number} */ slant,
) {
  const parts = line.characters.map((character) => {
    const pieces = piecesOfOne(ink.pieces, character, frame);
    return {
      dotted: isDotted(character, pieces, frame, line),
      drawn: upright(ink, width, character, pieces, frame, slant),
    };
  });
  const inked = parts.map(({ drawn }) => inkedColumns(drawn));
  const whole = inked.reduce((sum, [from, to]) => sum + to - from + SPACE, 2 * MARGIN - SPACE);
  const picture = blank(whole, HEIGHT + 2 * MARGIN);
  let x = MARGIN;
  const cells = parts.map(({ dotted, drawn }, n) => {
    const [from, to] = inked[n];
    const alone = blank(to - from + 2 * MARGIN, drawn.height);
    copy(drawn, from, to, alone, MARGIN);
    copy(drawn, from, to, picture, x);
    const columns = /** @type {[number, number]} */ ([x, x + to - from]);
    x += to - from + SPACE;
    const before = line.characters[n - 1];
    return {
      picture: alone,
      columns,
      gap: before ? (line.characters[n].left - before.right) / line.height : 0,
      dotted,
    };
  });
  return { picture, cells };
}

/** @param {Piece} piece */
const middle = ({ left, right }) => (left + right) / 2;
/** @param {Piece} piece */
const tall = ({ top, bottom }) => bottom - top;

/**
 * Both may rise or fall towards the line's far end. Of few characters nothing is told by their heights: those with
 * dots seem shorter.
 * @param {Line} line @returns {Frame}
 */
function fitted({ characters, slope, base }) {
  const places = characters.map(middle);
  const heights = characters.map(tall);
  if (characters.length < ENOUGH) {
    const tallest = Math.max(...heights);
    return { base: (x) => base + slope * x, height: () => tallest };
  }
  const feet = characters.map(({ bottom }) => bottom);
  return { base: through(places, feet), height: through(places, heights) };
}

/**
 * The straight line with the median slope and offset (Theil and Sen): a few odd points do not move it.
 * @param {number[]} xs @param {number[]} ys @returns {(x: number) => number}
 */
function through(xs, ys) {
  const slope = median(xs.flatMap((x, n) => xs.slice(0, n).map((other, m) => (ys[m] - ys[n]) / (other - x))));
  const offset = median(xs.map((x, n) => ys[n] - slope * x));
  return (x) => offset + slope * x;
}

/** @param {number[]} values @returns {number} */
const median = (values) => values.sort((one, other) => one - other)[values.length >> 1];

/**
 * The pieces of one character: itself, its dots, and what a scratch has cut off.
 * @param {Piece[]} pieces @param {Piece} character @param {Frame} frame @returns {Piece[]}
 */
function piecesOfOne(pieces, character, { base, height }) {
  const [foot, full] = [base(middle(character)), height(middle(character))];
  const [highest, lowest] = [foot - full * (1 + REACH.above), foot + full * REACH.below];
  return pieces.filter((piece) => {
    const beside = middle(piece) > character.left && middle(piece) < character.right;
    return piece === character || (beside && piece.top > highest && piece.bottom < lowest);
  });
}

/**
 * A letter with dots is the shorter one among others, even where its dots have run into the rim.
 * @param {Piece} character @param {Piece[]} pieces @param {Frame} frame @param {Line} line @returns {boolean}
 */
function isDotted(character, pieces, { height }, { characters }) {
  const full = height(middle(character));
  const ends = character.top + tall(character) * 0.2;
  const dots = pieces.filter((piece) => piece !== character && piece.bottom < ends && tall(piece) < full * DOT);
  return tall(character) < full * SHORT && (dots.length > 0 || characters.length >= ENOUGH);
}

/**
 * How far the characters lean: upright, their ink falls into the fewest columns.
 * @param {Ink} ink @param {number} width @param {Line[]} lines @param {Frame[]} frames @returns {number}
 */
function slantOf({ labels }, width, lines, frames) {
  const sharpness = SLANTS.map((slant) => {
    /** @type {Map<number, number>} */
    const columns = new Map();
    for (const [piece, n] of lines.flatMap(({ characters }, n) => characters.map((piece) => [piece, n]))) {
      const foot = frames[n].base(middle(piece));
      for (let y = piece.top; y < piece.bottom; y += 2) {
        for (let x = piece.left; x < piece.right; x++) {
          if (labels[y * width + x] !== piece.label) continue;
          const column = (n << 16) + Math.round(x + slant * (y - foot));
          columns.set(column, (columns.get(column) ?? 0) + 1);
        }
      }
    }
    return [...columns.values()].reduce((sum, count) => sum + count * count, 0);
  });
  return SLANTS[sharpness.indexOf(Math.max(...sharpness))];
}

/** One character, upright and of full height, with room beside it. @returns {Gray} */
function upright(
  /** @type {Ink} */ { labels },
  /** @type {number} */ width,
  /** @type {Piece} */ character,
  /** @type {Piece[]} */ pieces,
  /** @type {Frame} */ { base, height },
  /** @type {number} */ slant,
) {
  const wanted = new Set(pieces.map(({ label }) => label));
  const [foot, scale] = [base(middle(character)), height(middle(character)) / HEIGHT];
  const lean = Math.abs(slant) * HEIGHT * scale;
  const left = character.left - lean;
  const drawn = blank(Math.ceil((character.right + lean - left) / scale), HEIGHT + 2 * MARGIN);
  for (let at = 0; at < drawn.pixels.length; at++) {
    const [u, v] = [at % drawn.width, Math.floor(at / drawn.width)];
    let dark = 0;
    for (let n = 0; n < SAMPLES * SAMPLES; n++) {
      const y = foot + (v - MARGIN - HEIGHT + (Math.floor(n / SAMPLES) + 0.5) / SAMPLES) * scale;
      const x = left + (u + ((n % SAMPLES) + 0.5) / SAMPLES) * scale - slant * (y - foot);
      if (wanted.has(labels[Math.floor(y) * width + Math.floor(x)])) dark++;
    }
    drawn.pixels[at] *= 1 - dark / (SAMPLES * SAMPLES);
  }
  return drawn;
}
