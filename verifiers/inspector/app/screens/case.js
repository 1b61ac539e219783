/**
 * A contested check becomes a case: a note and a photograph, encrypted before they are kept.
 *
 * @typedef {import("../shell.js").App} App
 */

import { button, el } from "../elements.js";
import { sentenceOf, texts } from "../language.js";
import { reachable } from "../waiting.js";

/** @param {App} app @param {{nonce: string}} check the one it is about */
export function caseScreen(app, { nonce }) {
  const { ui } = texts();
  /** @type {Blob | null} */
  let photo = null;
  const message = el("p", { class: "message", role: "alert", id: "case-problem" });
  const note = el("textarea", { id: "note", rows: 4, maxlength: 2000, "aria-describedby": "case-problem" });
  const picture = el("div", { class: "taken" });
  const file = el("input", {
    type: "file",
    accept: "image/*",
    capture: "environment",
    hidden: true,
    onchange: () => take(file.files?.[0] ?? null),
  });
  const take = (/** @type {Blob | null} */ taken) => {
    photo = taken;
    file.value = "";
    release();
    const choose = button(taken ? ui.casePhotoAgain : ui.casePhoto, () => file.click(), {
      class: "quiet",
      icon: "camera",
    });
    const shown = taken && el("img", { src: URL.createObjectURL(taken), alt: ui.casePhotoOf });
    picture.replaceChildren(
      ...(shown ? [shown] : []),
      choose,
      ...(shown ? [button(ui.casePhotoRemove, () => take(null), { class: "quiet" })] : []),
    );
  };
  const release = () => {
    const shown = picture.querySelector("img");
    if (shown) URL.revokeObjectURL(shown.src);
  };
  const send = async () => {
    message.textContent = "";
    try {
      if (!note.value.trim()) throw { code: "note_missing" };
      await app.session.fileCase({ nonce, note: note.value.trim(), photo });
      app.home();
      app.notice(reachable(app.session) ? ui.caseSent : ui.caseWaits);
    } catch (problem) {
      message.textContent = sentenceOf(problem);
      note.focus();
    }
  };
  take(null);
  const element = el(
    "section",
    { class: "screen case" },
    el(
      "div",
      { class: "scroll" },
      el("h1", { tabindex: -1 }, ui.caseTitle),
      el("p", {}, ui.caseIntro),
      el("div", { class: "card" }, el("label", { for: "note" }, ui.caseNote), note, message, file, picture),
    ),
    el(
      "div",
      { class: "actions" },
      button(ui.cancel, () => app.home(), { class: "quiet" }),
      button(ui.caseSend, send, { class: "primary" }),
    ),
  );
  return { element, title: ui.caseTitle, whole: true, leave: release };
}
