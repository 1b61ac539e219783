// An inspector's device without screens, for a browser: the part of the session that judges, keeps and sends, on the
// ground that a test lays: the clock, the zone, the day's key, and a network that may lose what it likes.

import { decodeBase64 } from "../src/bytes.js";
import { PublishedDocuments } from "../src/published.js";
import { readAnchor } from "../src/trust.js";
import { redrawn } from "../app/cases.js";
import { DayKeys } from "../app/day_keys.js";
import { NoContact, ServiceRefused } from "../app/errors.js";
import { Judging } from "../app/judging.js";
import { encryptFor } from "../app/jwe.js";
import { publicJwk } from "../app/jwk.js";
import { Store } from "../app/store.js";
import { doubleUses } from "../app/uses.js";

const AGREEMENT = { name: "ECDH", namedCurve: "P-256" };

export class Device {
  warnings = [];

  /** `asked`: {anchor, documents: {path: Base64}, now, zone, scope, minutes, deskKey} */
  static async open(asked) {
    const device = Object.assign(new Device(), asked);
    const documents = Object.entries(asked.documents).map(([path, content]) => [path, decodeBase64(content)]);
    device.published = await new PublishedDocuments(readAnchor(asked.anchor)).refresh(new Map(documents), asked.now);
    device.store = await Store.open();
    device.keys = new DayKeys(device.store, () => device.now);
    await device.keys.recall(null);
    device.judging = new Judging(device.ground());
    return device;
  }

  ground() {
    return {
      store: this.store,
      keys: this.keys,
      known: () => ({ published: this.published }),
      device: () => ({ pass_types: this.scope, double_use_minutes: this.minutes, desk_key: this.deskKey }),
      zone: () => this.zone,
      now: () => this.now,
      post: (path, body) => this.post(path, body),
      changed: () => undefined,
      warn: (warning) => this.warnings.push(warning),
    };
  }

  /** As `ProvedRequests` does: an answer, or one of two errors. */
  async post(path, body) {
    const answer = await window.sendToService(path, JSON.stringify(body)).catch(() => null);
    const { status, body: found } = JSON.parse(answer ?? '{"status": 503}');
    if (!found || status === 429 || status >= 500) throw new NoContact("Nobody answered, or somebody else.");
    if (status >= 400) throw new ServiceRefused(found.code ?? "refused", status);
    return found;
  }

  /** As a contact brings it, encrypted for this device. */
  async giveKey(day, kid, content) {
    const agreement = await crypto.subtle.generateKey(AGREEMENT, false, ["deriveBits"]);
    const jwe = await encryptFor(await publicJwk(agreement.publicKey), decodeBase64(content));
    await this.keys.take({ use: [{ day, kid, jwe }] }, agreement.privateKey);
  }

  /** A contact that brings no warnings; gives those that the uploads bring. */
  async uploads() {
    this.warnings = [];
    await this.judging.heard({ warnings: [] });
    return this.warnings;
  }

  /** The photograph comes as Base64. */
  fileCase(nonce, note, photo) {
    return this.judging.fileCase({ nonce, note, photo: photo && new Blob([decodeBase64(photo)]) });
  }

  /** Many checks, one after the other. */
  async judgeAll(texts) {
    const judged = [];
    for (const text of texts) judged.push(await this.judging.judge(text));
    return judged.map(({ nonce, stored }) => ({ nonce, stored }));
  }

  /** What is in a part of the store: [key, value]. */
  async stored(kind) {
    return [...(await this.store.all(kind))];
  }
}

export { doubleUses, redrawn };
