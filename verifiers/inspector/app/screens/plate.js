/**
 * Has this car a permit here? Typed as it stands on the car; the umlauts stand beside the field.
 *
 * @typedef {import("../shell.js").App} App
 */

import { button, el } from "../elements.js";
import { fill, sentenceOf, clockTime, texts } from "../language.js";
import { meantPlate } from "../plate_hint.js";
import { zonesAsked } from "../scope.js";
import { ZoneChooser } from "../zone_chooser.js";

/** @param {App} app @param {string} [written] what stood in the field before */
export function plateScreen(app, written = "") {
  const { ui } = texts();
  const zone = new ZoneChooser(app);
  const message = el("p", { class: "message", role: "alert", id: "plate-problem" });
  const hint = el("p", { class: "hint", id: "plate-hint" }, ui.plateHint);
  const input = el("input", {
    id: "plate",
    class: "plate-field",
    value: written,
    maxlength: 16,
    autocomplete: "off",
    autocapitalize: "characters",
    autocorrect: "off",
    spellcheck: "false",
    enterkeyhint: "search",
    "aria-describedby": "plate-hint plate-problem",
    oninput: () => suggest(""),
  });
  const meant = el("div", { class: "meant" });
  const suggest = (/** @type {string} */ problem) => {
    message.textContent = problem;
    const other = meantPlate(input.value.trim().toUpperCase());
    meant.replaceChildren(
      ...(other ? [button(fill(ui.plateMeant, { plate: other }), () => put(other), { class: "quiet" })] : []),
    );
  };
  const look = async () => {
    const plate = input.value.trim().toUpperCase();
    if (!plate) return input.focus();
    try {
      app.show("answer", { plate, found: await app.session.lookUp(plate, zonesAsked(app.session)) });
    } catch (problem) {
      suggest(refusal(problem));
      input.focus();
    }
  };
  const put = (/** @type {string} */ plate) => {
    input.value = plate;
    suggest("");
    input.focus();
  };
  const letter = (/** @type {string} */ character) =>
    button(character, () => insert(input, character), { class: "key" });
  const element = el(
    "section",
    { class: "screen plate" },
    el("h1", { class: "unseen", tabindex: -1 }, ui.plate),
    zone.element,
    el(
      "form",
      { class: "plate-form", onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), void look()) },
      el("label", { for: "plate" }, ui.plateLabel),
      input,
      el(
        "div",
        { class: "keys", role: "group", "aria-label": ui.plateLetters },
        ...["Ä", "Ö", "Ü"].map(letter),
        button(ui.platePhoto, () => app.show("plate_photo"), { class: "quiet", icon: "camera" }),
      ),
      hint,
      message,
      meant,
      el("div", { class: "actions" }, el("button", { type: "submit", class: "primary" }, ui.plateCheck)),
    ),
  );
  return {
    element,
    title: ui.plate,
    refresh: () => zone.refresh(),
    takeCode: (/** @type {string} */ text) => app.judge(text),
    focus: input,
  };
}

/** @param {unknown} problem @returns {string} */
function refusal(problem) {
  const again = /** @type {{again?: number}} */ (problem).again;
  const sentence = sentenceOf(problem);
  return again === undefined ? sentence : `${sentence} ${fill(texts().ui.lookupsAgain, { time: clockTime(again) })}`;
}

/** Where the cursor is. @param {HTMLInputElement} input @param {string} character */
function insert(input, character) {
  const at = input.selectionStart ?? input.value.length;
  input.setRangeText(character, at, input.selectionEnd ?? at, "end");
  input.dispatchEvent(new Event("input"));
  input.focus();
}
