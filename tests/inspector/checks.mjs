// An inspector's device without screens, for a browser: the part of the session that judges, keeps and sends, on the
// ground that a test lays: the clock, the zone, the day's key, and a network that may lose what it likes.

import { decodeBase64 } from "../src/bytes.js";
import { PublishedDocuments } from "../src/published.js";
import { readAnchor } from "../src/trust.js";
import { redrawn } from "../app/cases.js";
import { NoContact, ServiceRefused } from "../app/errors.js";
import { Judging } from "../app/judging.js";
import { Store } from "../app/store.js";
import { doubleUses } from "../app/uses.js";

const HMAC = { name: "HMAC", hash: "SHA-256" };

export class Device {
  keys = new Map();
  warnings = [];

  /** `asked`: {anchor, documents: {path: Base64}, now, zone, scope, minutes, deskKey} */
  static async open(asked) {
    const device = Object.assign(new Device(), asked);
    const documents = Object.entries(asked.documents).map(([path, content]) => [path, decodeBase64(content)]);
    device.published = await new PublishedDocuments(readAnchor(asked.anchor)).refresh(new Map(documents), asked.now);
    device.store = await Store.open();
    device.judging = new Judging(device.ground());
    return device;
  }

  ground() {
    return {
      store: this.store,
      keys: {
        of: (kind, day) => this.keys.get(`${kind} ${day}`)?.key ?? null,
        held: () => ({ use: Object.fromEntries([...this.keys].map(([name, { kid }]) => [name.split(" ")[1], kid])) }),
      },
      known: () => ({ published: this.published }),
      device: () => ({ pass_types: this.scope, double_use_minutes: this.minutes, desk_key: this.deskKey }),
      zone: () => this.zone,
      now: () => this.now,
      ahead: () => this.ahead ?? 0,
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

  async giveKey(day, kid, content) {
    const key = await crypto.subtle.importKey("raw", decodeBase64(content), HMAC, false, ["sign"]);
    this.keys.set(`use ${day}`, { kid, key });
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
