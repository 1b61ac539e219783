/**
 * Pictures in shades of gray, for reading plates.
 *
 * @typedef {object} Gray one byte a pixel, row by row; 0 is black
 * @property {number} width
 * @property {number} height
 * @property {Uint8ClampedArray} pixels
 */

const RANGE = [0.02, 0.98]; // what is darker or lighter than so many of the pixels becomes black or white
const WHITE = 255;

/** @param {number} width @param {number} height @returns {Gray} */
export function blank(width, height) {
  return { width, height, pixels: new Uint8ClampedArray(width * height).fill(WHITE) };
}

/**
 * The brightest of the three colours counts: black stays black, while the seals and the blue field fade. What is dim
 * is stretched from black to white.
 * @param {{width: number, height: number, data: Uint8ClampedArray}} picture RGBA @returns {Gray}
 */
export function grayOf({ width, height, data }) {
  const pixels = new Uint8ClampedArray(width * height);
  for (let n = 0; n < pixels.length; n++) pixels[n] = Math.max(data[4 * n], data[4 * n + 1], data[4 * n + 2]);
  const counts = new Uint32Array(256);
  for (const value of pixels) counts[value]++;
  const [low, high] = RANGE.map((share) => {
    let left = share * pixels.length;
    return counts.findIndex((count) => (left -= count) <= 0);
  });
  const factor = WHITE / Math.max(1, high - low);
  return { width, height, pixels: pixels.map((value) => (value - low) * factor) };
}

/** The columns `from` … `to` of one picture, copied into another at column `x`. */
export function copy(
  /** @type {Gray} */ source,
  /** @type {number} */ from,
  /** @type {number} */ to,
  /** @type {Gray} */ target,
  /** @type {number} */ x,
) {
  for (let y = 0; y < source.height; y++) {
    target.pixels.set(source.pixels.subarray(y * source.width + from, y * source.width + to), y * target.width + x);
  }
}

/** The first column with something dark, and the first behind the last one. @param {Gray} picture @returns {number[]} */
export function inkedColumns({ width, height, pixels }) {
  const inked = new Uint8Array(width);
  for (let at = 0; at < width * height; at++) if (pixels[at] < WHITE / 2) inked[at % width] = 1;
  const last = inked.lastIndexOf(1);
  return last < 0 ? [0, width] : [inked.indexOf(1), last + 1];
}
