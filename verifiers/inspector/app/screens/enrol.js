/**
 * Setting the device up: the invitation, scanned or pasted, then how the app is to be opened. The invitation comes in
 * the address's fragment, which reaches no server and no log.
 *
 * @typedef {import("../shell.js").App} App
 */

import { button, el } from "../elements.js";
import { sentenceOf, texts } from "../language.js";
import { pinPad, weakness } from "../pin_pad.js";
import { Viewfinder } from "../viewfinder.js";

/** @param {App} app @param {string} [link] the invitation, when it came with the address */
export function enrolScreen(app, link = "") {
  const { ui } = texts();
  const stage = el("div", { class: "stage" });
  const element = el("section", { class: "screen enrol" }, el("h1", { tabindex: -1 }, ui.enrolTitle), stage);
  /** @type {Viewfinder | null} */
  let view = null;
  const take = (/** @type {string} */ text) => {
    view?.leave(false);
    view = null;
    stage.replaceChildren(...choice(app, text.trim(), stage, begin, () => take(text)).filter((child) => child !== false));
    stage.querySelector("button")?.focus();
  };
  const scan = () => {
    view = new Viewfinder(app, take);
    stage.replaceChildren(
      view.element,
      button(ui.cancel, () => (view?.leave(false), begin("")), { class: "quiet" }),
    );
    void view.start();
  };
  const begin = (/** @type {string} */ problem) => stage.replaceChildren(...invitation(problem, scan, take));
  if (link) take(link);
  else begin("");
  return { element, title: ui.enrolTitle, takeCode: take, leave: () => view?.leave(false) };
}

/** @param {string} problem @param {() => void} scan @param {(text: string) => void} take */
function invitation(problem, scan, take) {
  const { ui } = texts();
  const field = el("input", {
    id: "link",
    type: "text",
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "none",
    "aria-describedby": "link-hint",
  });
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (field.value.trim()) take(field.value);
    else field.focus();
  };
  return [
    el("p", { class: "message", role: "alert" }, problem),
    el("p", {}, ui.enrolIntro),
    button(ui.enrolScan, scan, { class: "primary", icon: "scan" }),
    el(
      "form",
      { class: "card", onsubmit: submit },
      el("label", { for: "link" }, ui.enrolPaste),
      field,
      el("p", { class: "hint", id: "link-hint" }, ui.enrolPasteHint),
      el("button", { type: "submit", class: "quiet" }, ui.next),
    ),
  ];
}

/**
 * PIN or passkey, then the enrolment itself.
 * @param {App} app @param {string} link @param {HTMLElement} stage @param {(problem: string) => void} begin
 * @param {() => void} back to this choice
 */
function choice(app, link, stage, begin, back) {
  const { ui } = texts();
  const enrol = async (/** @type {{pin: string} | {passkey: true}} */ opening) => {
    stage.replaceChildren(el("p", { role: "status" }, ui.enrolling));
    try {
      await app.session.enrol(link, opening);
    } catch (problem) {
      begin(sentenceOf(problem));
      stage.querySelector("button")?.focus();
    }
  };
  const choosePin = () => stage.replaceChildren(...newPin(stage, (pin) => enrol({ pin }), back));
  return [
    app.session.state !== "new" && el("p", { class: "hint" }, ui.enrolReplaces),
    el("p", {}, ui.enrolHasLink),
    button(ui.choosePin, choosePin, { class: "primary", icon: "keys" }),
    button(ui.choosePasskey, () => enrol({ passkey: true }), { class: "primary", icon: "lock" }),
    el("p", { class: "hint" }, ui.passkeyHint),
    button(ui.cancel, () => begin(""), { class: "quiet" }),
  ];
}

/**
 * Twice, because nobody sees it.
 * @param {HTMLElement} stage @param {(pin: string) => void} chosen @param {() => void} back
 */
function newPin(stage, chosen, back) {
  const { ui } = texts();
  const message = el("p", { class: "message", role: "alert" });
  let first = "";
  const repeated = (/** @type {string} */ pin) => {
    if (pin === first) return chosen(pin);
    message.textContent = sentenceOf({ code: "pin_differs" });
    show(ui.pinFirst, entered, ui.next);
  };
  const entered = (/** @type {string} */ pin) => {
    const code = weakness(pin);
    message.textContent = code ? sentenceOf({ code }) : "";
    if (code) return;
    first = pin;
    show(ui.pinRepeat, repeated, ui.next);
  };
  const place = el("div", {});
  const show = (
    /** @type {string} */ label,
    /** @type {(pin: string) => void} */ next,
    /** @type {string} */ confirm,
  ) => {
    const pad = pinPad(label, next, confirm);
    place.replaceChildren(pad.element);
    if (stage.isConnected) pad.field.focus();
  };
  show(ui.pinFirst, entered, ui.next);
  return [el("p", { class: "hint" }, ui.pinHint), message, place, button(ui.back, back, { class: "quiet" })];
}
