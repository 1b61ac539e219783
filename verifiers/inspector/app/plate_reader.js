/**
 * Proposes plates from a photograph, for the inspector to compare with the car and confirm: at most three, best first.
 * Nothing is looked up from here, so a wrong proposal harms nobody.
 *
 * Reading print is the work of tesseract.js, in a worker that is started with the first picture. Everything comes from
 * our own origin and nothing leaves the device. A page that offers this serves `PACKAGE_FILES` of node_modules under
 * one address, and its policy has `script-src 'self' 'wasm-unsafe-eval'`, `worker-src 'self'` and `connect-src 'self'`:
 * the answer with worker.min.js needs the policy too, for a worker goes by its own.
 *
 * @typedef {import("./plate_picture/gray.js").Gray} Gray
 * @typedef {import("./plate_picture/reading.js").Printed} Printed
 * @typedef {[number, number, number, number]} Frame where the plate is: x, y, width and height as parts of the picture
 */

import { WalletPassError } from "../src/errors.js";
import { readPicture } from "./plate_picture/reading.js";

const [SCRIPT, WORKER, CORE, LANGUAGE] = [
  "tesseract.js/dist/tesseract.esm.min.js",
  "tesseract.js/dist/worker.min.js",
  "tesseract.js-core/tesseract-core-simd-lstm.wasm.js",
  "@tesseract.js-data/deu/4.0.0_best_int/deu.traineddata.gz",
];
/** What the page must serve, by path below node_modules: 5.4 MB, and nothing else of these packages. */
export const PACKAGE_FILES = Object.freeze([SCRIPT, WORKER, CORE, LANGUAGE]);

const WHOLE = /** @type {Frame} */ ([0, 0, 1, 1]);
const PATIENCE = 60_000; // milliseconds, for a slow telephone's first picture too
const AREA = 200_000; // pixels of the part that is looked at
const NEURAL = 1; // tesseract's OEM_LSTM_ONLY
const [LINE, WORD] = ["7", "8"]; // its page segmentation modes; of a single character it reads a word more surely
const NO_WORDS = { load_system_dawg: "0", load_freq_dawg: "0" }; // a plate is in no dictionary

/** The picture cannot be opened. */
export class PictureUnreadable extends WalletPassError {
  code = "picture_unreadable";
}

/** What reads pictures is not here, or broke down; typing works all the same. */
export class PlateReaderUnavailable extends WalletPassError {
  code = "plate_reader_unavailable";
}

/** Pictures are read one after the other. */
export class PlateReader {
  #packages;
  /** @type {Promise<any> | null} */
  #worker = null;
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();

  /** @param {string | URL} packages the address below which `PACKAGE_FILES` are, with a slash at its end */
  constructor(packages) {
    this.#packages = new URL(packages, location.href);
  }

  /**
   * Throws `PictureUnreadable` or `PlateReaderUnavailable`.
   * @param {Blob | ImageBitmap} picture @param {Frame} [frame] the box that the inspector held the plate in
   * @returns {Promise<string[]>} plates as `readPlate` writes them; none where no plate was found
   */
  read(picture, frame = WHOLE) {
    return this.#afterwards(async () => {
      const pixels = await pixelsOf(picture, frame);
      try {
        this.#worker ??= this.#start();
        const worker = await available(this.#worker);
        return await readPicture(pixels, (gray, allowed, alone) => print(worker, gray, allowed, alone));
      } catch (problem) {
        if (problem instanceof PlateReaderUnavailable) await this.#stop();
        throw problem;
      }
    });
  }

  /** Gives the memory back, when the last picture is done; the next one starts anew. */
  close() {
    return this.#afterwards(() => this.#stop());
  }

  /**
   * @template Value
   * @param {() => Promise<Value>} work @returns {Promise<Value>}
   */
  #afterwards(work) {
    const next = this.#last.then(work);
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #stop() {
    const worker = this.#worker;
    this.#worker = null;
    worker?.then((started) => started.terminate()).catch(() => undefined); // one that never started is waited for by nobody
  }

  #start() {
    const address = (/** @type {string} */ path) => new URL(path, this.#packages).href;
    return new Promise((resolve, reject) => {
      const options = {
        workerPath: address(WORKER),
        corePath: address(CORE),
        langPath: address(LANGUAGE.slice(0, LANGUAGE.lastIndexOf("/"))),
        workerBlobURL: false, // a blob would need a wider policy
        cacheMethod: "none", // the service worker keeps the files
        errorHandler: reject, // without it, a language that cannot be loaded is never told
      };
      const script = import(address(SCRIPT));
      script
        .then(({ default: tesseract }) => tesseract.createWorker("deu", NEURAL, options, NO_WORDS))
        .then(resolve, reject);
    });
  }
}

/**
 * What the worker says, or `PlateReaderUnavailable`: one that broke down may never answer.
 * @template Value
 * @param {Promise<Value>} answer @returns {Promise<Value>}
 */
function available(answer) {
  return new Promise((resolve, reject) => {
    const sentence = "The plate cannot be read from pictures now; type it, or try again later.";
    const unavailable = () => reject(new PlateReaderUnavailable(sentence));
    const timer = setTimeout(unavailable, PATIENCE);
    answer.then(resolve, unavailable).finally(() => clearTimeout(timer));
  });
}

/**
 * The part in the frame, at the size that is looked at.
 * @param {Blob | ImageBitmap} picture @param {Frame} frame @returns {Promise<ImageData>}
 */
async function pixelsOf(picture, [x, y, width, height]) {
  const bitmap = picture instanceof ImageBitmap ? picture : await opened(picture);
  const [left, top] = [clamped(x) * bitmap.width, clamped(y) * bitmap.height];
  const [right, bottom] = [clamped(x + width) * bitmap.width, clamped(y + height) * bitmap.height];
  const [wide, tall] = [Math.max(1, right - left), Math.max(1, bottom - top)];
  const scale = Math.sqrt(AREA / (wide * tall));
  const canvas = new OffscreenCanvas(Math.ceil(wide * scale), Math.ceil(tall * scale));
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, left, top, wide, tall, 0, 0, canvas.width, canvas.height);
  if (bitmap !== picture) bitmap.close();
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** @param {Blob} picture @returns {Promise<ImageBitmap>} */
async function opened(picture) {
  try {
    return await createImageBitmap(picture);
  } catch {
    throw new PictureUnreadable("This file is no picture that can be opened; take another photograph.");
  }
}

/** @param {number} part */
const clamped = (part) => Math.min(1, Math.max(0, part));

/**
 * @param {any} worker of tesseract.js @param {Gray} gray @param {string} allowed @param {boolean} alone
 * @returns {Promise<Printed[]>}
 */
async function print(worker, gray, allowed, alone) {
  const parameters = { tessedit_pageseg_mode: alone ? WORD : LINE, tessedit_char_whitelist: allowed };
  await available(worker.setParameters(parameters));
  const { data } = await available(worker.recognize(portableGraymap(gray), {}, { blocks: true }));
  const words = (data.blocks ?? []).flatMap((/** @type {any} */ block) =>
    block.paragraphs.flatMap((/** @type {any} */ paragraph) =>
      paragraph.lines.flatMap((/** @type {any} */ line) => line.words),
    ),
  );
  return words
    .flatMap((/** @type {any} */ word) => word.symbols)
    .map((/** @type {any} */ { text, confidence, bbox }) => ({
      char: text,
      confidence,
      left: bbox.x0,
      right: bbox.x1,
    }));
}

/** The plainest picture file that there is: PGM, binary. @param {Gray} gray @returns {Uint8Array} */
function portableGraymap({ width, height, pixels }) {
  const head = new TextEncoder().encode(`P5\n${width} ${height}\n255\n`);
  const file = new Uint8Array(head.length + pixels.length);
  file.set(head);
  file.set(pixels, head.length);
  return file;
}
