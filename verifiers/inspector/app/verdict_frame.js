/**
 * The whole screen in the colour of an answer, with its sign, its word, why, and what to do: readable in the sun, told
 * apart without colours by sign and pattern, and read out at once. Below it whatever the answer allows to be seen.
 *
 * @typedef {import("./elements.js").Child} Child
 * @typedef {"accepted" | "refused" | "undetermined" | "neutral"} Tone
 *
 * @typedef {object} Answer
 * @property {Tone} tone
 * @property {string} word
 * @property {string} reason
 * @property {string} advice
 * @property {Child[]} below
 * @property {Child[]} actions at the thumb, the most likely one last
 */

import { el, icon } from "./elements.js";
import { texts } from "./language.js";

const SIGNS = /** @type {const} */ ({ accepted: "tick", refused: "cross", undetermined: "question", neutral: "dash" });

/** @param {Answer} answer */
export function verdictFrame({ tone, word, reason, advice, below, actions }) {
  const heading = el("h1", { id: "word", tabindex: -1 }, word);
  const told = el(
    "div",
    { class: "told" },
    el("div", { class: "sign" }, icon(SIGNS[tone])),
    el("div", {}, heading, el("p", { class: "reason" }, reason), advice && el("p", { class: "advice" }, advice)),
  );
  const element = el(
    "section",
    { class: `verdict ${tone}`, "aria-labelledby": "word" },
    told,
    el("div", { class: "below" }, ...below),
    el("div", { class: "actions" }, ...actions),
  );
  return { element, heading };
}

/** What stands out about an otherwise good answer. @param {string} sentence */
export const warning = (sentence) => el("p", { class: "warning" }, icon("warning"), el("span", {}, sentence));

/** @param {(readonly [string, Child] | null)[]} rows a name and what is said about it */
export function facts(rows) {
  const shown = rows.filter((row) => row !== null);
  return el("dl", { class: "facts" }, ...shown.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

/** The six steps, to be unfolded. @param {import("../src/verdict.js").Verdict} verdict */
export function steps(verdict) {
  const words = texts();
  const row = (/** @type {readonly [string, string]} */ [step, result]) =>
    el(
      "li",
      { class: result },
      el("span", {}, words.steps[/** @type {keyof typeof words.steps} */ (step)]),
      el("strong", {}, words.results[/** @type {keyof typeof words.results} */ (result)]),
    );
  return el(
    "details",
    { class: "card" },
    el("summary", {}, words.ui.steps),
    el("ol", { class: "steps" }, ...verdict.steps.map(row)),
    el("p", { class: "hint" }, `${words.ui.code}: `, el("code", {}, verdict.reason)),
  );
}

/** A licence plate as it looks on a car. @param {string} plate */
export const plateSign = (plate) => el("span", { class: "plate-sign", translate: "no" }, plate);
