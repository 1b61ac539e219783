/**
 * The line above every screen: is the service there, how old are the lists, is the clock right, is there room. It leads to
 * the ages of everything.
 *
 * @typedef {import("./shell.js").App} App
 */

import { button, el, icon } from "./elements.js";
import { ago, fill, span, texts } from "./language.js";
import { reachable } from "./waiting.js";

const REPEAT = 15_000; // milliseconds: the age is said in minutes
const CLOCK_OFF = 30; // seconds; a live code is good for as long
const OLD = 12 * 3600; // seconds; the strictest type of ours takes a list for a day

export class StatusLine {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.element = el("header", { class: "status" });
    for (const kind of ["online", "offline"]) window.addEventListener(kind, () => this.refresh());
    for (const kind of ["state", "fresh", "queue"]) app.session.addEventListener(kind, () => this.refresh());
    app.installation.addEventListener("change", () => this.refresh());
    setInterval(() => this.refresh(), REPEAT);
  }

  refresh() {
    const had = this.element.contains(document.activeElement);
    this.element.replaceChildren(this.#summary(), ...this.#notices());
    if (had) this.element.querySelector("button")?.focus();
  }

  #summary() {
    const { ui } = texts();
    const { session } = this.app;
    const reached = reachable(session);
    const age = oldestList(session);
    const words = age === null ? ui.noList : fill(ui.listAge, { age: ago(age) });
    const known = !["new", "closed"].includes(session.state);
    const line = [
      el("span", { class: reached ? "dot reached" : "dot" }),
      el("span", {}, reached ? ui.online : ui.offline),
      known && el("span", { class: age === null || age > OLD ? "age old" : "age" }, words),
    ];
    if (!known) return el("p", { class: "line" }, ...line, el("strong", {}, ui.name));
    const open = () => this.app.show("state");
    return el("button", { type: "button", class: "line", onclick: open, title: ui.stateOpens }, ...line);
  }

  #notices() {
    const { ui } = texts();
    const { session, installation } = this.app;
    const off = session.clock.difference;
    const found = [];
    if (off !== null && Math.abs(off) > CLOCK_OFF) {
      const sentence = fill(off > 0 ? ui.clockAhead : ui.clockBehind, { span: span(off) });
      found.push(notice(sentence));
    }
    if (session.unsaved) found.push(notice(ui.noRoom));
    if (installation.updateReady) {
      const now = button(ui.updateNow, () => installation.useNow(), { class: "quiet" });
      found.push(el("div", { class: "notice calm" }, el("p", {}, ui.updateReady), now));
    }
    return found;
  }
}

/** @param {string} sentence */
const notice = (sentence) => el("p", { class: "notice", role: "status" }, icon("warning"), el("span", {}, sentence));

/** Seconds since the oldest status list was signed, by this clock; null: there is none. @param {App["session"]} session */
function oldestList(session) {
  const issued = session.ages().statusLists.map(({ issuedAt }) => issuedAt);
  return issued.length > 0 ? Math.max(0, Date.now() / 1000 - Math.min(...issued)) : null;
}
