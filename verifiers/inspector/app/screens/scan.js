/**
 * Scanning: the camera, a photograph, typing. The zone stands above it.
 *
 * @typedef {import("../shell.js").App} App
 */

import { button, el } from "../elements.js";
import { sentenceOf, texts } from "../language.js";
import { typedCode } from "../typed_code.js";
import { Viewfinder } from "../viewfinder.js";
import { ZoneChooser } from "../zone_chooser.js";

/** @param {App} app */
export function scanScreen(app) {
  const { ui } = texts();
  const zone = new ZoneChooser(app);
  const view = new Viewfinder(app, (text) => app.judge(text));
  const message = el("p", { class: "message", role: "status" });
  const photo = el("input", { type: "file", accept: "image/*", hidden: true });
  photo.addEventListener("change", async () => {
    const [chosen] = photo.files ?? [];
    photo.value = "";
    if (!chosen) return;
    message.textContent = ui.readingPhoto;
    try {
      const text = await app.scanner.read(chosen);
      message.textContent = "";
      await app.judge(text);
    } catch (problem) {
      message.textContent = sentenceOf(problem);
    }
  });
  const element = el(
    "section",
    { class: "screen scan" },
    el("h1", { class: "unseen", tabindex: -1 }, ui.scan),
    zone.element,
    view.element,
    el(
      "div",
      { class: "actions" },
      message,
      photo,
      button(ui.choosePhoto, () => photo.click(), { class: "quiet", icon: "camera" }),
      button(ui.typeCode, () => typedCode(app), { class: "quiet", icon: "keys" }),
    ),
  );
  void view.start();
  return {
    element,
    title: ui.scan,
    refresh: () => zone.refresh(),
    leave: (/** @type {string} */ next) => view.leave(next === "verdict"),
    takeCode: (/** @type {string} */ text) => app.judge(text),
  };
}
