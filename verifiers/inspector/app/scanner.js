/**
 * The reader of codes: its worker, one picture at a time. While one is read the camera goes on, so the next one taken is
 * always the newest. A picture made to keep the reader busy costs a new worker, not the app.
 */

const FRAME_TIME = 4_000; // milliseconds; a hard frame takes a tenth of a second
const PHOTO_TIME = 20_000;
const PAUSE = 30; // milliseconds between two frames: the phone also has to draw

/** Why a photograph gave no text. `code` is a key of the texts. */
export class PictureRefused extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

export class Scanner {
  /** @type {Worker | null} */
  #worker = null;
  #asked = 0;
  #watching = 0;

  /** Get the reader ready before it is needed: compiling takes longer than reading. */
  warm() {
    this.#ready().postMessage({ warm: true });
  }

  #ready() {
    this.#worker ??= new Worker(new URL("./scanner_worker.js", import.meta.url), { type: "module" });
    return this.#worker;
  }

  /**
   * @param {Record<string, unknown>} question @param {number} within milliseconds @param {Transferable[]} [handed]
   * @returns {Promise<{text?: string | null, code?: string}>}
   */
  #ask(question, within, handed = []) {
    const worker = this.#ready();
    const id = ++this.#asked;
    return new Promise((resolve) => {
      const done = (/** @type {{text?: string | null, code?: string}} */ answer) => {
        clearTimeout(late);
        worker.removeEventListener("message", hear);
        worker.removeEventListener("error", fail);
        resolve(answer);
      };
      const hear = (/** @type {MessageEvent} */ event) => event.data.id === id && done(event.data);
      const fail = () => {
        this.#restart(worker);
        done({ code: "reader_failed" });
      };
      const late = setTimeout(() => {
        this.#restart(worker);
        done({ text: null, code: "image_unreadable" });
      }, within);
      worker.addEventListener("message", hear);
      worker.addEventListener("error", fail);
      worker.postMessage({ id, ...question }, handed);
    });
  }

  /** @param {Worker} worker */
  #restart(worker) {
    worker.terminate();
    if (this.#worker === worker) this.#worker = null;
  }

  /**
   * What a photograph's code says; throws `PictureRefused`.
   * @param {Blob} photo @returns {Promise<string>}
   */
  async read(photo) {
    const { text, code } = await this.#ask({ photo }, PHOTO_TIME);
    if (code) throw new PictureRefused(code);
    if (typeof text !== "string") throw new PictureRefused("no_code_found");
    return text;
  }

  /**
   * What a code in a frame says, or null. The picture is used up. Throws `PictureRefused` as `watch` does.
   * @param {ImageBitmap} picture @returns {Promise<string | null>}
   */
  async look(picture) {
    const { text, code } = await this.#ask({ picture }, FRAME_TIME, [picture]);
    if (code === "reader_failed") throw new PictureRefused(code);
    return text ?? null;
  }

  /**
   * Look at what the video shows until a code is there or `stop` is called; throws `PictureRefused` when the reader
   * itself cannot be started.
   * @param {HTMLVideoElement} video @returns {Promise<string | null>} null: stopped
   */
  async watch(video) {
    const watching = ++this.#watching;
    while (watching === this.#watching) {
      if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && video.videoWidth > 0) {
        const picture = await createImageBitmap(video).catch(() => null); // the camera may just have ended
        const text = picture && (await this.look(picture));
        if (watching !== this.#watching) return null;
        if (text !== null) return text;
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    return null;
  }

  stop() {
    this.#watching += 1;
  }
}
