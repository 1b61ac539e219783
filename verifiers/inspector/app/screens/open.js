/**
 * Opening the app: with the PIN or the passkey that was chosen at enrolment.
 *
 * @typedef {import("../shell.js").App} App
 */

import { button, el } from "../elements.js";
import { clockTime, fill, sentenceOf, texts } from "../language.js";
import { pinPad } from "../pin_pad.js";

/** @param {App} app */
export function openScreen(app) {
  const { ui } = texts();
  const message = el("p", { class: "message", role: "alert" });
  const unlock = async (/** @type {{pin: string} | {passkey: true}} */ opening) => {
    message.textContent = ui.opening;
    try {
      await app.session.unlock(opening);
    } catch (problem) {
      pad?.clear();
      message.textContent = refusal(problem);
      pad?.field.focus();
    }
  };
  const passkey = app.session.opening === "passkey";
  const pad = passkey ? null : pinPad(ui.pin, (pin) => unlock({ pin }), ui.open);
  const element = el(
    "section",
    { class: "screen open" },
    el("h1", { tabindex: -1 }, ui.openTitle),
    message,
    pad
      ? pad.element
      : el(
          "div",
          { class: "actions" },
          button(ui.openWithPasskey, () => unlock({ passkey: true }), { class: "primary", icon: "lock" }),
        ),
  );
  return { element, title: ui.openTitle, focus: pad?.field };
}

/** @param {unknown} problem @returns {string} */
function refusal(problem) {
  const again = /** @type {{again?: number}} */ (problem).again;
  const sentence = sentenceOf(problem);
  return again === undefined ? sentence : `${sentence} ${fill(texts().ui.openAgain, { time: clockTime(again) })}`;
}
