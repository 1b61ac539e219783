/**
 * "At which car?": one tap on the plate that is there, or a field where the permit names none. What is kept of it is a
 * digest of the day.
 *
 * @typedef {import("./shell.js").App} App
 * @typedef {import("./session.js").Judged} Judged
 */

import { button, el } from "./elements.js";
import { fill, sentenceOf, texts } from "./language.js";
import { plateSign, warning } from "./verdict_frame.js";
import { warningSentence } from "./warnings.js";

/**
 * @param {App} app @param {Judged} judged @param {(sentences: string[]) => void} warn what the last answer means, in the
 * place of what the one before it meant
 * @returns {HTMLElement | null}
 */
export function carQuestion(app, judged, warn) {
  const { ui } = texts();
  const permit = judged.claims.some(({ kind }) => kind === "zone");
  if (!permit) return null;
  const plates = /** @type {string[]} */ (judged.claims.find(({ kind }) => kind === "plates")?.value ?? []);
  const answer = el("div", { class: "answer", role: "status" });
  const tell = (/** @type {string | null} */ noted, /** @type {string[]} */ sentences) => {
    warn(sentences);
    answer.replaceChildren(...(noted ? [noted] : []), ...sentences.map(warning));
    answer.scrollIntoView({ block: "nearest" }); // on a phone the question stands at the lower edge
  };
  const confirm = async (/** @type {string} */ plate) => {
    try {
      const found = await app.session.confirmPlate(judged.nonce, plate);
      tell(fill(ui.carConfirmed, { plate }), found.map(warningSentence));
    } catch (problem) {
      tell(sentenceOf(problem), []);
    }
  };
  const ask = plates.length > 0 ? choices(plates, confirm, () => tell(null, [ui.wrongCar])) : field(confirm);
  return el(
    "fieldset",
    { class: "card car" },
    el("legend", {}, ui.atWhichCar),
    ...ask,
    answer,
    el("p", { class: "hint" }, ui.atWhichCarHint),
  );
}

/**
 * One of them is pressed, or none yet.
 * @param {string[]} plates @param {(plate: string) => Promise<void>} confirm @param {() => void} wrong
 */
function choices(plates, confirm, wrong) {
  const offered = plates.map((plate) =>
    el("button", { type: "button", class: "choice", onclick: () => confirm(plate) }, plateSign(plate)),
  );
  const all = [...offered, button(texts().ui.anotherCar, wrong, { class: "quiet" })];
  const press = (/** @type {HTMLButtonElement | null} */ pressed) =>
    all.forEach((choice) => choice.setAttribute("aria-pressed", String(choice === pressed)));
  all.forEach((choice) => choice.addEventListener("click", () => press(choice)));
  press(null);
  return all;
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
