/**
 * What the camera sees, with what it can do: light, another camera, closer. A tap starts it again after a rest; two
 * fingers, a slider or two large buttons bring a code nearer. Reads codes as long as it runs.
 *
 * @typedef {import("./shell.js").App} App
 */

import { CameraFailed } from "./camera.js";
import { button, el } from "./elements.js";
import { fill, sentenceOf, texts } from "./language.js";
import { PictureRefused } from "./scanner.js";

const SAME_AGAIN = 3_000; // milliseconds in which the same code, still in sight, is not taken twice
const STEPS = 8; // presses of a button from one end of the zoom to the other

export class Viewfinder {
  /** @type {{text: string, at: number} | null} */
  static #last = null;
  #zoom = 1;
  #lit = false;
  #open = true;
  #listening = new AbortController();

  /**
   * @param {App} app
   * @param {((text: string) => Promise<void> | void) | null} take what codes say; null: it only shows
   */
  constructor(app, take) {
    this.app = app;
    this.camera = app.camera;
    this.take = take;
    this.controls = el("div", { class: "lens" });
    this.curtain = el("div", { class: "curtain" });
    this.aim = el("div", { class: take ? "aim" : "aim wide", "aria-hidden": "true" });
    this.element = el("section", { class: "viewfinder" }, this.camera.video, this.aim, this.curtain, this.controls);
    const { signal } = this.#listening;
    for (const kind of ["rest", "end"]) {
      this.camera.addEventListener(kind, () => this.#draw(texts().ui.resting), { signal });
    }
    for (const kind of ["pointerdown", "keydown"]) this.element.addEventListener(kind, () => this.camera.touch());
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#halt() : this.start()), { signal });
    this.#pinch();
  }

  async start() {
    if (!this.#open) return;
    if (this.camera.running) await this.camera.show();
    else {
      this.#draw(texts().ui.startingCamera, false);
      try {
        await this.camera.start();
      } catch (problem) {
        if (!(problem instanceof CameraFailed)) throw problem;
        return this.#draw(sentenceOf(problem), problem.code !== "camera_none", texts().ui.again);
      }
    }
    if (!this.#open || !this.camera.running) return;
    this.camera.touch();
    await this.#drawControls();
    this.#draw("");
    await this.#watch();
  }

  /**
   * What the frame on the screen shows of the picture: x, y, width and height as parts of it. The picture is cut to the
   * screen's shape (object-fit: cover).
   * @returns {[number, number, number, number]}
   */
  framed() {
    const { videoWidth, videoHeight } = this.camera.video;
    const [shown, frame] = [this.element, this.aim].map((element) => element.getBoundingClientRect());
    const scale = Math.max(shown.width / videoWidth, shown.height / videoHeight);
    const [wide, tall] = [videoWidth * scale, videoHeight * scale];
    const left = frame.left - shown.left + (wide - shown.width) / 2;
    const top = frame.top - shown.top + (tall - shown.height) / 2;
    return [left / wide, top / tall, frame.width / wide, frame.height / tall];
  }

  #halt() {
    this.app.scanner.stop();
    this.camera.stop();
  }

  /** The screen is left. Before a verdict the camera stays ready for the next check, until it rests by itself. */
  leave(/** @type {boolean} */ ready) {
    this.#open = false;
    this.#listening.abort();
    if (ready) this.app.scanner.stop();
    else this.#halt();
  }

  async #watch() {
    const { take } = this;
    if (take === null) return;
    try {
      for (let text; this.#open && (text = await this.app.scanner.watch(this.camera.video)) !== null;) {
        if (!this.camera.running || this.#seenBefore(text)) continue;
        this.camera.touch();
        await take(text);
      }
    } catch (problem) {
      if (!(problem instanceof PictureRefused)) throw problem;
      this.camera.stop();
      this.#draw(sentenceOf(problem), true, texts().ui.again);
    }
  }

  /** @param {string} text */
  #seenBefore(text) {
    const now = performance.now();
    const last = Viewfinder.#last;
    if (last && last.text === text && now - last.at < SAME_AGAIN) return true;
    Viewfinder.#last = { text, at: now };
    return false;
  }

  /** The code that was just judged may still be in sight when the next check begins. */
  static expectAnother() {
    if (Viewfinder.#last) Viewfinder.#last.at = performance.now();
  }

  /** @param {string} message empty: the picture is there @param {boolean} [startable] @param {string} [label] */
  #draw(message, startable = true, label = texts().ui.startCamera) {
    const start = button(label, () => this.start(), { class: "primary", icon: "camera" });
    this.curtain.replaceChildren(
      ...(message ? [el("p", { role: "status" }, message), ...(startable ? [start] : [])] : []),
    );
    this.curtain.hidden = message === "";
    this.controls.hidden = message !== "";
  }

  async #drawControls() {
    const { ui } = texts();
    this.#lit = false;
    const torch = button(ui.torchOn, () => this.#light(torch), { class: "round", icon: "torch" });
    torch.setAttribute("aria-pressed", "false");
    const choices = await this.camera.choices();
    this.controls.replaceChildren(
      ...(this.camera.hasTorch ? [torch] : []),
      ...(choices.length > 1 ? [this.#choice(choices)] : []),
      ...this.#zoomControls(),
    );
  }

  /** @param {HTMLButtonElement} torch */
  async #light(torch) {
    this.#lit = !this.#lit;
    torch.setAttribute("aria-pressed", String(this.#lit));
    await this.camera.light(this.#lit);
  }

  /** @param {{id: string, label: string, used: boolean}[]} choices */
  #choice(choices) {
    const { ui } = texts();
    const options = choices.map(({ id, label, used }, n) =>
      el("option", { value: id, selected: used }, label || fill(ui.cameraNumber, { number: n + 1 })),
    );
    const choose = async (/** @type {Event} */ { target }) => {
      this.app.scanner.stop();
      this.camera.stop();
      await this.camera.choose(/** @type {HTMLSelectElement} */ (target).value).catch(() => undefined);
      if (!this.camera.running) return this.start();
      await this.#drawControls();
      await this.#watch();
    };
    return el("select", { class: "cameras", "aria-label": ui.cameraChoice, onchange: choose }, ...options);
  }

  #zoomControls() {
    const { ui } = texts();
    const range = this.camera.zoomRange;
    if (!range) return [];
    this.#zoom = range.min;
    const set = (/** @type {Event} */ { target }) =>
      this.#setZoom(Number(/** @type {HTMLInputElement} */ (target).value));
    this.slider = el("input", { type: "range", ...range, value: range.min, "aria-label": ui.zoom, oninput: set });
    const step = (range.max - range.min) / STEPS;
    return [
      button(ui.farther, () => this.#setZoom(this.#zoom - step), { class: "round", icon: "minus" }),
      this.slider,
      button(ui.closer, () => this.#setZoom(this.#zoom + step), { class: "round", icon: "plus" }),
    ];
  }

  /** @param {number} factor */
  #setZoom(factor) {
    const range = this.camera.zoomRange;
    if (!range) return;
    this.#zoom = Math.min(range.max, Math.max(range.min, factor));
    if (this.slider) this.slider.value = String(this.#zoom);
    void this.camera.zoom(this.#zoom);
  }

  /** Two fingers on the picture. */
  #pinch() {
    /** @type {Map<number, PointerEvent>} */
    const fingers = new Map();
    let apart = 0;
    let from = 1;
    const distance = () => {
      const [one, other] = [...fingers.values()];
      return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    };
    this.element.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, event);
      if (fingers.size === 2) [apart, from] = [distance(), this.#zoom];
    });
    this.element.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      fingers.set(event.pointerId, event);
      if (fingers.size === 2 && apart > 0) this.#setZoom(from * (distance() / apart));
    });
    for (const kind of /** @type {const} */ (["pointerup", "pointercancel", "pointerleave"])) {
      this.element.addEventListener(kind, (event) => fingers.delete(event.pointerId));
    }
  }
}
