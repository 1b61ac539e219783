/**
 * The verdict, over the whole screen, and below it only what this inspector may see. A permit is for a car: the
 * inspector can say at which one it lies, and hears if it was at another.
 *
 * @typedef {import("../shell.js").App} App
 * @typedef {import("../session.js").Judged} Judged
 */

import { button, el } from "../elements.js";
import { ago, day, fill, labelled, texts } from "../language.js";
import { facts, plateSign, steps, verdictFrame, warning } from "../verdict_frame.js";
import { warningSentence } from "../warnings.js";
import { carQuestion } from "../which_car.js";

/** Claims that stand large: what is compared with the car or the person. */
const LARGE = new Set(["zone", "plates"]);

/** @param {App} app @param {Judged} judged */
export function verdictScreen(app, judged) {
  const { ui, outcomes, reasons, advice } = texts();
  const { verdict } = judged;
  const accepted = verdict.outcome === "accepted";
  const told = judged.inScope
    ? {
        tone: /** @type {import("../verdict_frame.js").Tone} */ (verdict.outcome),
        word: outcomes[/** @type {keyof typeof outcomes} */ (verdict.outcome)],
        reason: reasons[/** @type {keyof typeof reasons} */ (verdict.reason)],
        advice: accepted ? comparing(judged) : advice[/** @type {keyof typeof advice} */ (verdict.reason)],
      }
    : {
        tone: /** @type {const} */ ("neutral"),
        word: ui.outOfScope,
        reason: fill(ui.outOfScopeReason, { type: labelled(judged.passType?.labels) }),
        advice: ui.outOfScopeAdvice,
      };
  const ofCar = el("div", { class: "warnings" });
  const warn = (/** @type {string[]} */ found) => ofCar.replaceChildren(...found.map(warning));
  const sentences = [...zoneWarning(app, judged), ...judged.warnings.map(warningSentence)];
  if (!judged.stored) sentences.unshift(ui.notStored);
  const { element, heading } = verdictFrame({
    ...told,
    below: [
      el("div", { class: "warnings" }, ...sentences.map(warning)),
      ofCar,
      claims(judged),
      accepted && judged.inScope && carQuestion(app, judged, warn),
      judged.inScope && steps(verdict),
    ],
    actions: [
      button(ui.fileCase, () => app.show("case", judged), { class: "quiet", icon: "note" }),
      button(ui.nextCheck, () => app.home(), { class: "primary" }),
    ],
  });
  return {
    element,
    title: told.word,
    whole: true,
    focus: heading,
    tone: told.tone,
    spoken: [`${told.word}.`, told.reason, ...sentences, told.advice].join(" "),
    warned: sentences.length > 0,
    takeCode: (/** @type {string} */ text) => app.judge(text),
  };
}

/** @param {Judged} judged @returns {string} */
function comparing({ claims: shown }) {
  const { ui } = texts();
  if (shown.some(({ kind }) => kind === "zone" || kind === "plates")) return ui.compareVehicle;
  return shown.some(({ kind }) => kind === "text") ? ui.comparePhoto : "";
}

/**
 * A permit of another zone than the chosen one; where none is chosen, than the device's.
 * @param {App} app @param {Judged} judged @returns {string[]}
 */
function zoneWarning({ session }, { claims: shown, verdict }) {
  const zone = shown.find(({ kind }) => kind === "zone")?.value;
  const chosen = session.zone;
  const zones = session.device?.zones ?? [];
  if (verdict.outcome !== "accepted" || typeof zone !== "string") return [];
  if (chosen !== null) return chosen === zone ? [] : [fill(texts().warnings.other_zone, { zone, chosen })];
  if (zones.length === 0 || zones.includes(zone)) return [];
  return [fill(texts().warnings.not_our_zone, { zone, zones: zones.join(", ") })];
}

/** @param {Judged} judged */
function claims({ verdict, claims: shown, passType, inScope }) {
  const { ui } = texts();
  if (!inScope || (!passType && verdict.statusAgeSeconds === null)) return null;
  const large = shown.filter(({ kind }) => LARGE.has(kind));
  const others = shown.filter(({ kind }) => !LARGE.has(kind));
  const rows = /** @type {(readonly [string, import("../elements.js").Child] | null)[]} */ ([
    ...others.map(({ label, kind, value }) => [labelled(label), worded(kind, value)]),
    verdict.validUntil ? [ui.validUntil, day(verdict.validUntil)] : null,
    passType ? [ui.passType, labelled(passType.labels)] : null,
    verdict.statusAgeSeconds === null ? null : [ui.listWas, ago(verdict.statusAgeSeconds)],
  ]);
  return el(
    "div",
    { class: "card claims" },
    large.length > 0 && el("div", { class: "larger" }, ...large.map(largeClaim)),
    facts(rows),
  );
}

/** @param {Judged["claims"][number]} claim */
function largeClaim({ label, kind, value }) {
  const shown = Array.isArray(value) ? value.map(plateSign) : [el("strong", { class: "huge" }, String(value))];
  return el("div", { class: `large of-${kind}` }, el("span", { class: "label" }, labelled(label)), ...shown);
}

/** @param {string} kind @param {unknown} value @returns {string} */
function worded(kind, value) {
  const { ui } = texts();
  if (typeof value === "boolean") return value ? ui.yes : ui.no;
  if (Array.isArray(value)) return value.join(", ") || ui.nothing;
  return kind === "date" ? day(String(value)) : String(value);
}
