/**
 * DER, the part of it that certificates use: strict to read. Source: ITU-T X.690 sections 8 and 10.
 * One-byte tags, definite lengths in their shortest form, nothing left over.
 */

import { CertificateMismatch } from "./errors.js";

export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const NULL = 0x05;
export const OID = 0x06;
export const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;
export const SEQUENCE = 0x30;
export const SET = 0x31;

/** @typedef {{tag: number, content: Uint8Array, whole: Uint8Array}} Element `whole` is the element's own bytes. */

/** @returns {never} */
export function damaged() {
  throw new CertificateMismatch("A certificate is damaged or of a kind that is not used here.");
}

/** The elements side by side in some bytes, taken one after the other. */
export class Elements {
  /** @param {Uint8Array} data */
  constructor(data) {
    this.data = data;
    this.at = 0;
  }

  get more() {
    return this.at < this.data.length;
  }

  /** Is an element with this tag next? @param {number} tag @returns {boolean} */
  nextIs(tag) {
    return this.more && this.data[this.at] === tag;
  }

  /** The next element; with `tag`, one of that kind. @param {number} [tag] @returns {Element} */
  next(tag) {
    const { data } = this;
    const start = this.at;
    const found = data[start];
    if (start + 2 > data.length || (found & 0x1f) === 0x1f || (tag !== undefined && found !== tag)) damaged();
    let length = data[start + 1];
    let from = start + 2;
    if (length >= 0x80) {
      const size = length & 0x7f;
      if (size === 0 || size > 3 || from + size > data.length) damaged();
      length = 0;
      for (let n = 0; n < size; n++) length = length * 256 + data[from++];
      if (length < 0x80 || length < 2 ** (8 * (size - 1))) damaged();
    }
    if (from + length > data.length) damaged();
    this.at = from + length;
    return { tag: found, content: data.subarray(from, this.at), whole: data.subarray(start, this.at) };
  }

  /** The next element if it has this tag. @param {number} tag @returns {Element | null} */
  optional(tag) {
    return this.nextIs(tag) ? this.next(tag) : null;
  }

  end() {
    if (this.more) damaged();
  }
}

/** The elements inside the only element of `data`, which has this tag. @param {Uint8Array} data @param {number} tag */
export function only(data, tag) {
  const outer = new Elements(data);
  const inner = new Elements(outer.next(tag).content);
  outer.end();
  return inner;
}

/** DER true or false. @param {Element} element @returns {boolean} */
export function readBoolean({ content }) {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) damaged();
  return content[0] === 0xff;
}

/** An integer's two's complement bytes, in the shortest form. @param {Element} element @returns {Uint8Array} */
export function readInteger({ content }) {
  const [first, second] = content;
  const padded = content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (content.length === 0 || padded) damaged();
  return content;
}

/** An integer from 0 to 2^53 − 1. @param {Element} element @returns {number} */
export function readNumber(element) {
  const raw = readInteger(element);
  const number = raw.reduce((sum, byte) => sum * 256 + byte, 0);
  if (raw[0] >= 0x80 || !Number.isSafeInteger(number)) damaged();
  return number;
}

/**
 * The bits, most significant first; bits that fill up the last byte are 0.
 * @param {Element} element @returns {Uint8Array}
 */
export function readBits({ content }) {
  const unused = content[0];
  const empty = content.length === 1;
  if (content.length === 0 || unused > 7 || (empty && unused > 0)) damaged();
  if (!empty && content[content.length - 1] & ((1 << unused) - 1)) damaged();
  return content.subarray(1);
}

/** An object identifier in dotted decimals. @param {Element} element @returns {string} */
export function readOid({ content }) {
  if (content.length === 0 || content[content.length - 1] >= 0x80) damaged();
  const arcs = [];
  let arc = 0n;
  let begins = true;
  for (const byte of content) {
    if (begins && byte === 0x80) damaged(); // a leading zero
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    begins = byte < 0x80;
    if (!begins) continue;
    if (arcs.length === 0) {
      const top = arc < 80n ? arc / 40n : 2n;
      arcs.push(top, arc - top * 40n);
    } else arcs.push(arc);
    arc = 0n;
  }
  return arcs.join(".");
}

/**
 * UTCTime or GeneralizedTime in the forms of RFC 5280 section 4.1.2.5.
 * @param {Element} element @returns {number} NumericDate
 */
export function readTime({ tag, content }) {
  const text = String.fromCharCode(...content);
  const short = tag === UTC_TIME;
  if ((!short && tag !== GENERALIZED_TIME) || !(short ? /^\d{12}Z$/ : /^\d{14}Z$/).test(text)) damaged();
  const year = short ? Number(text.slice(0, 2)) : Number(text.slice(0, 4));
  const parts = /** @type {RegExpMatchArray} */ (text.slice(short ? 2 : 4, -1).match(/../g)).map(Number);
  const [month, day, hour, minute, second] = parts;
  const whole = short ? year + (year < 50 ? 2000 : 1900) : year;
  const time = new Date(0);
  time.setUTCFullYear(whole, month - 1, day);
  time.setUTCHours(hour, minute, second, 0);
  const same = time.getUTCMonth() === month - 1 && time.getUTCDate() === day && time.getUTCHours() === hour;
  if (!same || minute > 59 || second > 59 || (!short && whole < 2050)) damaged();
  return time.getTime() / 1000;
}
