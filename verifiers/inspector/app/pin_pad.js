/**
 * Digits with a thumb in a glove, or with a keyboard: the field takes typed digits, the pad adds to it, and nothing
 * shows which.
 */

import { el, icon } from "./elements.js";
import { fill, texts } from "./language.js";

export const LEAST = 6;
const MOST = 12;

/**
 * @param {string} label @param {(pin: string) => unknown} entered on Enter and on the large button
 * @param {string} confirm its words
 */
export function pinPad(label, entered, confirm) {
  const { ui } = texts();
  const count = el("p", { class: "unseen", role: "status" });
  const field = el("input", {
    id: "pin",
    class: "pin",
    type: "password",
    inputmode: "none",
    autocomplete: "off",
    maxlength: MOST,
    pattern: "[0-9]*",
    oninput: () => (field.value = field.value.replace(/\D/g, "")),
  });
  const change = (/** @type {string} */ value) => {
    field.value = value.slice(0, MOST);
    count.textContent = fill(ui.digitsEntered, { count: field.value.length });
  };
  const key = (/** @type {string} */ digit) =>
    el("button", { type: "button", class: "key", onclick: () => change(field.value + digit) }, digit);
  const erase = () => change(field.value.slice(0, -1));
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    void entered(field.value);
  };
  const element = el(
    "form",
    { class: "pin-pad", onsubmit: submit },
    el("label", { for: "pin" }, label),
    field,
    count,
    el(
      "div",
      { class: "pad" },
      ..."123456789".split("").map(key),
      el("button", { type: "button", class: "key", "aria-label": ui.erase, onclick: erase }, icon("erase")),
      key("0"),
      el("button", { type: "submit", class: "key primary" }, confirm),
    ),
  );
  return { element, field, clear: () => change("") };
}

/** Why a new PIN will not do, as a key of the texts; null: it will. @param {string} pin @returns {string | null} */
export function weakness(pin) {
  if (pin.length < LEAST) return "pin_short";
  const steps = new Set([...pin].slice(1).map((digit, n) => Number(digit) - Number(pin[n])));
  return steps.size === 1 && Math.abs([...steps][0]) <= 1 ? "pin_simple" : null;
}
