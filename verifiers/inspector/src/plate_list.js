/**
 * The plate list of one local day, read strictly: the checks of `walletpass/plate_list.py`. A COSE_Sign1 with the type
 * `application/platelist+cwt`; what an entry is stands in `plate_entries.js`. Whatever fails a check counts as absent.
 *
 * @typedef {import("./signers.js").Signer} Signer
 * @typedef {import("./trust.js").ListedKey} ListedKey
 *
 * @typedef {object} ZoneEntries `unlisted`: there are permits without fixed plates here, so ask for the permit itself.
 * @property {Uint8Array} entries
 * @property {boolean} unlisted
 *
 * @typedef {object} PlateList Read and verified. Times are NumericDates; a key that does not give `check` is not this
 *   list's.
 * @property {string} issuer
 * @property {string} day ISO
 * @property {number} issuedAt
 * @property {number} expiresAt
 * @property {Uint8Array} salt
 * @property {Uint8Array} nonce
 * @property {Uint8Array} check
 * @property {number} iterations
 * @property {ReadonlyMap<string, ZoneEntries>} zones
 */

import { hex } from "./bytes.js";
import { decode } from "./cbor.js";
import { takeApart } from "./cose.js";
import { Malformed, PlateListInvalid } from "./errors.js";
import { endSecond, isDay } from "./local_day.js";
import { NONCE_BYTES, PREFIX_BYTES, SALT_BYTES, inOrder } from "./plate_entries.js";

export const TYP = "application/platelist+cwt";
export const MAX_LIST = 8 << 20; // bytes: eight hundred thousand plates
export const MAX_ITERATIONS = 200_000;
export const MAX_ZONES = 1024;
const [ISS, SUB, EXP, IAT, PLATES] = [1, 2, 4, 6, -65538]; // RFC 8392 section 3.1; private use below −65536
const CLAIMS = [ISS, SUB, EXP, IAT, PLATES];
const MEMBERS = ["day", "salt", "nonce", "check", "iterations", "zones"];
const ZONE = /^[0-9A-ZÄÖÜ]{1,4}$/;

/** Where the list of a day is, below the published address. @param {string} day @returns {string} */
export const listPath = (day) => `plates/${day}.cwt`;

/**
 * Read a list whose signer `signer` accepts; throws `PlateListInvalid`. The caller still compares `issuer`, `day`,
 * `issuedAt` (not older than one seen) and `expiresAt` with what it wants.
 * @param {Uint8Array} token @param {Signer} signer @returns {Promise<{plates: PlateList, signedBy: ListedKey}>}
 */
export async function readPlateList(token, signer) {
  if (token.length > MAX_LIST) refuse("The plate list is larger than 8 MB.");
  try {
    const signed = takeApart(token);
    if (signed.typ !== TYP) refuse("The document is signed, but not as a plate list.");
    const signedBy = await signer(hex(signed.kid), signed.message, signed.signature);
    return { plates: plateList(decode(signed.payload)), signedBy };
  } catch (refusal) {
    if (refusal instanceof Malformed) refuse(refusal.message);
    throw refusal;
  }
}

/** @param {unknown} claims @returns {PlateList} */
function plateList(claims) {
  const [issuer, uri, expiresAt, issuedAt, own] = members(claims, CLAIMS);
  const [day, salt, nonce, check, iterations, zones] = members(own, MEMBERS);
  if (typeof issuer !== "string") refuse("The plate list lacks its issuer.");
  if (!isDay(day)) refuse("The plate list does not name its day.");
  if (uri !== `${issuer}/published/${listPath(day)}`) {
    refuse("The plate list is about another address than its day's.");
  }
  if (!isWhole(issuedAt, 0) || !isWhole(expiresAt, issuedAt + 1) || expiresAt > endSecond(day)) {
    refuse("The plate list's times are not those of its day.");
  }
  if (!isWhole(iterations, 1) || iterations > MAX_ITERATIONS) {
    refuse("The plate list's digests cost nothing, or more than we would spend.");
  }
  const exact = hasLength(salt, SALT_BYTES) && hasLength(nonce, NONCE_BYTES) && hasLength(check, PREFIX_BYTES);
  if (!exact) refuse("The plate list's salt, nonce or key check is not as it should be.");
  return Object.freeze({ issuer, day, issuedAt, expiresAt, salt, nonce, check, iterations, zones: readZones(zones) });
}

/** The values of a map that has exactly these keys. @param {unknown} found @param {(string | number)[]} keys */
function members(found, keys) {
  const exact = found instanceof Map && found.size === keys.length && keys.every((key) => found.has(key));
  if (!exact) refuse("The plate list does not have the claims of one.");
  return keys.map((key) => /** @type {Map<string | number, any>} */ (found).get(key));
}

/** @param {unknown} found @returns {Map<string, ZoneEntries>} */
function readZones(found) {
  if (!(found instanceof Map) || found.size > MAX_ZONES) refuse("The plate list has no zones, or too many.");
  const zones = new Map();
  for (const [name, zone] of /** @type {Map<unknown, unknown>} */ (found)) {
    if (typeof name !== "string" || !ZONE.test(name) || !Array.isArray(zone) || zone.length !== 2) {
      refuse("A zone of the plate list is not as it should be.");
    }
    const [unlisted, entries] = /** @type {unknown[]} */ (zone);
    if (typeof unlisted !== "boolean" || !(entries instanceof Uint8Array) || !inOrder(entries)) {
      refuse("The entries of a zone are not in order.");
    }
    zones.set(name, Object.freeze({ entries, unlisted }));
  }
  return zones;
}

/** Beyond 2^53 a number is a `bigint`, which nothing here may be. @param {unknown} value @param {number} least */
const isWhole = (value, least) => typeof value === "number" && value >= least;

/** @param {unknown} value @param {number} length */
const hasLength = (value, length) => value instanceof Uint8Array && value.length === length;

/** @param {string} sentence @returns {never} */
function refuse(sentence) {
  throw new PlateListInvalid(sentence);
}
