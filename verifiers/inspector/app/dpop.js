/**
 * Requests that prove possession of the device's key (DPoP, RFC 9449), and what counts as an answer: JSON with a nonce
 * of the service. A captive portal answers too, with its own pages; that is no contact.
 *
 * @typedef {import("./jwe.js").Jwk} Jwk
 * @typedef {{privateKey: CryptoKey, jwk: Jwk}} SigningKey
 */

import { encodeUtf8, sha256 } from "../src/bytes.js";
import { NoContact, ServiceRefused } from "./errors.js";
import { encodeBase64url } from "./jwk.js";

const PATH = "/api/v1/device/";
const ES256 = Object.freeze({ name: "ECDSA", hash: "SHA-256" });
const PATIENCE = 20_000; // milliseconds for one answer
const JTI_BYTES = 16;

/** Speaks to the service as this device. */
export class ProvedRequests {
  #key;
  #token;
  /** @type {string | null} the newest one that the service gave */
  #nonce = null;

  /** @param {SigningKey} key @param {string} [token] none before enrolment */
  constructor(key, token) {
    this.#key = key;
    this.#token = token;
  }

  /**
   * Send JSON to an address below `/api/v1/device/`, once more where a fresh nonce is asked for. Throws `NoContact`, or
   * `ServiceRefused` with the service's code.
   * @param {string} path @param {unknown} body @returns {Promise<any>} the answer's JSON
   */
  async post(path, body) {
    const content = JSON.stringify(body);
    const [status, answer] = await this.#send(path, content);
    if (status !== 401 || answer.code !== "use_dpop_nonce") return heard(status, answer);
    return heard(...(await this.#send(path, content)));
  }

  /** @param {string} path @param {string} content @returns {Promise<[number, any]>} */
  async #send(path, content) {
    const address = `${location.origin}${PATH}${path}`;
    /** @type {Record<string, string>} */
    const headers = { "Content-Type": "application/json", DPoP: await this.#proof("POST", address) };
    if (this.#token) headers.Authorization = `DPoP ${this.#token}`;
    try {
      const answer = await fetch(address, {
        method: "POST",
        headers,
        body: content,
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        signal: AbortSignal.timeout(PATIENCE),
      });
      const nonce = answer.headers.get("DPoP-Nonce");
      const json = /^application\/(problem\+)?json\b/.test(answer.headers.get("Content-Type") ?? "");
      if (!nonce || !json) throw new NoContact("Somebody else answered.");
      this.#nonce = nonce;
      return [answer.status, await answer.json()];
    } catch (problem) {
      if (problem instanceof NoContact) throw problem;
      throw new NoContact("Nobody answered."); // no network, too slow, cut off half-way, redirected
    }
  }

  /** RFC 9449 section 4.2. @param {string} method @param {string} address @returns {Promise<string>} */
  async #proof(method, address) {
    const claims = {
      jti: encodeBase64url(crypto.getRandomValues(new Uint8Array(JTI_BYTES))),
      htm: method,
      htu: address,
      iat: Math.floor(Date.now() / 1000),
      ...(this.#nonce && { nonce: this.#nonce }),
      ...(this.#token && { ath: encodeBase64url(await sha256(encodeUtf8(this.#token))) }),
    };
    const parts = [{ typ: "dpop+jwt", alg: "ES256", jwk: this.#key.jwk }, claims];
    const message = parts.map((part) => encodeBase64url(encodeUtf8(JSON.stringify(part)))).join(".");
    const signed = /** @type {BufferSource} */ (encodeUtf8(message));
    const signature = new Uint8Array(await crypto.subtle.sign(ES256, this.#key.privateKey, signed));
    return `${message}.${encodeBase64url(signature)}`;
  }
}

/** @param {number} status @param {any} answer @returns {any} */
function heard(status, answer) {
  if (status >= 200 && status < 300) return answer;
  // Too often, or out of order for the moment: as if nobody had answered, the next try will tell.
  if (status === 429 || status >= 500) throw new NoContact("The service is busy.");
  throw new ServiceRefused(typeof answer?.code === "string" ? answer.code : "refused", status);
}
