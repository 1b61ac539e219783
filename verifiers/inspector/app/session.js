/**
 * The one thing the screens speak to: who this device is, whether the app is open, what it knows, and when it speaks
 * with the service. What is judged and written down is done by the parts behind it (`parts.js`).
 *
 * Events: `state`, `fresh` (documents, device, ages, clock, or whether the service is there), `warning` (detail: the
 * warning), `queue`.
 *
 * @typedef {import("./device.js").Device} Device
 * @typedef {import("./device.js").Opening} Opening
 * @typedef {import("./dpop.js").ProvedRequests} ProvedRequests
 * @typedef {"new" | "closed" | "open" | "suspended" | "locked" | "ended"} State
 */

import { Contact } from "./contact.js";
import { DayKeys } from "./day_keys.js";
import { Enrolment, Identity, forget } from "./device.js";
import { NoContact, NotOpen, PinRefused, ServiceRefused, StoreFailed } from "./errors.js";
import { KnownDocuments } from "./known.js";
import { makeParts } from "./parts.js";
import { Remembered } from "./remembered.js";
import { Store } from "./store.js";
import { VERSION } from "./version.js";

const CLOSE_AFTER = 15 * 60; // seconds unseen
const TICK = 15_000; // milliseconds between looks at the clock
const DAY = 86_400;
/** @type {ReadonlyMap<string, import("./device.js").Ending>} */
const ENDINGS = new Map([
  ["device_unknown", "unknown"],
  ["device_revoked", "revoked"],
  ["device_wiped", "wiped"],
]);

export class Session extends EventTarget {
  /** @type {State} */
  state = "new";
  /** Of the device's clock against the service's, positive when it is ahead; null before the first contact. */
  clock = { difference: /** @type {number | null} */ (null) };
  /** Did the service answer at the last contact? null: none was tried yet. @type {boolean | null} */
  reached = null;
  #store;
  #remembered;
  #enrolment;
  #keys;
  #contact = new Contact(() => this.#speak());
  /** @type {Identity | null} */
  #identity = null;
  /** @type {KnownDocuments | null} */
  #known = null;
  /** @type {ProvedRequests | null} only while the app is open: it holds the token */
  #requests = null;
  #unseenSince = 0;
  #checks;
  #parts;

  /** Throws `StoreFailed` where the browser gives no store. @returns {Promise<Session>} */
  static async open() {
    const store = await Store.open();
    const session = new Session(store, await Remembered.recall(store));
    await session.#begin();
    return session;
  }

  /** @param {Store} store @param {Remembered} remembered */
  constructor(store, remembered) {
    super();
    this.#store = store;
    this.#remembered = remembered;
    this.#enrolment = new Enrolment(store);
    const time = () => this.#time();
    this.#keys = new DayKeys(store, time);
    const { checks, parts } = makeParts({
      store,
      keys: this.#keys,
      known: () => this.#knownOnes,
      device: () => /** @type {Device} */ (this.device),
      zone: () => this.zone,
      now: time,
      post: (path, body) => this.#open().post(path, body),
      changed: (kind) => this.#tell(kind),
      warn: (warning) => this.dispatchEvent(new CustomEvent("warning", { detail: warning })),
    });
    this.#checks = checks;
    this.#parts = parts;
  }

  /** @returns {Device | null} as the service last told */
  get device() {
    return this.#remembered.device;
  }

  /** @returns {"pin" | "passkey" | null} how the app is opened */
  get opening() {
    return this.#identity?.opening ?? null;
  }

  /** The zone where the inspector is, if one was chosen. @returns {string | null} */
  get zone() {
    return this.#remembered.zone;
  }

  set zone(zone) {
    this.#remembered.zone = zone;
  }

  /** Is something known in memory only, because the device has no room? */
  get unsaved() {
    return this.#known?.unsaved === true || this.#parts.some(({ unsaved }) => unsaved);
  }

  /**
   * Become the device of an invitation. Throws what `Enrolment.run` does.
   * @param {string} link @param {Opening} opening
   */
  async enrol(link, opening) {
    const { identity, requests, device, serverTime } = await this.#enrolment.run(link, opening);
    await this.#keys.drop();
    await this.#remembered.enrolled(device, now());
    this.#identity = identity;
    this.#known = new KnownDocuments(this.#store, identity.anchor);
    this.#clockSays(serverTime, 0);
    await this.#known.recall(this.#time());
    await this.#keys.keepTo(device.shift);
    void navigator.storage?.persist?.().catch(() => false); // so that the browser does not make room with our scans
    this.#enter(requests);
  }

  /** Throws `PinRefused`, `PasskeyRefused` or `StoreFailed`. @param {Opening} opening */
  async unlock(opening) {
    if (this.state !== "closed" || !this.#identity) throw new NotOpen(this.state);
    try {
      this.#enter(await this.#identity.unlock(opening, now()));
    } catch (problem) {
      if (problem instanceof PinRefused && problem.code === "pin_destroyed") await this.#end("pin");
      throw problem;
    }
  }

  /** Until the PIN or passkey is given again. Keys of the day stay, for no script can read them. */
  close() {
    this.#contact.stop();
    this.#requests = null;
    this.#settle();
  }

  /** Speak with the service now; rejects with `NoContact` when nobody answered. @returns {Promise<void>} */
  async contactNow() {
    this.#open();
    await this.#contact.now();
  }

  /** The types of pass that this device may check and that are known. */
  passTypes() {
    const { pass_types: names } = this.device ?? { pass_types: [] };
    return [...(this.#known?.published.knownTypes.values() ?? [])]
      .filter(({ name }) => !names.length || names.includes(name))
      .map(({ name, passType }) => ({
        name,
        labels: Object.fromEntries(passType.labels),
        category: passType.category,
      }));
  }

  /** The device's zones, else those of the plate lists. @returns {string[]} */
  zones() {
    if (this.device?.zones.length) return this.device.zones;
    const zones = new Set([...(this.#known?.plates.values() ?? [])].flatMap((list) => [...list.zones.keys()]));
    return [...zones].sort(new Intl.Collator("de", { numeric: true }).compare);
  }

  ages() {
    const known = this.#known?.ages(this.#time()) ?? { trustList: null, statusLists: [], plateList: null };
    return { ...known, lastContact: this.#remembered.lastContact };
  }

  /** @param {string} text */
  judge(text) {
    return this.#part("judge")(text);
  }

  /** @param {string} plate @param {readonly string[]} zones */
  lookUp(plate, zones) {
    return this.#part("lookUp")(plate, zones);
  }

  /** At which car a permit's code was found. @param {string} nonce of the scan @param {string} plate */
  confirmPlate(nonce, plate) {
    return this.#part("confirmPlate")(nonce, plate);
  }

  /** @param {{nonce: string, note: string, photo: Blob | null}} filed */
  fileCase(filed) {
    return this.#part("fileCase")(filed);
  }

  /** What is still to be handed in; known in every state. */
  async queue() {
    return (await this.#checks.queue?.()) ?? { waiting: 0, quarantined: [], cases: 0 };
  }

  /** @param {string} nonce */
  async retryQuarantined(nonce) {
    await this.#checks.retryQuarantined?.(nonce);
  }

  async #begin() {
    this.#identity = await Identity.recall(this.#store);
    if (this.#identity) {
      this.#known = new KnownDocuments(this.#store, this.#identity.anchor);
      await this.#known.recall(this.#time());
      await ignoring(StoreFailed, this.#keys.recall(this.device?.shift ?? null));
    }
    document.addEventListener("visibilitychange", () => this.#seen());
    setInterval(() => this.#tick(), TICK);
    this.#settle();
  }

  /** @param {ProvedRequests} requests */
  #enter(requests) {
    this.#requests = requests;
    this.#unseenSince = 0;
    this.#settle();
    this.#contact.start();
  }

  #open() {
    if (!this.#requests) throw new NotOpen(this.state);
    return this.#requests;
  }

  get #knownOnes() {
    if (!this.#known) throw new NotOpen(this.state);
    return this.#known;
  }

  /** @template {keyof import("./parts.js").Checks} Name @param {Name} name @returns {import("./parts.js").Checks[Name]} */
  #part(name) {
    const part = this.#checks[name];
    if (this.state !== "open" || !part) throw new NotOpen(this.state);
    return part;
  }

  /** Say what we have, hear what we may do. */
  async #speak() {
    const requests = this.#open();
    const sent = performance.now();
    let answer;
    try {
      answer = await requests.post("contact", await this.#report());
      if (typeof answer?.device !== "object" || typeof answer.documents !== "object") throw new NoContact("No answer.");
      this.reached = true;
    } catch (problem) {
      this.reached = problem instanceof ServiceRefused;
      this.#tell("fresh");
      const ending = problem instanceof ServiceRefused ? ENDINGS.get(problem.code) : undefined;
      if (ending) await this.#end(ending);
      throw problem;
    }
    this.#clockSays(answer.server_time, performance.now() - sent);
    await this.#apply(answer);
  }

  /** @param {any} answer */
  async #apply(answer) {
    const at = now();
    const { device } = answer;
    await this.#remembered.heard(device, at);
    const suspended = device.state === "suspended"; // then it may be a thief's: when it is resumed, the keys come again
    await ignoring(StoreFailed, suspended ? this.#keys.drop() : this.#keys.keepTo(device.shift));
    const identity = /** @type {Identity} */ (this.#identity);
    const replaced = await this.#keys.take(answer.keys ?? {}, identity.agreementKey);
    this.#settle();
    await this.#knownOnes.refresh(answer.documents, this.#time(), replaced);
    this.#tell("fresh");
    for (const part of this.#parts) await part.heard?.({ warnings: answer.warnings ?? [] });
  }

  async #report() {
    const parts = await Promise.all(this.#parts.map((part) => ignoring(StoreFailed, part.report?.())));
    const nothing = { waiting: 0, quarantined: 0, cases: 0, lookups: {} };
    const own = { app_version: VERSION, now: now(), keys: this.#keys.held(), ...this.#knownOnes.report() };
    return Object.assign(own, nothing, ...parts);
  }

  /**
   * The time that checks go by, a NumericDate: the service's, as far as it is known, and never before the last contact.
   * A clock that is behind would take an old list for a fresh one, and a screenshot for a live code.
   */
  #time() {
    return Math.max(now(), this.#remembered.lastContact ?? 0) - (this.clock.difference ?? 0);
  }

  /** @param {number} serverTime whole seconds @param {number} took the round trip, in milliseconds */
  #clockSays(serverTime, took) {
    const written = (Date.now() - took / 2) / 1000; // about then; and its whole second is half of one behind
    this.clock = { difference: Math.round(written - serverTime - 0.5) };
    this.#tell("fresh");
  }

  /** The device's rights have ended. What waits stays, unless it was told to delete everything. @param {string} ending */
  async #end(ending) {
    this.#contact.stop();
    this.#requests = this.#identity = this.#known = null;
    await this.#keys.drop().catch(() => undefined); // out of memory in any case
    if (ending === "wiped") await this.#store.wipe();
    else await forget(this.#store);
    await this.#remembered.ended(/** @type {any} */ (ending));
    this.#settle();
    this.#tell("queue");
  }

  #tick() {
    const unseen = this.#unseenSince && now() - this.#unseenSince > CLOSE_AFTER;
    if (unseen && this.#requests) this.close();
    void ignoring(StoreFailed, this.#keys.tidy());
    this.#settle();
  }

  #seen() {
    if (document.visibilityState === "hidden") this.#unseenSince ||= now();
    else {
      this.#tick();
      this.#unseenSince = 0;
    }
  }

  /** No contact for days; or a clock that was set back, to look as if there had been none to miss. */
  #isLocked() {
    const { device, lastContact } = this.#remembered;
    const away = now() - (lastContact ?? 0);
    return away > (device?.lock_after_days ?? 0) * DAY || away < -DAY;
  }

  #settle() {
    const before = this.state;
    if (!this.#identity) this.state = this.#remembered.ending ? "ended" : "new";
    else if (!this.#requests) this.state = "closed";
    else if (this.#isLocked()) this.state = "locked";
    else this.state = this.device?.state === "suspended" ? "suspended" : "open";
    if (this.state !== before) this.#tell("state");
  }

  /** @param {"state" | "fresh" | "queue"} kind */
  #tell(kind) {
    this.dispatchEvent(new Event(kind));
  }
}

const now = () => Math.floor(Date.now() / 1000);

/** @param {Function} kind @param {Promise<any> | undefined} work @returns {Promise<any>} nothing where it failed so */
async function ignoring(kind, work) {
  try {
    return await work;
  } catch (problem) {
    if (!(problem instanceof kind)) throw problem;
  }
}
