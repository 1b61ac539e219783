/**
 * The device may not check just now: suspended, locked for want of contact, or ended. What waits is still handed in.
 *
 * @typedef {import("../shell.js").App} App
 */

import { button, el, icon } from "../elements.js";
import { sentenceOf, texts } from "../language.js";
import { waitingSentence } from "../waiting.js";

/** @param {App} app */
export function stoppedScreen(app) {
  const { ui } = texts();
  const kind = /** @type {"suspended" | "locked" | "ended"} */ (app.session.state);
  const message = el("p", { class: "message", role: "status" });
  const waiting = el("p", {});
  const contact = async () => {
    message.textContent = ui.refreshing;
    try {
      await app.session.contactNow();
      message.textContent = ui.refreshed;
    } catch (problem) {
      message.textContent = sentenceOf(problem);
    }
  };
  const again = kind === "ended" ? button(ui.newInvitation, () => app.show("enrol"), { class: "primary" }) : null;
  const refresh = async () => {
    const { waiting: count } = await app.session.queue();
    waiting.textContent = waitingSentence(app.session, count);
  };
  void refresh();
  const element = el(
    "section",
    { class: "screen stopped" },
    el("div", { class: "sign" }, icon("lock")),
    el("h1", { tabindex: -1 }, ui[`${kind}Title`]),
    el("p", {}, ui[`${kind}Reason`]),
    el("p", { class: "advice" }, ui[`${kind}Advice`]),
    waiting,
    message,
    el(
      "div",
      { class: "actions" },
      kind !== "ended" && button(ui.contact, contact, { class: "primary", icon: "turn" }),
      again,
    ),
  );
  return { element, title: ui[`${kind}Title`], refresh };
}
