/**
 * This device: two keys that never leave it, the token that the service gave, sealed, and the trust anchor. How it is
 * enrolled, opened and ended (ADR 0012).
 *
 * @typedef {import("./dpop.js").SigningKey} SigningKey
 * @typedef {import("./jwe.js").Jwk} Jwk
 * @typedef {import("./pin.js").PinSeal} PinSeal
 * @typedef {import("./passkey.js").PasskeySeal} PasskeySeal
 * @typedef {import("./shift.js").Shift} Shift
 * @typedef {import("./store.js").Store} Store
 * @typedef {{pin: string} | {passkey: true}} Opening
 * @typedef {{signing: SigningKey, agreement: {privateKey: CryptoKey, jwk: Jwk}}} DeviceKeys
 * @typedef {"revoked" | "unknown" | "wiped" | "pin"} Ending why a device has ended
 *
 * @typedef {object} Device as the service tells it of itself; empty lists mean all, no shift always
 * @property {string} id
 * @property {string} name
 * @property {"active" | "suspended"} state
 * @property {string[]} pass_types
 * @property {string[]} zones
 * @property {Shift | null} shift
 * @property {number} lock_after_days
 * @property {number} lookups_per_hour
 * @property {number} double_use_minutes
 * @property {Jwk} desk_key that cases are encrypted for
 */

import { sha256 } from "../src/bytes.js";
import { AnchorInvalid } from "../src/errors.js";
import { readAnchor } from "../src/trust.js";
import { ProvedRequests } from "./dpop.js";
import { AnchorMismatch, InvitationInvalid, NoContact } from "./errors.js";
import { encodeBase64url, publicJwk } from "./jwk.js";
import { createPasskey, openWithPasskey, sealForPasskey } from "./passkey.js";
import { checkPin, openWithPin, sealWithPin } from "./pin.js";
import { VERSION } from "./version.js";

const INVITATION = /^#enrol=([A-Za-z0-9_-]{16,64})\.([A-Za-z0-9_-]{43})$/;
const IDENTITY = "device";
const ATTEMPTS = "attempts";

/** An enrolled device, or what is left of one that has ended. */
export class Identity {
  #store;
  #kept;

  /**
   * @param {Store} store
   * @param {{keys: DeviceKeys, seal: PinSeal | PasskeySeal, anchor: string}} kept
   */
  constructor(store, kept) {
    this.#store = store;
    this.#kept = kept;
  }

  /** Who this device is, if it was enrolled. @param {Store} store @returns {Promise<Identity | null>} */
  static async recall(store) {
    const kept = await store.get("identity", IDENTITY);
    return kept ? new Identity(store, kept) : null;
  }

  /** How it is opened. @returns {"pin" | "passkey"} */
  get opening() {
    return this.#kept.seal.kind;
  }

  /** The trust anchor (PEM), compared with the invitation. @returns {string} */
  get anchor() {
    return this.#kept.anchor;
  }

  /** What keys of a day are encrypted for. @returns {CryptoKey} */
  get agreementKey() {
    return this.#kept.keys.agreement.privateKey;
  }

  /**
   * Requests as this device. Throws `PinRefused` (after `pin_destroyed` the caller forgets all), `PasskeyRefused` or
   * `StoreFailed`.
   * @param {Opening} opening @param {number} now NumericDate @returns {Promise<ProvedRequests>}
   */
  async unlock(opening, now) {
    const { seal, keys } = this.#kept;
    if (seal.kind === "passkey") {
      const { token, count } = await openWithPasskey(seal);
      seal.count = count;
      await this.#store.put("identity", IDENTITY, this.#kept);
      return new ProvedRequests(keys.signing, token);
    }
    const pin = "pin" in opening ? opening.pin : "";
    return new ProvedRequests(keys.signing, await openWithPin(this.#store, seal, pin, now));
  }
}

/** Delete token and keys; what is still to be handed in stays. @param {Store} store @returns {Promise<void>} */
export async function forget(store) {
  await store.clear(["identity", "keys"]);
}

/** Enrolling, with the same keys as often as it takes: the service's first answer may be lost on its way. */
export class Enrolment {
  #store;
  /** @type {{code: string, keys: DeviceKeys} | null} */
  #tried = null;

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
  }

  /**
   * Throws `InvitationInvalid`, `PinRefused`, `PasskeyRefused`, `NoContact`, `ServiceRefused` (`enrolment_refused`),
   * `AnchorMismatch` or `StoreFailed`; then nothing was stored.
   * @param {string} link @param {Opening} opening
   * @returns {Promise<{identity: Identity, requests: ProvedRequests, device: Device, serverTime: number}>}
   */
  async run(link, opening) {
    const { code, anchor } = readInvitation(link);
    if ("pin" in opening) checkPin(opening.pin);
    const passkey = "pin" in opening ? null : await createPasskey();
    const keys = this.#tried?.code === code ? this.#tried.keys : await createKeys();
    this.#tried = { code, keys };
    const answer = await new ProvedRequests(keys.signing).post("enrolment", {
      code,
      agreement_key: keys.agreement.jwk,
      app_version: VERSION,
    });
    if (typeof answer?.token !== "string" || typeof answer.device !== "object") throw new NoContact("No enrolment.");
    await checkAnchor(answer.anchor, anchor);
    const token = answer.token;
    const seal = "pin" in opening ? await sealWithPin(opening.pin, token) : await sealForPasskey(passkey, token);
    const kept = { keys, seal, anchor: answer.anchor };
    await this.#store.write([
      { kind: "identity", key: IDENTITY, value: kept },
      { kind: "identity", key: ATTEMPTS },
    ]);
    this.#tried = null;
    return {
      identity: new Identity(this.#store, kept),
      requests: new ProvedRequests(keys.signing, token),
      device: answer.device,
      serverTime: answer.server_time,
    };
  }
}

/** @param {string} link @returns {{code: string, anchor: string}} */
function readInvitation(link) {
  const url = URL.canParse(link) ? new URL(link) : null;
  const found = INVITATION.exec(url?.hash ?? "");
  if (!url || !found) throw new InvitationInvalid("invitation_invalid");
  if (url.origin !== location.origin) throw new InvitationInvalid("invitation_elsewhere");
  return { code: found[1], anchor: found[2] };
}

/** The anchor came over the network; its digest came by eye. @param {unknown} pem @param {string} digest */
async function checkAnchor(pem, digest) {
  try {
    const anchor = readAnchor(typeof pem === "string" ? pem : "");
    if (encodeBase64url(await sha256(anchor.der)) === digest) return;
  } catch (problem) {
    if (!(problem instanceof AnchorInvalid)) throw problem;
  }
  throw new AnchorMismatch("The service's trust anchor is not the invitation's.");
}

/** Neither is extractable: no script can read them, and a copy of the token is worthless. @returns {Promise<DeviceKeys>} */
async function createKeys() {
  const [signing, agreement] = await Promise.all([
    crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]),
    crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, false, ["deriveBits"]),
  ]);
  return {
    signing: { privateKey: signing.privateKey, jwk: /** @type {Jwk} */ (await publicJwk(signing.publicKey)) },
    agreement: { privateKey: agreement.privateKey, jwk: /** @type {Jwk} */ (await publicJwk(agreement.publicKey)) },
  };
}
