/**
 * Reads QR codes from pictures, in a worker of its own: no frame leaves it, only the text found in one. Asked with
 * {id, picture: ImageBitmap} for a frame and {id, photo: Blob} for a photograph; answers {id, text: string | null} or
 * {id, code} with the key of a sentence. `{warm: true}` only gets everything ready.
 */

import { prepareZXingModule, readBarcodes } from "../vendor/zxing-wasm/dist/es/reader/index.js";
import { MAX_PHOTO, pieces } from "./pieces.js";

const WASM = new URL("../vendor/zxing-wasm/dist/reader/zxing_reader.wasm", import.meta.url).href;
const OURS = /^WP\d:/;
/** How frames are read by turns: a clear code at once, then a hard one, then one that is far away; sides in pixels. */
const TURNS = Object.freeze([
  { side: 960, look: { tryHarder: false, tryInvert: false, tryDownscale: false } },
  { side: 1280, look: {} },
  { side: Infinity, look: {} },
]);
const SEVERAL = 4; // codes looked for when the first one is none of ours
/** Passes carry QR codes only. `Plain`: the text as it is, whatever it says; the judging decides what that is. */
const OPTIONS = /** @type {import("../vendor/zxing-wasm/dist/es/reader/index.js").ReaderOptions} */ ({
  formats: ["QRCode"],
  tryHarder: true,
  tryRotate: false, // for bars; a QR code is found in any turn
  tryInvert: true, // light on dark, as some screens show it at night
  tryDownscale: true, // blur and noise disappear with the detail
  maxNumberOfSymbols: 1,
  textMode: "Plain",
});

const ready = prepareZXingModule({ overrides: { locateFile: () => WASM }, fireImmediately: true });
const canvas = new OffscreenCanvas(1, 1);
const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
  canvas.getContext("2d", { willReadFrequently: true })
);

self.addEventListener("message", async ({ data: asked }) => {
  await ready;
  if (asked.warm) return;
  try {
    const text = asked.photo ? await inPhoto(asked.photo) : await inFrame(asked.picture);
    self.postMessage({ id: asked.id, text });
  } catch (problem) {
    self.postMessage({ id: asked.id, code: problem instanceof Unreadable ? problem.code : "image_unreadable" });
  }
});

class Unreadable extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

let turn = 0;

/** @param {ImageBitmap} picture @returns {Promise<string | null>} */
async function inFrame(picture) {
  const { width, height } = picture;
  const { side, look } = TURNS[turn];
  try {
    const scale = Math.min(1, side / Math.max(width, height));
    const found = await read(picture, { left: 0, top: 0, width, height, scale }, { ...OPTIONS, ...look });
    turn = found === null ? (turn + 1) % TURNS.length : 0;
    return found;
  } finally {
    picture.close();
  }
}

/** The whole smaller, which hides noise, then its overlapping pieces: a small code in a large photograph. */
async function inPhoto(/** @type {Blob} */ photo) {
  if (photo.size > MAX_PHOTO) throw new Unreadable("image_too_large");
  const picture = await createImageBitmap(photo);
  try {
    for (const piece of pieces(picture.width, picture.height)) {
      const found = await read(picture, piece, OPTIONS);
      if (found !== null) return found;
    }
    return null;
  } finally {
    picture.close();
  }
}

/**
 * What a part of a picture says: a code of ours before any other.
 * @param {ImageBitmap} picture @param {import("./pieces.js").Piece} piece @param {typeof OPTIONS} options
 * @returns {Promise<string | null>}
 */
async function read(picture, { left, top, width, height, scale }, options) {
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  context.drawImage(picture, left, top, width, height, 0, 0, canvas.width, canvas.height);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const first = await texts(pixels, options);
  if (first.length === 0 || OURS.test(first[0])) return first[0] ?? null;
  const all = await texts(pixels, { ...options, maxNumberOfSymbols: SEVERAL });
  return all.find((text) => OURS.test(text)) ?? first[0];
}

/** @param {ImageData} pixels @param {typeof OPTIONS} options @returns {Promise<string[]>} */
async function texts(pixels, options) {
  return (await readBarcodes(pixels, options)).filter(({ isValid }) => isValid).map(({ text }) => text);
}
