/**
 * Where the inspector stands: chosen once, kept until the next choice, in sight wherever it matters.
 *
 * @typedef {import("./shell.js").App} App
 */

import { el } from "./elements.js";
import { texts } from "./language.js";

export class ZoneChooser {
  #app;
  #offered = "";

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    this.element = el("div", { class: "zone" });
    this.refresh();
  }

  /** Draw it anew when there are other zones than before; a list in use stays. */
  refresh() {
    const zones = this.#app.session.zones();
    const offered = JSON.stringify(zones);
    if (offered === this.#offered) return;
    this.#offered = offered;
    const label = el("label", { for: "zone" }, texts().ui.zone);
    this.element.replaceChildren(label, zones.length > 0 ? this.#list(zones) : this.#written());
  }

  /** @param {string[]} zones */
  #list(zones) {
    const { session } = this.#app;
    const option = (/** @type {string} */ value, /** @type {string} */ label) =>
      el("option", { value, selected: value === (session.zone ?? "") }, label);
    const all = option("", texts().ui.allZones);
    return el("select", { id: "zone", onchange: this.#choose }, all, ...zones.map((zone) => option(zone, zone)));
  }

  /** Before the first list is here nobody knows what zones there are. */
  #written() {
    const { allZones } = texts().ui;
    const value = this.#app.session.zone ?? "";
    const looks = { value, placeholder: allZones, maxlength: 16, autocomplete: "off", autocapitalize: "characters" };
    return el("input", { id: "zone", onchange: this.#choose, ...looks });
  }

  #choose = (/** @type {Event} */ { target }) => {
    this.#app.session.zone = /** @type {HTMLSelectElement} */ (target).value.trim().toUpperCase() || null;
  };
}
