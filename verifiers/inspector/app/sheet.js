/** A dialog from the bottom edge, within the thumb's reach. Escape, the back gesture and its button close it. */

import { button, el } from "./elements.js";
import { texts } from "./language.js";

/**
 * @param {string} title @param {import("./elements.js").Child[]} content
 * @param {{label: string, action: (close: () => void) => unknown}} primary
 * @returns {HTMLDialogElement} open
 */
export function sheet(title, content, primary) {
  const close = () => dialog.close();
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    void primary.action(close);
  };
  const dialog = el(
    "dialog",
    { class: "sheet", "aria-labelledby": "sheet-title", onclose: () => dialog.remove() },
    el(
      "form",
      { method: "dialog", onsubmit: submit },
      el("h2", { id: "sheet-title" }, title),
      ...content,
      el(
        "div",
        { class: "actions" },
        button(texts().ui.cancel, close, { class: "quiet" }),
        el("button", { type: "submit", class: "primary" }, primary.label),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
