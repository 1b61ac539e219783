/**
 * The scans of this device: kept before their verdict is shown, sent until the service has them, never dropped.
 * A scan has no room for a plate, a serial or a name. Its nonce makes a second sending harmless, so whatever has no
 * answer is sent again: after a lost answer, a killed app, days without a network (ADR 0014).
 *
 * @typedef {import("./ground.js").Ground} Ground
 * @typedef {import("./ground.js").Warning} Warning
 * @typedef {{day: string, digest: string, plate: string | null, minute: number, zone: string | null}} Use
 * @typedef {{nonce: string, at: number, kind: string, outcome: string, reason: string, pass_type: string | null,
 *   zone: string | null, use: Use | null}} Scan as the service reads it
 */

import { WalletPassError } from "../src/errors.js";
import { ServiceRefused, StoreFailed } from "./errors.js";
import { encodeBase64url } from "./jwk.js";

export const MAX_BATCH = 500;
export const QUARTER = 900; // seconds
const NONCE_BYTES = 16;
const REFUSED = new Set([400, 413, 422]); // as a whole, and again if it were sent again
const UNANSWERED = "scan_unanswered"; // the service named it neither way

/**
 * A scan with a nonce of its own; its time is rounded down. `now` is a NumericDate.
 * @param {Omit<Scan, "nonce" | "at">} check @param {number} now @returns {Scan}
 */
export function makeScan(check, now) {
  const nonce = encodeBase64url(crypto.getRandomValues(new Uint8Array(NONCE_BYTES)));
  return { nonce, at: now - (now % QUARTER), ...check };
}

export class ScanLog {
  #store;
  #post;
  /** For these there is no room; they are sent from memory. @type {Map<string, Scan>} */
  #homeless = new Map();

  /** @param {Pick<Ground, "store" | "post">} ground */
  constructor({ store, post }) {
    this.#store = store;
    this.#post = post;
  }

  /**
   * Keep a scan that is to be sent. With its plate it is sent once more, beside the one without: neither can undo what
   * becomes of the other. @param {Scan} scan @returns {Promise<boolean>} is it on the disk?
   */
  async keep(scan) {
    this.#homeless.set(scan.use?.plate ? `${scan.nonce} plate` : scan.nonce, scan);
    const kept = [...this.#homeless]; // room may have come since
    try {
      await this.#store.write(kept.map(([key, value]) => ({ kind: "scans", key, value })));
    } catch (problem) {
      if (problem instanceof StoreFailed) return false;
      throw problem;
    }
    for (const [key] of kept) this.#homeless.delete(key);
    return true;
  }

  /**
   * Send what waits, until nothing does or it has to wait longer; two windows do not send at once.
   * @returns {Promise<Warning[]>} what the service says of these and earlier scans
   */
  async upload() {
    /** @type {Warning[]} */
    const warnings = [];
    await navigator.locks.request("scans", { ifAvailable: true }, async (lock) => {
      let waiting = lock ? await this.#waiting() : [];
      while (waiting.length > 0 && (await this.#sendAll(waiting, warnings))) waiting = await this.#waiting();
    });
    return warnings;
  }

  /** Are there scans in memory only? */
  get unsaved() {
    return this.#homeless.size > 0;
  }

  /** How many there are. @returns {Promise<{waiting: number, quarantined: number}>} */
  async counts() {
    const [waiting, quarantined] = await Promise.all([this.#store.count("scans"), this.#store.count("quarantine")]);
    return { waiting: waiting + this.#homeless.size, quarantined };
  }

  /** Those that the service refused, with its code. @returns {Promise<{scan: Scan, code: string}[]>} */
  async quarantined() {
    return [...(await this.#store.all("quarantine")).values()];
  }

  /** Try a refused scan once more with the next upload. @param {string} nonce */
  async retry(nonce) {
    for (const [key, { scan }] of await this.#store.all("quarantine")) {
      if (scan.nonce !== nonce) continue;
      await this.#store.write([
        { kind: "scans", key, value: scan },
        { kind: "quarantine", key },
      ]);
    }
  }

  /** @returns {Promise<[string, Scan][]>} */
  async #waiting() {
    return [...new Map([...(await this.#store.all("scans")), ...this.#homeless])];
  }

  /**
   * A batch that is refused as a whole is halved until each that is refused alone is found.
   * @param {[string, Scan][]} waiting @param {Warning[]} warnings are added here
   * @returns {Promise<boolean>} is the service there, so that what came since can be sent too?
   */
  async #sendAll(waiting, warnings) {
    const batches = [];
    for (let at = 0; at < waiting.length; at += MAX_BATCH) batches.unshift(waiting.slice(at, at + MAX_BATCH));
    for (let batch = batches.pop(); batch; batch = batches.pop()) {
      const answer = await this.#answer(batch.map(([, scan]) => scan));
      if (answer === null) return false;
      const refused = answer instanceof ServiceRefused;
      if (refused && batch.length > 1) {
        batches.push(batch.slice(batch.length >> 1), batch.slice(0, batch.length >> 1));
        continue;
      }
      const [[, { nonce }]] = batch;
      await this.#settle(batch, refused ? { received: [], rejected: [{ nonce, code: answer.code }] } : answer);
      warnings.push(...((!refused && answer.warnings) || []));
    }
    return true;
  }

  /**
   * What the service says of a batch; null: it was not reached, or this is no word on these scans.
   * @param {Scan[]} scans @returns {Promise<any>}
   */
  async #answer(scans) {
    try {
      const answer = await this.#post("scans", { scans });
      return Array.isArray(answer?.received) && Array.isArray(answer.rejected) ? answer : null;
    } catch (problem) {
      if (!(problem instanceof WalletPassError)) throw problem;
      return problem instanceof ServiceRefused && REFUSED.has(problem.status) ? problem : null;
    }
  }

  /**
   * Forget what was received, and put aside what was not.
   * @param {[string, Scan][]} sent @param {{received: string[], rejected: {nonce: string, code: string}[]}} answer
   */
  async #settle(sent, { received, rejected }) {
    const taken = new Set(received);
    const codes = new Map(rejected.map(({ nonce, code }) => [nonce, String(code)]));
    const refused = sent.filter(([, { nonce }]) => !taken.has(nonce)).map(([key, scan]) => {
      const code = codes.get(scan.nonce) ?? codes.get("") ?? UNANSWERED;
      return { kind: /** @type {const} */ ("quarantine"), key, value: { scan, code } };
    });
    const done = sent.map(([key]) => ({ kind: /** @type {const} */ ("scans"), key }));
    await this.#store.write([...refused, ...done]);
    for (const [key] of sent) this.#homeless.delete(key);
  }
}
