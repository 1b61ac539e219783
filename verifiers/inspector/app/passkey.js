/**
 * Opening with a passkey of the device's own authenticator: finger, face or screen lock. There is no server behind it:
 * the assertion is verified here, and only then is the sealed token opened with a key that is not extractable.
 * Source: Web Authentication Level 2, sections 5.1, 6.1 and 7.2.
 *
 * @typedef {{kind: "passkey", id: Uint8Array, publicKey: Uint8Array, count: number, key: CryptoKey, iv: Uint8Array,
 *   sealed: Uint8Array}} PasskeySeal `publicKey` is a SubjectPublicKeyInfo
 * @typedef {Pick<PasskeySeal, "id" | "publicKey" | "count">} Passkey
 */

import { concat, decodeUtf8, encodeUtf8, equal, sha256 } from "../src/bytes.js";
import { CertificateMismatch } from "../src/errors.js";
import { rawSignature } from "../src/x509.js";
import { PasskeyRefused } from "./errors.js";
import { encodeBase64url } from "./jwk.js";

const ES256 = -7; // COSE algorithm, the one that every platform has
const VERIFY = Object.freeze({ name: "ECDSA", hash: "SHA-256" });
const PATIENCE = 120_000; // milliseconds
const [RP_ID_HASH, FLAGS, COUNT] = [32, 33, 37]; // where the parts of authenticatorData end (section 6.1)
const PRESENT_AND_VERIFIED = 0b101;

/** Make one; throws `PasskeyRefused`. @returns {Promise<Passkey>} */
export async function createPasskey() {
  const created = await asked("create", {
    rp: { id: location.hostname, name: "walletpass" },
    user: { id: random(16), name: "walletpass", displayName: "walletpass" },
    challenge: random(32),
    pubKeyCredParams: [{ type: "public-key", alg: ES256 }],
    authenticatorSelection: {
      authenticatorAttachment: "platform",
      residentKey: "discouraged",
      userVerification: "required",
    },
    attestation: "none",
    timeout: PATIENCE,
  });
  const answer = /** @type {AuthenticatorAttestationResponse} */ (created.response);
  const publicKey = answer.getPublicKey();
  if (answer.getPublicKeyAlgorithm() !== ES256 || !publicKey) refuse();
  const count = await countIn(new Uint8Array(answer.getAuthenticatorData()), 0);
  return { id: new Uint8Array(created.rawId), publicKey: new Uint8Array(/** @type {ArrayBuffer} */ (publicKey)), count };
}

/** @param {Passkey} passkey @param {string} token @returns {Promise<PasskeySeal>} */
export async function sealForPasskey(passkey, token) {
  const aes = { name: "AES-GCM", length: 256 };
  const key = /** @type {CryptoKey} */ (await crypto.subtle.generateKey(aes, false, ["encrypt", "decrypt"]));
  const iv = random(12);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: bytes(iv) }, key, bytes(encodeUtf8(token)));
  return { kind: "passkey", ...passkey, key, iv, sealed: new Uint8Array(sealed) };
}

/**
 * Ask for the passkey and give the token and the new count; throws `PasskeyRefused`.
 * @param {PasskeySeal} seal @returns {Promise<{token: string, count: number}>}
 */
export async function openWithPasskey(seal) {
  const challenge = random(32);
  const found = await asked("get", {
    challenge,
    rpId: location.hostname,
    allowCredentials: [{ type: "public-key", id: seal.id, transports: ["internal"] }],
    userVerification: "required",
    timeout: PATIENCE,
  });
  const count = await verified(seal, found, challenge);
  const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes(seal.iv) }, seal.key, bytes(seal.sealed));
  return { token: decodeUtf8(new Uint8Array(opened)), count };
}

/**
 * Section 7.2, steps 7 to 21, as far as a device that asks itself needs them.
 * @param {PasskeySeal} seal @param {PublicKeyCredential} found @param {Uint8Array} challenge @returns {Promise<number>}
 */
async function verified(seal, found, challenge) {
  const answer = /** @type {AuthenticatorAssertionResponse} */ (found.response);
  const [client, authenticator, der] = [answer.clientDataJSON, answer.authenticatorData, answer.signature].map(
    (part) => new Uint8Array(part),
  );
  const said = JSON.parse(decodeUtf8(client));
  const ours = said.type === "webauthn.get" && said.challenge === encodeBase64url(challenge);
  if (!ours || said.origin !== location.origin || said.crossOrigin === true) refuse();
  if (!equal(new Uint8Array(found.rawId), seal.id)) refuse();
  const count = await countIn(authenticator, seal.count);
  const p256 = { name: "ECDSA", namedCurve: "P-256" };
  const key = await crypto.subtle.importKey("spki", bytes(seal.publicKey), p256, false, ["verify"]);
  const signature = readSignature(der);
  const message = concat([authenticator, await sha256(client)]);
  if (!(await crypto.subtle.verify(VERIFY, key, bytes(signature), bytes(message)))) refuse();
  return count;
}

/**
 * The signature counter of authenticatorData that is about us and whose user was verified. One that does not rise is a
 * copy's; authenticators without one always say nought (section 6.1.1).
 * @param {Uint8Array} authenticator @param {number} last @returns {Promise<number>}
 */
async function countIn(authenticator, last) {
  const here = await sha256(encodeUtf8(location.hostname));
  if (!equal(authenticator.subarray(0, RP_ID_HASH), here)) refuse();
  if (authenticator.length < COUNT) refuse();
  if ((authenticator[RP_ID_HASH] & PRESENT_AND_VERIFIED) !== PRESENT_AND_VERIFIED) refuse();
  const count = new DataView(authenticator.buffer, authenticator.byteOffset).getUint32(FLAGS);
  if ((count || last) && count <= last) refuse();
  return count;
}

/** @param {Uint8Array} der @returns {Uint8Array} the raw 64 bytes that WebCrypto wants */
function readSignature(der) {
  try {
    return rawSignature(der) ?? refuse();
  } catch (problem) {
    if (problem instanceof CertificateMismatch) refuse();
    throw problem;
  }
}

/**
 * @param {"create" | "get"} what @param {any} options @returns {Promise<PublicKeyCredential>}
 */
async function asked(what, options) {
  try {
    const found = await navigator.credentials[what]({ publicKey: options });
    return found instanceof PublicKeyCredential ? found : refuse();
  } catch (problem) {
    // Whether nobody touched it, it is not there or somebody pressed "cancel" is not told to scripts.
    if (problem instanceof DOMException || problem instanceof TypeError) refuse();
    throw problem;
  }
}

/** @returns {never} */
function refuse() {
  throw new PasskeyRefused("The passkey was not used, or its answer does not hold.");
}

/** @param {number} size @returns {Uint8Array} */
const random = (size) => crypto.getRandomValues(new Uint8Array(size));

/** @param {Uint8Array} raw */
const bytes = (raw) => /** @type {BufferSource} */ (raw);
