/**
 * What has not arrived yet, what was rejected and why, and what other checks say about earlier ones. Nothing is ever
 * dropped without being seen here.
 *
 * @typedef {import("../shell.js").App} App
 * @typedef {{scan: import("../session.js").Scan, code: string}} Quarantined
 */

import { button, el } from "../elements.js";
import { counted, moment, texts } from "../language.js";
import { waitingSentence } from "../waiting.js";
import { warningSentence } from "../warnings.js";

/** @param {App} app */
export function protocolScreen(app) {
  const { ui } = texts();
  const list = el("div", { class: "scroll" });
  const refresh = async () => {
    const { waiting, quarantined, cases } = await app.session.queue();
    list.replaceChildren(
      block(
        ui.waiting,
        el("p", {}, waitingSentence(app.session, waiting)),
        el("p", { class: "hint" }, ui.arrivedNotHere),
      ),
      ...(quarantined.length > 0 ? [quarantine(app, quarantined, refresh)] : []),
      block(ui.cases, el("p", {}, counted(cases, [ui.casesNone, ui.casesOne, ui.casesCount]))),
      hints(app),
    );
  };
  void refresh();
  const looks = { class: "screen protocol", tabindex: 0, "aria-label": ui.protocol }; // keys scroll it where it is long
  const element = el("section", looks, el("h1", { tabindex: -1 }, ui.protocol), list);
  return { element, title: ui.protocol, refresh, takeCode: (/** @type {string} */ text) => app.judge(text) };
}

/** @param {string} title @param {...import("../elements.js").Child} content */
const block = (title, ...content) => el("section", { class: "card" }, el("h2", {}, title), ...content);

/** @param {App} app @param {Quarantined[]} quarantined @param {() => Promise<void>} refresh */
function quarantine(app, quarantined, refresh) {
  const { ui } = texts();
  const retry = async (/** @type {string} */ nonce) => {
    await app.session.retryQuarantined(nonce);
    await refresh();
  };
  const row = (/** @type {Quarantined} */ { scan, code }) =>
    el(
      "li",
      {},
      el("strong", {}, moment(scan.at)),
      el("span", {}, `${scan.kind === "plate" ? ui.kindPlate : ui.kindCode}: ${outcome(scan)}`),
      el("span", { class: "why" }, rejection(code), " ", el("code", {}, code)),
      button(ui.retry, () => retry(scan.nonce), { class: "quiet", icon: "send" }),
    );
  return block(ui.quarantine, el("p", {}, ui.quarantineIntro), el("ul", { class: "rows" }, ...quarantined.map(row)));
}

/** @param {import("../session.js").Scan} scan @returns {string} */
function outcome({ outcome: found, kind }) {
  const { outcomes, plateOutcomes } = texts();
  const words = /** @type {Record<string, string>} */ (kind === "plate" ? plateOutcomes : outcomes);
  return words[found] ?? found;
}

/** @param {string} code @returns {string} */
function rejection(code) {
  const { rejections } = texts();
  return Object.hasOwn(rejections, code)
    ? rejections[/** @type {keyof typeof rejections} */ (code)]
    : rejections.rejected;
}

/** @param {App} app */
function hints(app) {
  const { ui } = texts();
  if (app.hints.length === 0) return block(ui.hints, el("p", {}, ui.hintsNone));
  const rows = app.hints.map((hint) => el("li", {}, warningSentence(hint)));
  return block(ui.hints, el("ul", { class: "rows" }, ...rows));
}
