/**
 * What is dark in a picture of a plate, as connected pieces: characters, dots of umlauts, seals, rims and dirt alike.
 *
 * @typedef {import("./gray.js").Gray} Gray
 *
 * @typedef {object} Piece connected dark pixels; right and bottom are the first column and row behind them
 * @property {number} label its number in the map of labels
 * @property {number} left
 * @property {number} top
 * @property {number} right
 * @property {number} bottom
 * @property {number} area in pixels
 *
 * @typedef {{labels: Int32Array, pieces: Piece[]}} Ink `labels`: for each pixel the number of its piece, 0 for none
 */

/**
 * Marks what is darker than `share` of the mean around it, in a square of `reach` to each side: shadows do not count.
 * @param {Gray} gray @param {number} reach in pixels @param {number} share @returns {Uint8Array} 1 for dark
 */
export function darkIn({ width, height, pixels }, reach, share) {
  const sums = new Uint32Array((width + 1) * (height + 1));
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0, row = 0; x < width; x++, at++) {
      row += pixels[at];
      sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row;
    }
  }
  const dark = new Uint8Array(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    const [top, bottom] = [Math.max(0, y - reach) * (width + 1), Math.min(height, y + reach + 1) * (width + 1)];
    const rows = (bottom - top) / (width + 1);
    for (let x = 0; x < width; x++, at++) {
      const [left, right] = [Math.max(0, x - reach), Math.min(width, x + reach + 1)];
      const sum = sums[bottom + right] - sums[bottom + left] - sums[top + right] + sums[top + left];
      dark[at] = pixels[at] * rows * (right - left) < sum * share ? 1 : 0;
    }
  }
  return dark;
}

/**
 * The connected pieces of what is dark; specks below `least` pixels are no pieces.
 * @param {Uint8Array} dark @param {number} width @param {number} least @returns {Ink}
 */
export function piecesOf(dark, width, least) {
  const labels = new Int32Array(dark.length);
  const waiting = new Int32Array(dark.length);
  const pieces = [];
  for (let start = 0; start < dark.length; start++) {
    if (!dark[start] || labels[start]) continue;
    const piece = filled(dark, width, labels, waiting, start, pieces.length + 1);
    if (piece.area >= least) pieces.push(piece);
    else for (let n = 0; n < piece.area; n++) labels[waiting[n]] = -1;
  }
  return { labels, pieces };
}

/**
 * Labels the piece that a pixel belongs to; `found` then begins with its pixels.
 * @param {Uint8Array} dark @param {number} width @param {Int32Array} labels @param {Int32Array} found
 * @param {number} start @param {number} label @returns {Piece}
 */
function filled(dark, width, labels, found, start, label) {
  const piece = { label, left: width, top: dark.length, right: 0, bottom: 0, area: 0 };
  labels[start] = label;
  found[0] = start;
  for (let read = 0, known = 1; read < known; read++) {
    const at = found[read];
    const [x, y] = [at % width, Math.floor(at / width)];
    piece.area = known;
    piece.left = Math.min(piece.left, x);
    piece.right = Math.max(piece.right, x + 1);
    piece.top = Math.min(piece.top, y);
    piece.bottom = Math.max(piece.bottom, y + 1);
    for (const next of [x > 0 ? at - 1 : at, x + 1 < width ? at + 1 : at, at - width, at + width]) {
      if (dark[next] && !labels[next]) {
        labels[next] = label;
        found[known++] = next;
      }
    }
    piece.area = known;
  }
  return piece;
}

/**
 * How bright a piece is beside what surrounds it, `around` pixels to both sides: 0 is black on white, 1 no difference.
 * @param {Gray} gray @param {Ink} ink @param {Piece} piece @param {number} around @returns {number}
 */
export function toneOf({ width, pixels }, { labels }, { label, left, top, right, bottom }, around) {
  let [inked, inkSum, clear, clearSum] = [0, 0, 0, 0];
  for (let y = top; y < bottom; y++) {
    for (let x = Math.max(0, left - around); x < Math.min(width, right + around); x++) {
      const at = y * width + x;
      if (labels[at] === label) [inked, inkSum] = [inked + 1, inkSum + pixels[at]];
      else if (labels[at] === 0) [clear, clearSum] = [clear + 1, clearSum + pixels[at]];
    }
  }
  return clearSum ? (inkSum * clear) / (inked * clearSum) : 1;
}
