/**
 * Status lists: signed tokens (JWT or CWT), read strictly. Source: draft-ietf-oauth-status-list sections 4, 5 and 8.3.
 * The checks of `walletpass/status_token.py` and `walletpass/status_list.py`; whatever fails one counts as absent.
 *
 * @typedef {import("./signers.js").Signer} Signer
 * @typedef {import("./trust.js").ListedKey} ListedKey
 */

import { decodeBase64url, hex } from "./bytes.js";
import { COSE_SIGN1_TAG, decode as decodeCbor } from "./cbor.js";
import { takeApart } from "./cose.js";
import { Malformed, StatusListInvalid } from "./errors.js";
import { readJws } from "./jws.js";
import { NotStrictJson, readObject } from "./strict_json.js";

export const JWT_TYP = "statuslist+jwt";
export const CWT_TYP = "application/statuslist+cwt";
export const MAX_TOKEN = 4 << 20; // bytes
export const MAX_LIST = 4 << 20; // bytes once inflated: 16 million entries with two bits
const [SUB, EXP, IAT, TTL, STATUS_LIST] = [2, 4, 6, 65534, 65533];
const MAX_TIME = 2 ** 40;
const BITS = [1, 2, 4, 8];

/** The values of an entry. INVALID is final; "revoked" is the word on screens. */
export const Status = Object.freeze({ VALID: 0, INVALID: 1, SUSPENDED: 2 });

/** A status list that was read and verified. Times are NumericDates; `ttl` (seconds) says when to fetch again. */
export class StatusList {
  #raw;
  #bits;

  /**
   * @param {string} uri @param {number} issuedAt @param {number} expiresAt @param {number} ttl
   * @param {Uint8Array} raw inflated @param {number} bits of an entry
   */
  constructor(uri, issuedAt, expiresAt, ttl, raw, bits) {
    this.uri = uri;
    this.issuedAt = issuedAt;
    this.expiresAt = expiresAt;
    this.ttl = ttl;
    this.#raw = raw;
    this.#bits = bits;
    Object.freeze(this);
  }

  get length() {
    return (this.#raw.length * 8) / this.#bits;
  }

  /** The status value at `index`; the caller checks the range. @param {number} index @returns {number} */
  value(index) {
    const perByte = 8 / this.#bits;
    return (this.#raw[Math.floor(index / perByte)] >> ((index % perByte) * this.#bits)) & ((1 << this.#bits) - 1);
  }
}

/**
 * Read a token whose signer `signer` accepts; throws `StatusListInvalid`. The caller still compares `uri`, `issuedAt`
 * (not older than one seen) and `expiresAt` with what it expects.
 * @param {Uint8Array} token @param {Signer} signer
 * @returns {Promise<{listed: StatusList, signedBy: ListedKey}>}
 */
export async function readToken(token, signer) {
  if (token.length > MAX_TOKEN) throw new StatusListInvalid("The status list is larger than 4 MB.");
  try {
    return await (token[0] === COSE_SIGN1_TAG ? readCwt(token, signer) : readJwt(token, signer));
  } catch (refusal) {
    if (refusal instanceof Malformed || refusal instanceof NotStrictJson) throw new StatusListInvalid(refusal.message);
    throw refusal;
  }
}

/** @param {Uint8Array} token @param {Signer} signer */
async function readCwt(token, signer) {
  const signed = takeApart(token);
  if (signed.typ !== CWT_TYP) throw new StatusListInvalid("The document is signed, but not as a status list.");
  const signedBy = await signer(hex(signed.kid), signed.message, signed.signature);
  const claims = decodeCbor(signed.payload);
  if (!(claims instanceof Map)) throw new StatusListInvalid("The status list has no claims.");
  const [uri, issuedAt, expiresAt, ttl, statusList] = [SUB, IAT, EXP, TTL, STATUS_LIST].map((key) => claims.get(key));
  const packed = statusList instanceof Map ? statusList.get("lst") : undefined;
  return { listed: await readList(uri, [issuedAt, expiresAt, ttl], statusList, packed), signedBy };
}

/** @param {Uint8Array} token @param {Signer} signer */
async function readJwt(token, signer) {
  const jws = readJws(token);
  if (!jws) throw new StatusListInvalid("The document is neither a signed JWT nor a signed CWT.");
  const header = readObject(jws.header);
  if (header.get("alg") !== "ES256" || header.get("typ") !== JWT_TYP || header.has("crit")) {
    throw new StatusListInvalid("The document is signed, but not as a status list.");
  }
  const kid = readBase64url(header.get("kid"));
  if (!kid) throw new StatusListInvalid("The status list names no key.");
  const signedBy = await signer(hex(kid), jws.message, jws.signature);
  const claims = readObject(jws.payload);
  const [uri, ...times] = ["sub", "iat", "exp", "ttl"].map((name) => claims.get(name));
  const statusList = claims.get("status_list");
  const packed = statusList instanceof Map ? readBase64url(statusList.get("lst")) : undefined;
  return { listed: await readList(uri, times, statusList, packed), signedBy };
}

/** @param {unknown} text @returns {Uint8Array | null} */
const readBase64url = (text) => (typeof text === "string" ? decodeBase64url(text) : null);

/**
 * @param {unknown} uri @param {unknown[]} times issued at, expires at, ttl @param {unknown} statusList
 * @param {unknown} packed @returns {Promise<StatusList>}
 */
async function readList(uri, times, statusList, packed) {
  if (typeof uri !== "string" || !times.every((time) => typeof time === "number" && time >= 0 && time < MAX_TIME)) {
    throw new StatusListInvalid("The status list lacks its URI or one of its times.");
  }
  const bits = statusList instanceof Map ? statusList.get("bits") : undefined;
  if (!BITS.includes(bits) || !(packed instanceof Uint8Array)) {
    throw new StatusListInvalid("The status list's bits or bytes are not as they should be.");
  }
  const [issuedAt, expiresAt, ttl] = /** @type {number[]} */ (times);
  return new StatusList(uri, issuedAt, expiresAt, ttl, await inflate(packed), bits);
}

/**
 * A ZLIB stream inflated, bounded by `MAX_LIST`; throws `StatusListInvalid` for bombs, truncation and trailing bytes.
 * @param {Uint8Array} packed @returns {Promise<Uint8Array>}
 */
export async function inflate(packed) {
  const raw = await inflated(packed);
  // Some platforms pass over bytes after the stream's end. Then the stream is whole without its last byte, too.
  if (raw === null || (await inflated(packed.subarray(0, -1))) !== null) {
    throw new StatusListInvalid("The status list cannot be inflated, is too large or followed by something else.");
  }
  return raw;
}

/** @param {Uint8Array} packed @returns {Promise<Uint8Array | null>} null: broken, cut off or larger than `MAX_LIST` */
async function inflated(packed) {
  const stream = new Blob([/** @type {BlobPart} */ (packed)]).stream();
  const reader = stream.pipeThrough(new DecompressionStream("deflate")).getReader();
  const chunks = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.length;
      if (size > MAX_LIST) return null;
      chunks.push(value);
    }
  } catch {
    return null;
  } finally {
    reader.cancel().catch(() => undefined); // a bomb stops here
  }
  const raw = new Uint8Array(size);
  chunks.reduce((at, chunk) => (raw.set(chunk, at), at + chunk.length), 0);
  return raw;
}
