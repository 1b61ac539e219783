/**
 * How old everything is, what this device is for, and what can be done about it: refresh, tones, language, lock.
 *
 * @typedef {import("../shell.js").App} App
 * @typedef {readonly [string, string]} Fact
 */

import { button, el } from "../elements.js";
import { ago, day, fill, labelled, sentenceOf, span, speak, texts } from "../language.js";
import { prefer, preference } from "../preferences.js";
import { facts } from "../verdict_frame.js";
import { VERSION } from "../version.js";
import { ZoneChooser } from "../zone_chooser.js";

const CLOCK_OFF = 30; // seconds

/** @param {App} app */
export function stateScreen(app) {
  const { ui } = texts();
  const list = el("div", { class: "scroll" });
  const done = el("p", { class: "message", role: "status" });
  const declined = el("p", { class: "message", role: "status" });
  const keepStorage = async () => {
    declined.textContent = "";
    await app.installation.keepStorage();
    declined.textContent = app.installation.persisted ? "" : ui.storageRefused;
  };
  const contact = async () => {
    done.textContent = ui.refreshing;
    try {
      await app.session.contactNow();
      done.textContent = ui.refreshed;
    } catch (problem) {
      done.textContent = sentenceOf(problem);
    }
  };
  const refresh = () =>
    list.replaceChildren(
      block(ui.lists, facts(ages(app)), button(ui.refresh, contact, { class: "quiet", icon: "turn" }), done),
      block(
        ui.device,
        facts(device(app)),
        new ZoneChooser(app).element,
        button(ui.lock, () => app.session.close(), { class: "quiet", icon: "lock" }),
      ),
      block(ui.app, facts(installation(app)), ...settings(app, keepStorage), declined),
    );
  refresh();
  const element = el("section", { class: "screen state" }, el("h1", { tabindex: -1 }, ui.state), list);
  return { element, title: ui.state, refresh, takeCode: (/** @type {string} */ text) => app.judge(text) };
}

/** @param {string} title @param {...import("../elements.js").Child} content */
const block = (title, ...content) => el("section", { class: "card" }, el("h2", {}, title), ...content);

/** @param {number} issuedAt NumericDate @returns {string} */
const since = (issuedAt) => ago(Date.now() / 1000 - issuedAt);

/** @param {App} app @returns {Fact[]} */
function ages({ session }) {
  const { ui } = texts();
  const { trustList, statusLists, plateList, lastContact } = session.ages();
  const several = statusLists.length > 1;
  return [
    [
      ui.trustList,
      trustList ? fill(ui.trustListOf, { version: trustList.version, age: since(trustList.issuedAt) }) : ui.missing,
    ],
    ...(statusLists.length === 0 ? [/** @type {Fact} */ ([ui.statusList, ui.missing])] : []),
    ...statusLists.map(
      ({ issuedAt }, n) =>
        /** @type {Fact} */ ([several ? fill(ui.statusListNumber, { number: n + 1 }) : ui.statusList, since(issuedAt)]),
    ),
    [
      ui.plateList,
      plateList ? fill(ui.plateListOf, { day: day(plateList.day), age: since(plateList.issuedAt) }) : ui.missing,
    ],
    [ui.lastContact, lastContact === null ? ui.never : since(lastContact)],
  ];
}

/** @param {App} app @returns {Fact[]} */
function device({ session }) {
  const { ui, units } = texts();
  const known = session.device;
  if (!known) return [];
  const names = new Map(session.passTypes().map(({ name, labels }) => [name, labelled(labels)]));
  const types = known.pass_types.map((name) => names.get(name) ?? name);
  const days = known.lock_after_days;
  return [
    [ui.deviceName, known.name],
    [ui.scope, types.join(", ") || ui.all],
    [ui.zones, known.zones.join(", ") || ui.all],
    [ui.shift, shift(known.shift)],
    [ui.locksAfter, `${days} ${units.days[days === 1 ? 0 : 1]}`],
    [ui.clock, clock(session.clock.difference)],
  ];
}

/** @param {{days: number[], from: string, until: string} | null} found @returns {string} */
function shift(found) {
  const { ui } = texts();
  if (!found) return ui.shiftAlways;
  const days = found.days.map((number) => ui.weekdays[number - 1]).join(", ");
  return fill(ui.shiftOf, { days, from: found.from, until: found.until });
}

/** @param {number | null} off seconds that the device is ahead @returns {string} */
function clock(off) {
  const { ui } = texts();
  if (off === null) return ui.clockUnknown;
  if (Math.abs(off) <= CLOCK_OFF) return ui.clockRight;
  return fill(off > 0 ? ui.clockAheadShort : ui.clockBehindShort, { span: span(off) });
}

/** @param {App} app @returns {Fact[]} */
function installation({ installation: found }) {
  const { ui } = texts();
  const storage = found.persisted === null ? ui.storageNone : found.persisted ? ui.storageKept : ui.storageLoose;
  return [
    [ui.version, VERSION],
    [ui.installed, found.updateReady ? ui.updateWaiting : found.complete ? ui.installedYes : ui.installedNo],
    [ui.storage, storage],
  ];
}

/** @param {App} app @param {() => Promise<void>} keepStorage */
function settings(app, keepStorage) {
  const { ui } = texts();
  const muted = Boolean(preference("muted"));
  const mute = () => {
    prefer("muted", !muted);
    app.redraw();
  };
  const speakOther = () => {
    speak(ui.otherLanguage);
    app.redraw();
  };
  return [
    button(muted ? ui.soundOn : ui.soundOff, mute, { class: "quiet" }),
    app.installation.persisted === false && button(ui.keepStorage, keepStorage, { class: "quiet" }),
    button(ui.other, speakOther, { class: "quiet" }),
  ];
}
