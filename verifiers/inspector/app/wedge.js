/**
 * Hand scanners that type: a burst of keys, far quicker than fingers, ending in Enter, whether or not a field has the
 * focus. They type for one keyboard; when that is another than the device's, `:` comes out as `Ö` and Y as Z. The keys
 * themselves (KeyboardEvent.code) still tell what was meant.
 */

const QUICK = 90; // milliseconds between two keys; nobody types a whole code that evenly
const LEAST = 8; // keys of a code
const QUIET = 4; // keys after which the page hears nothing of a burst: a blank presses buttons
const MOST = 4096;
const CODE = /^WP\d:/;
/** Of `KeyboardEvent.key`: what a scanner types, on another keyboard's accents too; Tab and arrows are fingers. */
const TYPES = /^(?:.|Enter|Dead|Process|Unidentified)$/u;

/** What the keys other than letters and digits type, plain and with Shift. @type {Record<string, Record<string, string>>} */
const LAYOUTS = {
  us: {
    Minus: "-_",
    Equal: "=+",
    Slash: "/?",
    Semicolon: ";:",
    Period: ".>",
    Comma: ",<",
    Digit4: "4$",
    Digit5: "5%",
    Digit8: "8*",
  },
  de: {
    Slash: "-_",
    BracketRight: "+*",
    Period: ".:",
    Comma: ",;",
    Digit4: "4$",
    Digit5: "5%",
    Digit7: "7/",
    KeyY: "ZZ",
    KeyZ: "YY",
  },
};

/** @param {KeyboardEvent} key @param {Record<string, string>} layout @returns {string} */
function meant({ code, shiftKey }, layout) {
  if (code in layout) return layout[code][shiftKey ? 1 : 0];
  if (code === "Space") return " ";
  return /^(?:Key[A-Z]|(?:Digit|Numpad)\d)$/.test(code) ? code.slice(-1) : "";
}

/** The reading that is a code of ours, else what was typed. @param {KeyboardEvent[]} keys @returns {string} */
export function readBurst(keys) {
  const typed = keys.map(({ key }) => (key.length === 1 ? key : "")).join("");
  const readings = Object.values(LAYOUTS).map((layout) => keys.map((key) => meant(key, layout)).join(""));
  return [typed, ...readings].find((reading) => CODE.test(reading)) ?? typed;
}

/**
 * Would this text be a code if the scanner typed for the device's keyboard? Said of pasted and typed texts, whose keys
 * nobody saw.
 * @param {string} text @returns {boolean}
 */
export const looksMistyped = (text) => /^WP\d(?!:)[^0-9A-Z]/i.test(text);

/** Listens to the whole page. */
export class Wedge {
  /** @type {KeyboardEvent[]} */
  #keys = [];
  #last = 0;
  /** @type {{field: HTMLInputElement | HTMLTextAreaElement, value: string} | null} */
  #before = null;

  /** @param {(text: string) => void} take @param {() => boolean} wanted is a code of use just now? */
  constructor(take, wanted) {
    this.take = take;
    this.wanted = wanted;
    window.addEventListener("keydown", (event) => this.#press(event), { capture: true });
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (["Shift", "CapsLock", "AltGraph"].includes(event.key)) return;
    if (event.ctrlKey || event.metaKey || (event.altKey && !event.getModifierState("AltGraph"))) return this.#forget();
    if (!TYPES.test(event.key)) return this.#forget();
    if (event.timeStamp - this.#last > QUICK || this.#keys.length >= MOST) this.#begin(event);
    this.#last = event.timeStamp;
    if (event.key === "Enter") {
      if (this.#keys.length >= LEAST && this.wanted()) this.#finish(event);
      return this.#forget();
    }
    this.#keys.push(event);
    if (this.#keys.length > QUIET && !isField(event.target)) event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  #begin({ target }) {
    this.#keys = [];
    this.#before = isField(target) ? { field: target, value: target.value } : null;
  }

  #forget() {
    this.#keys = [];
    this.#before = null;
  }

  /** @param {KeyboardEvent} event */
  #finish(event) {
    event.preventDefault();
    event.stopPropagation();
    if (this.#before) this.#before.field.value = this.#before.value; // what stood there before the burst
    this.take(readBurst(this.#keys));
  }
}

/** @param {EventTarget | null} target @returns {target is HTMLInputElement | HTMLTextAreaElement} */
function isField(target) {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}
