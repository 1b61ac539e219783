/**
 * A check, from the text of a code to what is shown: judged, kept as a scan, compared with the day's other checks; and
 * what may follow it: the plate it was found at, and a case. What waits is handed in after each contact.
 *
 * @typedef {import("../src/verdict.js").Verdict} Verdict
 * @typedef {import("../src/types.js").KnownType} KnownType
 * @typedef {import("./ground.js").Ground} Ground
 * @typedef {import("./ground.js").Warning} Warning
 * @typedef {{name: string, label: Record<string, string>, kind: string, value: unknown}} ShownClaim
 *
 * @typedef {object} Judged
 * @property {Verdict} verdict
 * @property {ShownClaim[]} claims those that the inspector may see, of a type that this device is for
 * @property {{name: string, labels: Record<string, string>} | null} passType
 * @property {boolean} inScope
 * @property {Warning[]} warnings
 * @property {string} nonce
 * @property {boolean} stored is the scan on the disk?
 */

import { decode } from "../src/decode.js";
import { WalletPassError } from "../src/errors.js";
import { plateKey, readPlate } from "../src/licence_plate.js";
import { Outcome } from "../src/verdict.js";
import { verify } from "../src/verify.js";
import { Cases } from "./cases.js";
import { StoreFailed } from "./errors.js";
import { ScanLog, makeScan } from "./scan_log.js";
import { Uses } from "./uses.js";

const PARKING = "parking"; // the category of types whose uses are compared
const REMEMBERED = 50; // checks that a case may still follow

/** The check is of another day, too long ago, or the app was closed since. */
export class CheckGone extends WalletPassError {
  code = "check_gone";
}

/** One of the session's parts (`parts.js`). */
export class Judging {
  #ground;
  #log;
  #uses;
  #cases;
  /** @type {Map<string, import("./cases.js").Check>} by nonce */
  #checks = new Map();

  /** @param {Ground} ground */
  constructor(ground) {
    this.#ground = ground;
    this.#log = new ScanLog(ground);
    this.#uses = new Uses(ground);
    this.#cases = new Cases(ground);
  }

  /** Judge a text. The scan is kept before this resolves. @param {string} text @returns {Promise<Judged>} */
  async judge(text) {
    const { known, device, zone, now } = this.#ground;
    const [at, place, { published }] = [now(), zone(), known()];
    const verdict = await verify(text, published, at);
    const type = [...published.knownTypes.values()].find(({ name }) => name === verdict.passType) ?? null;
    const { pass_types: scope, double_use_minutes: minutes } = device();
    const inScope = verdict.passType === null || scope.length === 0 || scope.includes(verdict.passType);
    const credentialId = isUse(verdict, type) ? decode(text).credentialId : null;
    const { outcome, reason, passType } = verdict;
    const use = credentialId && (await this.#uses.report(credentialId, place, at));
    const scan = makeScan({ kind: "code", outcome, reason, pass_type: passType, zone: place, use }, at);
    const [stored, warnings] = await Promise.all([
      this.#log.keep(scan),
      credentialId ? this.#uses.keep(scan, credentialId, at, minutes) : [],
    ]);
    const claims = inScope && type ? shown(verdict, type) : [];
    this.#remember(scan.nonce, { verdict: told(verdict), claims, plate: null, zone: place, at });
    const name = type && { name: type.name, labels: Object.fromEntries(type.passType.labels) };
    return { verdict, claims, passType: name, inScope, warnings, nonce: scan.nonce, stored };
  }

  /**
   * Keep the scan of a look-up. @param {string} plate as it was typed @param {{outcome: string, reason: string}} answer
   * @returns {Promise<{nonce: string, stored: boolean}>}
   */
  async noteLookUp(plate, { outcome, reason }) {
    const [at, zone] = [this.#ground.now(), this.#ground.zone()];
    const scan = makeScan({ kind: "plate", outcome, reason, pass_type: null, zone, use: null }, at);
    const stored = await this.#log.keep(scan);
    this.#remember(scan.nonce, { verdict: { outcome, reason }, claims: [], plate, zone, at });
    return { nonce: scan.nonce, stored };
  }

  /**
   * A permit was found at this car. Throws `InvalidClaim` (`bad_plate`) or `CheckGone`.
   * @param {string} nonce @param {string} plate @returns {Promise<Warning[]>}
   */
  async confirmPlate(nonce, plate) {
    const written = readPlate(plate);
    const found = await this.#uses.confirm(nonce, plateKey(written), this.#ground.now());
    if (found === null) throw new CheckGone("This check is of another day; scan the code again.");
    const check = this.#checks.get(nonce);
    if (check) check.plate = written;
    if (found.scan) await this.#log.keep(found.scan);
    return found.warnings;
  }

  /**
   * Throws `CheckGone`, `PhotoUnreadable`, or `StoreFailed` when it could not be kept.
   * @param {{nonce: string, note: string, photo: Blob | null}} filed
   */
  async fileCase({ nonce, note, photo }) {
    const check = this.#checks.get(nonce);
    if (!check) throw new CheckGone("This check is too long ago; scan the code again.");
    await this.#cases.file(check, note, photo);
    this.#ground.changed("queue");
  }

  /** What has not arrived yet. */
  async queue() {
    const [{ waiting }, quarantined, cases] = await Promise.all([
      this.#log.counts(),
      this.#log.quarantined(),
      this.#cases.count(),
    ]);
    return { waiting, quarantined, cases };
  }

  /** Try a refused scan once more, at the next contact. @param {string} nonce */
  async retryQuarantined(nonce) {
    await this.#log.retry(nonce);
    this.#ground.changed("queue");
  }

  /** Does a scan wait in memory only, because the device has no room? */
  get unsaved() {
    return this.#log.unsaved;
  }

  /** For the desk. */
  async report() {
    return { ...(await this.#log.counts()), cases: await this.#cases.count() };
  }

  /** After a contact: tell what the service says, hand in what waits. @param {{warnings: Warning[]}} answer */
  async heard({ warnings }) {
    await this.#tell(warnings);
    try {
      await this.#tell(await this.#log.upload());
      await this.#cases.upload();
    } catch (problem) {
      if (!(problem instanceof StoreFailed)) throw problem; // what was not forgotten is sent again
    }
    this.#ground.changed("queue");
  }

  /** @param {Warning[]} warnings */
  async #tell(warnings) {
    for (const warning of await this.#uses.hear(warnings, this.#ground.now())) this.#ground.warn(warning);
  }

  /** @param {string} nonce @param {import("./cases.js").Check} check */
  #remember(nonce, check) {
    this.#checks.set(nonce, check);
    const [oldest] = this.#checks.keys();
    if (this.#checks.size > REMEMBERED) this.#checks.delete(oldest);
  }
}

/**
 * A permit that could be on two cars; a refused one is good for none.
 * @param {Verdict} verdict @param {KnownType | null} type
 */
const isUse = ({ outcome, claims }, type) =>
  claims !== null && outcome !== Outcome.REFUSED && type?.passType.category === PARKING;

/** @param {Verdict} verdict @param {KnownType} type @returns {ShownClaim[]} in the order of the type */
const shown = ({ claims }, { passType }) =>
  passType.claims
    .filter(({ name }) => claims?.has(name))
    .map(({ name, labels, kind }) => ({ name, label: Object.fromEntries(labels), kind, value: claims?.get(name) }));

/** A verdict for a case. @param {Verdict} verdict */
const told = ({ outcome, reason, passType, validUntil, statusAgeSeconds }) => ({
  outcome,
  reason,
  pass_type: passType,
  valid_until: validUntil,
  status_age_seconds: statusAgeSeconds,
});
