/**
 * Where the inspector stands: chosen once, kept until the next choice, in sight wherever it matters.
 *
 * @typedef {import("./shell.js").App} App
 */

import { el } from "./elements.js";
import { texts } from "./language.js";

/** @param {App} app @param {() => void} [changed] @returns {HTMLElement} */
export function zoneChooser(app, changed = () => undefined) {
  const { ui } = texts();
  const zones = app.session.zones();
  const choose = (/** @type {Event} */ { target }) => {
    app.session.zone = /** @type {HTMLSelectElement} */ (target).value.trim() || null;
    changed();
  };
  const field = zones.length > 0 ? list(app, zones, choose) : written(app, choose);
  return el("div", { class: "zone" }, el("label", { for: "zone" }, ui.zone), field);
}

/** @param {App} app @param {string[]} zones @param {(event: Event) => void} onchange */
function list({ session }, zones, onchange) {
  const option = (/** @type {string} */ value, /** @type {string} */ label) =>
    el("option", { value, selected: value === (session.zone ?? "") }, label);
  return el(
    "select",
    { id: "zone", onchange },
    option("", texts().ui.allZones),
    ...zones.map((zone) => option(zone, zone)),
  );
}

/** Before the first list is here nobody knows what zones there are. @param {App} app @param {(event: Event) => void} onchange */
function written({ session }, onchange) {
  const { allZones } = texts().ui;
  return el("input", {
    id: "zone",
    onchange,
    value: session.zone ?? "",
    placeholder: allZones,
    maxlength: 16,
    autocomplete: "off",
  });
}
