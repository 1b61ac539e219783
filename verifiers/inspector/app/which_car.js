/**
 * "At which car?": one tap on the plate that is there, or a field where the permit names none. What is kept of it is a
 * digest of the day.
 *
 * @typedef {import("./shell.js").App} App
 * @typedef {import("./session.js").Judged} Judged
 */

import { button, el } from "./elements.js";
import { fill, sentenceOf, texts } from "./language.js";
import { plateSign } from "./verdict_frame.js";
import { warningSentence } from "./warnings.js";

/** @param {App} app @param {Judged} judged @param {(sentence: string) => void} warn @returns {HTMLElement | null} */
export function carQuestion(app, judged, warn) {
  const { ui } = texts();
  const permit = judged.claims.some(({ kind }) => kind === "zone");
  if (!permit) return null;
  const plates = /** @type {string[]} */ (judged.claims.find(({ kind }) => kind === "plates")?.value ?? []);
  const answer = el("div", { class: "answer", role: "status" });
  const confirm = async (/** @type {string} */ plate) => {
    try {
      const found = await app.session.confirmPlate(judged.nonce, plate);
      answer.replaceChildren(fill(ui.carConfirmed, { plate }));
      found.map(warningSentence).forEach((sentence) => {
        warn(sentence);
        app.announce(sentence);
      });
    } catch (problem) {
      answer.replaceChildren(sentenceOf(problem));
    }
  };
  const wrong = () => {
    warn(ui.wrongCar);
    app.announce(ui.wrongCar);
  };
  const ask = plates.length > 0 ? choices(plates, confirm, wrong) : field(confirm);
  return el(
    "fieldset",
    { class: "card car" },
    el("legend", {}, ui.atWhichCar),
    ...ask,
    answer,
    el("p", { class: "hint" }, ui.atWhichCarHint),
  );
}

/** @param {string[]} plates @param {(plate: string) => Promise<void>} confirm @param {() => void} wrong */
function choices(plates, confirm, wrong) {
  const one = (/** @type {string} */ plate) =>
    el("button", { type: "button", class: "choice", onclick: () => confirm(plate) }, plateSign(plate));
  return [...plates.map(one), button(texts().ui.anotherCar, wrong, { class: "quiet" })];
}

/** @param {(plate: string) => Promise<void>} confirm */
function field(confirm) {
  const { ui } = texts();
  const input = el("input", {
    id: "car",
    autocapitalize: "characters",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: 16,
  });
  return [
    el("label", { for: "car" }, ui.vehiclePlate),
    input,
    button(ui.confirm, () => input.value.trim() && confirm(input.value.trim().toUpperCase()), { class: "quiet" }),
  ];
}
