/**
 * The answer about a car. "Not listed" is no refusal where there are permits for changing vehicles: then it is a
 * question, and looks like one.
 *
 * @typedef {import("../shell.js").App} App
 * @typedef {import("../session.js").Found} Found
 */

import { button, el } from "../elements.js";
import { ago, counted, day, sentenceOf, texts } from "../language.js";
import { facts, plateSign, verdictFrame } from "../verdict_frame.js";

/** @param {App} app @param {{plate: string, found: Found, everywhere?: boolean}} asked */
export function answerScreen(app, { plate, found, everywhere = false }) {
  const { ui, plateOutcomes, plateReasons, plateAdvice } = texts();
  const ask = found.outcome === "none" && found.askForPermit;
  const word = plateOutcomes[ask ? "ask" : /** @type {keyof typeof plateOutcomes} */ (found.outcome)];
  const reason = /** @type {keyof typeof plateReasons} */ (found.reason);
  const advice = ask ? `${ui.askForPermit} ${ui.askForPermitWhy}` : plateAdvice[reason];
  const tone = found.outcome === "found" ? "accepted" : found.outcome === "none" && !ask ? "refused" : "undetermined";
  const { element, heading } = verdictFrame({
    tone,
    word,
    reason: plateReasons[reason],
    advice,
    below: [permits(app, plate, found, everywhere), elsewhere(app, plate, found, everywhere)],
    actions: [
      ask
        ? button(ui.scanPermit, () => app.show("scan"), { class: "quiet", icon: "scan" })
        : button(ui.fileCase, () => app.show("case", found), { class: "quiet", icon: "note" }),
      button(ui.nextPlate, () => app.show("plate"), { class: "primary" }),
    ],
  });
  return {
    element,
    title: word,
    whole: true,
    focus: heading,
    tone: /** @type {import("../verdict_frame.js").Tone} */ (tone),
    spoken: [`${plate}: ${word}.`, plateReasons[reason], advice].join(" "),
    warned: false,
    takeCode: (/** @type {string} */ text) => app.judge(text),
  };
}

/** A permit for another zone is worth knowing, but is asked for on purpose: each search is counted. */
function elsewhere(
  /** @type {App} */ app,
  /** @type {string} */ plate,
  /** @type {Found} */ found,
  /** @type {boolean} */ everywhere,
) {
  if (found.outcome === "found" || everywhere || app.session.zone === null) return null;
  const problem = el("p", { class: "message", role: "alert" });
  const look = async () => {
    try {
      const again = await app.session.lookUp(plate, app.session.device?.zones ?? []);
      app.show("answer", { plate, found: again, everywhere: true });
    } catch (refusal) {
      problem.textContent = sentenceOf(refusal);
    }
  };
  return el("div", {}, button(texts().ui.allZonesAgain, look, { class: "quiet" }), problem);
}

/** @param {App} app @param {string} plate @param {Found} found @param {boolean} everywhere */
function permits(app, plate, found, everywhere) {
  const { ui } = texts();
  const zone = everywhere ? null : app.session.zone;
  const rows = found.permits.map(({ zone: there, validUntil }) =>
    el(
      "p",
      { class: "permit" },
      el("span", { class: "label" }, ui.zone),
      el("strong", { class: "huge" }, there),
      el("span", {}, `${ui.validUntil} ${day(validUntil)}`),
    ),
  );
  const age =
    found.issuedAt === null ? null : /** @type {const} */ ([ui.listedAt, ago(Date.now() / 1000 - found.issuedAt)]);
  const left = counted(found.left, [ui.lookupsNone, ui.lookupsOne, ui.lookupsLeft]);
  return el(
    "div",
    { class: "card claims" },
    el("div", { class: "large of-plates" }, plateSign(plate)),
    ...rows,
    facts([rows.length === 0 ? [ui.zone, zone ?? ui.all] : null, age]),
    el("p", { class: "hint" }, left),
  );
}
