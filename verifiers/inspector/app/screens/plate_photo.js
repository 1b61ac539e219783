/**
 * A plate from a photograph: held in the frame, read on the device, proposed, and looked up only after the inspector has
 * compared it with the car.
 *
 * @typedef {import("../shell.js").App} App
 */

import { button, el } from "../elements.js";
import { sentenceOf, texts } from "../language.js";
import { plateSign } from "../verdict_frame.js";
import { Viewfinder } from "../viewfinder.js";

/** @param {App} app */
export function platePhotoScreen(app) {
  const { ui } = texts();
  const view = new Viewfinder(app, null);
  const message = el("p", { class: "message", role: "status" }, ui.plateAim);
  const proposals = el("div", { class: "proposals" });
  const file = el("input", { type: "file", accept: "image/*", hidden: true });
  const read = async (/** @type {Promise<Blob | ImageBitmap>} */ picture, /** @type {any} */ frame) => {
    message.textContent = ui.plateReading;
    proposals.replaceChildren();
    try {
      const found = await app.plateReader.read(await picture, frame);
      message.textContent = found.length > 0 ? ui.plateProposed : sentenceOf({ code: "plate_unreadable" });
      proposals.replaceChildren(...found.map((plate) => proposal(app, plate)));
      proposals.querySelector("button")?.focus();
    } catch (problem) {
      message.textContent = sentenceOf(problem);
    }
  };
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (chosen) void read(Promise.resolve(chosen), undefined);
  });
  const take = () => {
    view.camera.touch();
    if (view.camera.running) void read(createImageBitmap(view.camera.video), view.framed());
    else file.click();
  };
  const element = el(
    "section",
    { class: "screen scan" },
    el("h1", { class: "unseen", tabindex: -1 }, ui.platePhoto),
    view.element,
    el(
      "div",
      { class: "actions" },
      message,
      proposals,
      file,
      button(ui.cancel, () => app.show("plate"), { class: "quiet" }),
      button(ui.choosePhoto, () => file.click(), { class: "quiet", icon: "camera" }),
      button(ui.plateTake, take, { class: "primary" }),
    ),
  );
  void view.start();
  return { element, title: ui.platePhoto, whole: true, leave: () => view.leave(false) };
}

/** @param {App} app @param {string} plate */
function proposal(app, plate) {
  return el("button", { type: "button", class: "choice", onclick: () => app.show("plate", plate) }, plateSign(plate));
}
