/**
 * A contested check that the inspector files: a note and a photograph, encrypted for the desk before it is kept, and
 * deleted once the desk has it. Nobody can open it on this device again, not even the inspector (ADR 0014).
 *
 * @typedef {import("./ground.js").Ground} Ground
 *
 * @typedef {object} Check What was shown.
 * @property {Record<string, unknown>} verdict
 * @property {unknown[]} claims
 * @property {string | null} plate
 * @property {string | null} zone
 * @property {number} at NumericDate
 */

import { WalletPassError } from "../src/errors.js";
import { ServiceRefused } from "./errors.js";
import { encryptFor } from "./jwe.js";
import { encodeBase64url } from "./jwk.js";

export const MAX_NOTE = 2000; // characters
export const LONGEST_SIDE = 1600; // pixels
const QUALITIES = [0.8, 0.6, 0.4, 0.2];
const MAX_PHOTO = 1_500_000; // bytes; encrypted and written as text it has twice as many
const ID_BYTES = 16;
const MINUTE = 60; // seconds
const REFUSED = new Set([400, 409, 413, 422]); // again if it were sent again

/** The photograph cannot be read by this browser, or not made small enough. */
export class PhotoUnreadable extends WalletPassError {
  code = "photo_unreadable";
}

export class Cases {
  #ground;
  /** Refused since the app was opened; tried again when it is opened next. @type {Set<string>} */
  #refused = new Set();

  /** @param {Pick<Ground, "store" | "post" | "device">} ground */
  constructor(ground) {
    this.#ground = ground;
  }

  /**
   * Encrypt a case and keep it. Throws `PhotoUnreadable`, or `StoreFailed` when it could not be kept.
   * @param {Check} check @param {string} note @param {Blob | null} photo
   */
  async file(check, note, photo) {
    const picture = photo && encodeBase64url(await redrawn(photo));
    const content = { note: [...note].slice(0, MAX_NOTE).join(""), ...check, photo: picture };
    const encrypted = await encryptFor(this.#ground.device().desk_key, JSON.stringify(content, plain));
    const id = encodeBase64url(crypto.getRandomValues(new Uint8Array(ID_BYTES)));
    await this.#ground.store.put("cases", id, { id, at: check.at - (check.at % MINUTE), encrypted });
  }

  /** Send those that are here, one after the other; two windows do not send at once. */
  async upload() {
    await navigator.locks.request("cases", { ifAvailable: true }, async (lock) => {
      if (!lock || (await this.count()) === 0) return;
      for (const [id, sent] of await this.#ground.store.all("cases")) {
        if (!this.#refused.has(id) && !(await this.#send(id, sent))) return;
      }
    });
  }

  /** How many are here. @returns {Promise<number>} */
  count() {
    return this.#ground.store.count("cases");
  }

  /** @param {string} id @param {unknown} sent @returns {Promise<boolean>} may the next one be sent? */
  async #send(id, sent) {
    try {
      await this.#ground.post("cases", sent);
    } catch (problem) {
      if (!(problem instanceof WalletPassError)) throw problem;
      if (!(problem instanceof ServiceRefused) || !REFUSED.has(problem.status)) return false;
      this.#refused.add(id);
      return true;
    }
    await this.#ground.store.delete("cases", id);
    return true;
  }
}

/**
 * The picture once more, at most 1600 pixels a side: as a JPEG that holds nothing but what is seen. Place, time and
 * device that a camera writes into its files stay behind.
 * @param {Blob} photo @returns {Promise<Uint8Array>}
 */
export async function redrawn(photo) {
  const picture = await createImageBitmap(photo, { imageOrientation: "from-image" }).catch(() => {
    throw new PhotoUnreadable("This photograph cannot be read; take it again.");
  });
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "#fff"; // what is transparent would become black
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  picture.close();
  for (const quality of QUALITIES) {
    const drawn = await canvas.convertToBlob({ type: "image/jpeg", quality });
    if (drawn.size <= MAX_PHOTO) return new Uint8Array(await drawn.arrayBuffer());
  }
  throw new PhotoUnreadable("This photograph cannot be made small enough; take it again.");
}

/** Numbers beyond 2^53, as JSON has them. @param {string} _ @param {unknown} value */
const plain = (_, value) => (typeof value === "bigint" ? String(value) : value);
