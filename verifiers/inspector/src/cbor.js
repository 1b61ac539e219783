/**
 * Deterministic CBOR, the part of it that our documents use: strict to read. Source: RFC 8949 section 4.2.1.
 * Refuses what `walletpass/cbor.py` refuses: floats, tags, indefinite lengths, longer forms, doubled or unsorted keys,
 * trailing bytes.
 *
 * @typedef {number | bigint | string} CborKey
 * @typedef {number | bigint | Uint8Array | string | boolean | null | any[] | Map<CborKey, any>} CborValue
 */

import { decodeUtf8 } from "./bytes.js";
import { Malformed } from "./errors.js";

export const MAX_DEPTH = 8;
export const COSE_SIGN1_TAG = 0xd2; // tag 18
const SIMPLE = [false, true, null]; // 20, 21, 22

/**
 * The initial byte and its argument (below 2^32) in the shortest form (RFC 8949 section 3).
 * @param {number} major @param {number} length @returns {Uint8Array}
 */
export function head(major, length) {
  if (length < 24) return Uint8Array.of((major << 5) | length);
  if (length < 1 << 8) return Uint8Array.of((major << 5) | 24, length);
  if (length < 1 << 16) return Uint8Array.of((major << 5) | 25, length >> 8, length & 0xff);
  return Uint8Array.of((major << 5) | 26, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
}

/**
 * Read exactly one deterministic item; throws `Malformed` for anything else. Integers beyond 2^53 are `bigint`.
 * @param {Uint8Array} data @returns {CborValue}
 */
export function decode(data) {
  const reader = new Reader(data);
  const value = reader.read(MAX_DEPTH);
  if (reader.at !== data.length) throw new Malformed("There are bytes after the end of the CBOR data.");
  return value;
}

class Reader {
  /** @param {Uint8Array} data */
  constructor(data) {
    this.data = data;
    this.at = 0;
  }

  /** @param {number} depth @returns {CborValue} */
  read(depth) {
    const data = this.data;
    if (this.at >= data.length) throw new Malformed("The CBOR data is cut off.");
    const first = data[this.at++];
    const major = first >> 5;
    /** @type {number | bigint} */
    let argument = first & 31;
    if (argument > 23) argument = this.longer(major, argument);
    if (major === 0) return argument;
    if (major === 1) return negative(argument);
    if (major === 7 && argument >= 20 && argument <= 22) return SIMPLE[Number(argument) - 20];
    if (argument > data.length - this.at) throw new Malformed("The CBOR data is cut off.");
    const count = Number(argument);
    if (major === 2 || major === 3) return major === 2 ? this.bytes(count) : this.text(count);
    if (major > 5 || depth === 0) {
      throw new Malformed("The CBOR data is nested too deeply or holds a kind of value that is not used here.");
    }
    return major === 4 ? this.array(count, depth - 1) : this.map(count, depth - 1);
  }

  /** The argument in its own bytes. @param {number} major @param {number} form @returns {number | bigint} */
  longer(major, form) {
    const size = form > 27 ? 0 : 1 << (form - 24);
    if (size === 0 || major === 7 || this.at + size > this.data.length) {
      throw new Malformed("The CBOR data is cut off or uses a form that is not deterministic.");
    }
    let argument = 0;
    for (let n = 0; n < Math.min(size, 4); n++) argument = argument * 256 + this.data[this.at++];
    /** @type {number | bigint} */
    let found = argument;
    if (size === 8) {
      let low = 0;
      for (let n = 0; n < 4; n++) low = low * 256 + this.data[this.at++];
      found = plain((BigInt(argument) << 32n) | BigInt(low));
    }
    const smallest = size === 1 ? 24 : 2 ** (size * 4);
    if (found < smallest) throw new Malformed("A CBOR number is not in its shortest form.");
    return found;
  }

  /** @param {number} count @returns {Uint8Array} */
  bytes(count) {
    return this.data.subarray(this.at, (this.at += count));
  }

  /** @param {number} count @returns {string} */
  text(count) {
    try {
      return decodeUtf8(this.data, this.at, (this.at += count));
    } catch {
      throw new Malformed("A CBOR text is not UTF-8.");
    }
  }

  /** @param {number} count @param {number} depth @returns {CborValue[]} */
  array(count, depth) {
    const items = [];
    for (let n = 0; n < count; n++) items.push(this.read(depth));
    return items;
  }

  /** @param {number} count @param {number} depth @returns {Map<CborKey, CborValue>} */
  map(count, depth) {
    const found = new Map();
    let start = 0;
    let end = 0;
    for (let n = 0; n < count; n++) {
      const begin = this.at;
      const key = this.read(0);
      if (n > 0 && !this.rises(start, end, begin)) {
        throw new Malformed("The keys of a CBOR map are doubled or out of order.");
      }
      if (typeof key !== "number" && typeof key !== "bigint" && typeof key !== "string") {
        throw new Malformed("A CBOR map has a key that is neither a number nor text.");
      }
      start = begin;
      end = this.at;
      found.set(key, this.read(depth));
    }
    return found;
  }

  /** Is the key from `next` to here after the one before it, byte for byte? */
  rises(/** @type {number} */ start, /** @type {number} */ end, /** @type {number} */ next) {
    const data = this.data;
    for (let n = 0; n < end - start && n < this.at - next; n++) {
      if (data[start + n] !== data[next + n]) return data[start + n] < data[next + n];
    }
    return end - start < this.at - next;
  }
}

/** A number where it is exact. @param {bigint} value @returns {number | bigint} */
function plain(value) {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** @param {number | bigint} argument @returns {number | bigint} */
function negative(argument) {
  const small = typeof argument === "number" && argument < Number.MAX_SAFE_INTEGER;
  return small ? -1 - argument : plain(-1n - BigInt(argument));
}
