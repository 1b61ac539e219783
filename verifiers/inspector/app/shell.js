/**
 * The app around its screens: the status line above, the sections below, one screen between them, and the back gesture.
 * A screen is a function: the app and what it is about → its element, title, and what else it wants.
 *
 * @typedef {object} Screen
 * @property {HTMLElement} element
 * @property {string} title
 * @property {boolean} [whole] it needs the sections' room
 * @property {HTMLElement} [focus] else its heading
 * @property {(next: string) => void} [leave]
 * @property {() => unknown} [refresh] something has changed
 * @property {(text: string) => unknown} [takeCode] what a hand scanner typed
 * @property {import("./verdict_frame.js").Tone} [tone] it is an answer: for the ear and the hand
 * @property {string} [spoken] read out at once
 * @property {boolean} [warned]
 *
 * @typedef {import("./session.js").Session} Session
 * @typedef {import("./installation.js").Installation} Installation
 * @typedef {import("./warnings.js").Warning} Warning
 */

import { Camera } from "./camera.js";
import { button, el } from "./elements.js";
import { sentenceOf, texts } from "./language.js";
import { Scanner } from "./scanner.js";
import { PlateReader } from "./plate_reader.js";
import { looksUpPlates, opensOnPlates } from "./scope.js";
import { answerScreen } from "./screens/answer.js";
import { caseScreen } from "./screens/case.js";
import { enrolScreen } from "./screens/enrol.js";
import { openScreen } from "./screens/open.js";
import { plateScreen } from "./screens/plate.js";
import { platePhotoScreen } from "./screens/plate_photo.js";
import { protocolScreen } from "./screens/protocol.js";
import { scanScreen } from "./screens/scan.js";
import { stateScreen } from "./screens/state.js";
import { stoppedScreen } from "./screens/stopped.js";
import { verdictScreen } from "./screens/verdict.js";
import { signal } from "./signals.js";
import { StatusLine } from "./status_line.js";
import { Viewfinder } from "./viewfinder.js";
import { Wedge } from "./wedge.js";
import { warningSentence } from "./warnings.js";

/** @type {Record<string, (app: App, about: any) => Screen>} */
const SCREENS = {
  answer: answerScreen,
  case: caseScreen,
  enrol: enrolScreen,
  open: openScreen,
  plate: plateScreen,
  plate_photo: platePhotoScreen,
  protocol: protocolScreen,
  scan: scanScreen,
  state: stateScreen,
  stopped: stoppedScreen,
  verdict: verdictScreen,
};
const SECTIONS = /** @type {const} */ ([
  ["scan", "scan"],
  ["plate", "plate"],
  ["protocol", "list"],
  ["state", "gauge"],
]);
const STOPPED = ["suspended", "locked", "ended"];

export class App {
  camera = new Camera();
  scanner = new Scanner();
  plateReader = new PlateReader(new URL("../vendor/", import.meta.url));
  /** What other checks say about earlier ones, as long as the app is open. @type {Warning[]} */
  hints = [];
  /** @type {Screen | null} */
  #screen = null;
  #shown = { name: "", about: /** @type {unknown} */ (undefined) };
  #state = "";
  #judging = false;
  #knew = false;

  /** @param {Session} session @param {Installation} installation */
  constructor(session, installation) {
    this.session = session;
    this.installation = installation;
    this.status = new StatusLine(this);
    this.main = el("main", { id: "screen" });
    this.nav = el("nav", { class: "sections" });
    this.bar = el("div", { class: "bar", role: "status" });
    this.announcement = /** @type {HTMLElement} */ (document.getElementById("announcement"));
  }

  /** @param {HTMLElement} place */
  start(place) {
    place.replaceChildren(this.status.element, this.bar, this.main, this.nav);
    new Wedge(
      (text) => this.#screen?.takeCode?.(text),
      () => Boolean(this.#screen?.takeCode),
    );
    this.session.addEventListener("state", () => this.session.state !== this.#state && this.home());
    this.session.addEventListener("fresh", () => this.#refresh());
    this.session.addEventListener("queue", () => this.#screen?.refresh?.());
    this.session.addEventListener("warning", (event) => this.#hint(/** @type {CustomEvent<Warning>} */ (event).detail));
    this.installation.addEventListener("change", () => this.#screen?.refresh?.());
    window.addEventListener("popstate", () => this.home());
    window.addEventListener("hashchange", () => this.#invited());
    if (!this.#invited()) this.home();
    if (this.session.state !== "new") this.scanner.warm();
  }

  /** An invitation in the address; it is taken out of there at once. @returns {boolean} */
  #invited() {
    if (!location.hash.startsWith("#enrol=")) return false;
    const link = location.href;
    history.replaceState(null, "", location.pathname);
    this.show("enrol", link);
    return true;
  }

  /** Where the next check begins, or whatever has to be done before. */
  home() {
    this.#state = this.session.state;
    if (this.#state === "new") this.show("enrol");
    else if (this.#state === "closed") this.show("open");
    else if (STOPPED.includes(this.#state)) this.show("stopped");
    else this.show(opensOnPlates(this.session) ? "plate" : "scan");
  }

  /** The first lists say what the device is for, and with that where checks begin and which sections there are. */
  #refresh() {
    const knows = this.session.passTypes().length > 0;
    if (knows && !this.#knew && this.session.state === "open") {
      if (this.#shown.name === "scan" && opensOnPlates(this.session)) this.show("plate");
      else if (this.#screen) this.#sections(this.#shown.name, this.#screen);
    }
    this.#knew = knows;
    this.#screen?.refresh?.();
  }

  /** @param {string} name @param {unknown} [about] */
  show(name, about) {
    this.#screen?.leave?.(name);
    for (const dialog of document.querySelectorAll("dialog")) dialog.close();
    if (this.#shown.name === "verdict") Viewfinder.expectAnother();
    this.bar.replaceChildren();
    this.#shown = { name, about };
    this.#remember(name);
    const screen = SCREENS[name](this, about);
    this.#screen = screen;
    this.main.replaceChildren(screen.element);
    document.title = `${screen.title} – ${texts().ui.name}`;
    this.#sections(name, screen);
    this.status.refresh();
    const first = screen.focus ?? screen.element.querySelector("h1");
    first?.focus({ preventScroll: true });
    if (screen.tone) signal(screen.tone, screen.warned);
    if (screen.spoken) this.announce(screen.spoken);
  }

  /** Where "back" leads: from anywhere to where checks begin, from there out of the app. @param {string} name */
  #remember(name) {
    const beginning = ["enrol", "open", "stopped", "scan", "plate"].includes(name) && history.state !== "away";
    if (!beginning && history.state !== "away") history.pushState("away", "");
  }

  /** The same screen again, in another language or with another setting. */
  redraw() {
    this.show(this.#shown.name, this.#shown.about);
  }

  /** @param {string} name @param {Screen} screen */
  #sections(name, screen) {
    const { ui } = texts();
    const open = this.session.state === "open";
    const usable = { scan: open, plate: open && looksUpPlates(this.session), protocol: true, state: true };
    const known = open || this.session.state === "suspended";
    this.nav.hidden = screen.whole === true || !known;
    this.nav.setAttribute("aria-label", ui.sections);
    const tabs = SECTIONS.filter(([section]) => usable[section]).map(([section, drawing]) => {
      const tab = button(ui[section], () => this.show(section), { icon: drawing });
      if (section === name) tab.setAttribute("aria-current", "page");
      return tab;
    });
    this.nav.replaceChildren(...tabs);
    document.body.dataset.screen = name;
  }

  /** Judge a text and show the verdict. One at a time: what comes meanwhile is dropped. @param {string} text */
  async judge(text) {
    if (this.#judging || this.session.state !== "open") return;
    this.#judging = true;
    try {
      this.show("verdict", await this.session.judge(text));
    } catch (problem) {
      this.notice(sentenceOf(problem));
    } finally {
      this.#judging = false;
    }
  }

  /** Said at once to whoever listens instead of looking. @param {string} sentence */
  announce(sentence) {
    this.announcement.textContent = "";
    requestAnimationFrame(() => (this.announcement.textContent = sentence));
  }

  /** A sentence above the screen, until the next one. @param {string} sentence */
  notice(sentence) {
    const close = button(texts().ui.close, () => this.bar.replaceChildren(), { class: "quiet" });
    this.bar.replaceChildren(el("p", {}, sentence), close);
  }

  /** @param {Warning} warning about an earlier check */
  #hint(warning) {
    this.hints.unshift(warning);
    this.notice(warningSentence(warning));
    this.announce(warningSentence(warning));
    this.#screen?.refresh?.();
  }
}
