/**
 * How a photograph is cut up for reading: the whole at less detail first (noise and blur go with it), then overlapping
 * pieces at full detail for a small code in a large picture. As `verifiers/images.py` does it.
 *
 * @typedef {{left: number, top: number, width: number, height: number, scale: number}} Piece
 *   pixels of the picture, and how many of the reader's one of them becomes
 */

export const MAX_PHOTO = 40 << 20; // bytes; a phone's largest have about 20 MB
export const LONG_SIDE = 4000; // pixels; more detail finds nothing more
const WHOLE = 1600; // pixels of the long side that are read at once
const PIECE = 1500;
const STEP = 1000;

/** @param {number} width @param {number} height of the picture @returns {Piece[]} in the order to read them */
export function pieces(width, height) {
  const long = Math.max(width, height);
  const whole = { left: 0, top: 0, width, height, scale: Math.min(1, WHOLE / long) };
  if (long <= WHOLE) return [whole];
  const scale = Math.min(1, LONG_SIDE / long);
  const found = [whole];
  for (let top = 0; top === 0 || top + (PIECE - STEP) / scale < height; top += STEP / scale) {
    for (let left = 0; left === 0 || left + (PIECE - STEP) / scale < width; left += STEP / scale) {
      const size = PIECE / scale;
      found.push({ left, top, width: Math.min(size, width - left), height: Math.min(size, height - top), scale });
    }
  }
  return found;
}
