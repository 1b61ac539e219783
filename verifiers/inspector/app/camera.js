/**
 * The camera: asked for, chosen and remembered, with its light and zoom where it has them. After 30 s unused it stops,
 * because it empties the battery, and says so ("rest"); a tap starts it again. Source: W3C Media Capture and Streams,
 * and MediaStream Image Capture for torch and zoom.
 */

import { el } from "./elements.js";
import { prefer, preference } from "./preferences.js";

export const REST_AFTER = 30_000; // milliseconds without a code or a touch
/** Enough for a code of 60 modules across a tenth of the picture; more would only cost time. */
const SIZE = { width: { ideal: 1920 }, height: { ideal: 1080 } };

/** Why there is no picture. `code` is a key of the texts. */
export class CameraFailed extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

const CODES = new Map([
  ["NotAllowedError", "camera_refused"],
  ["SecurityError", "camera_refused"],
  ["NotFoundError", "camera_none"],
  ["OverconstrainedError", "camera_none"],
  ["NotReadableError", "camera_busy"],
  ["AbortError", "camera_busy"],
]);

export class Camera extends EventTarget {
  /** @type {MediaStream | null} */
  #stream = null;
  #asked = 0;
  #resting = 0;

  /** Shows what the camera sees, wherever it is put. */
  video = el("video", { playsinline: true, muted: true, "aria-hidden": "true", tabindex: -1 });

  get running() {
    return this.#stream !== null;
  }

  /** Start, or start again; throws `CameraFailed`. */
  async start() {
    this.stop();
    const asked = this.#asked;
    const stream = await open(preference("camera"));
    if (asked !== this.#asked) return stopTracks(stream); // stopped while it was starting
    this.#stream = stream;
    this.#track?.addEventListener("ended", () => this.#end("end"));
    this.video.srcObject = stream;
    await this.show();
    this.touch();
  }

  /** Go on showing after the video was put somewhere else: moving it halts it. */
  async show() {
    await this.video.play().catch(() => undefined); // a page that is just being left
  }

  stop() {
    this.#asked += 1;
    clearTimeout(this.#resting);
    if (this.#stream) stopTracks(this.#stream);
    this.#stream = null;
    this.video.srcObject = null;
  }

  /** It is being used: the rest is 30 s away again. */
  touch() {
    clearTimeout(this.#resting);
    if (this.running) this.#resting = window.setTimeout(() => this.#end("rest"), REST_AFTER);
  }

  /** @param {string} why */
  #end(why) {
    if (!this.running) return;
    this.stop();
    this.dispatchEvent(new Event(why));
  }

  get #track() {
    return this.#stream?.getVideoTracks()[0] ?? null;
  }

  /** @returns {any} */
  get #capabilities() {
    return this.#track?.getCapabilities?.() ?? {};
  }

  /** All cameras, as far as the browser names them. @returns {Promise<{id: string, label: string, used: boolean}[]>} */
  async choices() {
    const found = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    const used = this.#track?.getSettings().deviceId;
    return found.map(({ deviceId, label }) => ({ id: deviceId, label, used: deviceId === used }));
  }

  /** Use another camera, now and from now on. @param {string} id */
  async choose(id) {
    prefer("camera", id);
    await this.start();
  }

  get hasTorch() {
    return Boolean(this.#capabilities.torch);
  }

  /** @param {boolean} on */
  async light(on) {
    await this.#apply({ torch: on });
  }

  /** How far the camera zooms, or null: it does not. @returns {{min: number, max: number, step: number} | null} */
  get zoomRange() {
    const { zoom } = this.#capabilities;
    return zoom && zoom.max > zoom.min ? { min: zoom.min, max: zoom.max, step: zoom.step || 0.1 } : null;
  }

  /** @param {number} factor */
  async zoom(factor) {
    await this.#apply({ zoom: factor });
  }

  /** @param {Record<string, unknown>} wanted */
  async #apply(wanted) {
    try {
      await this.#track?.applyConstraints(/** @type {any} */ ({ advanced: [wanted] }));
    } catch {
      // The camera promised more than it can; the picture goes on as it was.
    }
  }
}

/**
 * The remembered camera, or the one at the back where that is gone.
 * @param {string | null} id @returns {Promise<MediaStream>}
 */
async function open(id) {
  if (!navigator.mediaDevices?.getUserMedia) throw new CameraFailed("camera_unsupported");
  const wishes = id ? [{ deviceId: { exact: id } }] : [];
  for (const wish of [...wishes, { facingMode: { ideal: "environment" } }]) {
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...SIZE, ...wish } });
    } catch (problem) {
      const name = problem instanceof Error ? problem.name : "";
      if (!("deviceId" in wish)) throw new CameraFailed(CODES.get(name) ?? "camera_busy");
    }
  }
  throw new CameraFailed("camera_none");
}

/** @param {MediaStream} stream */
function stopTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}
