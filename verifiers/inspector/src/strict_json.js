/**
 * JSON in one reading only: what a signed document says must be the same in every language that reads it.
 *
 * Source: RFC 8259, narrowed like I-JSON (RFC 7493): UTF-8, no member twice, no lone surrogates, whole numbers within
 * ±(2^53 − 1); and no fractions, and bounded nesting. Refuses exactly what `keys/strict_json.py` refuses.
 * `JSON.parse` keeps the last of doubled members and cannot tell 1.0 from 1.
 *
 * @typedef {string | number | boolean | null | any[] | Map<string, any>} JsonValue
 * @typedef {Map<string, JsonValue>} JsonObject
 */

import { decodeUtf8 } from "./bytes.js";

export const MAX_DEPTH = 16;
const BLANK = /[ \t\n\r]*/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const WHOLE = /^-?[0-9]{1,16}$/;
const WORD = /true|false|null/y;
const WORDS = new Map(/** @type {[string, boolean | null][]} */ ([["true", true], ["false", false], ["null", null]]));
const ESCAPES = new Map([..."bfnrt"].map((letter, n) => [letter, "\b\f\n\r\t"[n]]));

/** The words fit into a sentence about the document. */
export class NotStrictJson extends Error {}

/**
 * The JSON object that `raw` is; throws `NotStrictJson` for anything else.
 * @param {Uint8Array} raw @returns {JsonObject}
 */
export function readObject(raw) {
  const reader = new Reader(text(raw));
  const value = reader.value(MAX_DEPTH);
  reader.blank();
  if (reader.at !== reader.text.length) throw new NotStrictJson("a part is not JSON");
  if (!(value instanceof Map)) throw new NotStrictJson("a part is not a JSON object");
  return value;
}

/** @param {Uint8Array} raw @returns {string} */
function text(raw) {
  try {
    return decodeUtf8(raw);
  } catch {
    throw new NotStrictJson("a part is not JSON");
  }
}

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  /** What `pattern` (sticky) matches here, or nothing. @param {RegExp} pattern @returns {string} */
  take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  blank() {
    this.take(BLANK);
  }

  /** Is `mark` next? Then it is passed, blanks before it too. @param {string} mark @returns {boolean} */
  passes(mark) {
    this.blank();
    const found = this.text[this.at] === mark;
    if (found) this.at++;
    return found;
  }

  /** @param {string} mark */
  demand(mark) {
    if (!this.passes(mark)) throw new NotStrictJson("a part is not JSON");
  }

  /** @param {number} depth @returns {JsonValue} */
  value(depth) {
    this.blank();
    const first = this.text[this.at];
    if (first === '"') return this.string();
    if (first === "{" || first === "[") {
      if (depth === 0) throw new NotStrictJson("the JSON is nested too deeply");
      this.at++;
      return first === "{" ? this.object(depth - 1) : this.array(depth - 1);
    }
    const word = this.take(WORD);
    return word ? /** @type {boolean | null} */ (WORDS.get(word)) : this.number();
  }

  /** @param {number} depth @returns {JsonObject} */
  object(depth) {
    const members = new Map();
    if (this.passes("}")) return members;
    do {
      this.blank();
      const name = this.string();
      this.demand(":");
      if (members.has(name)) throw new NotStrictJson("a member of the JSON appears twice");
      members.set(name, this.value(depth));
    } while (this.passes(","));
    this.demand("}");
    return members;
  }

  /** @param {number} depth @returns {JsonValue[]} */
  array(depth) {
    /** @type {JsonValue[]} */
    const items = [];
    if (this.passes("]")) return items;
    do items.push(this.value(depth));
    while (this.passes(","));
    this.demand("]");
    return items;
  }

  /** @returns {number} */
  number() {
    const digits = this.take(NUMBER);
    const number = WHOLE.test(digits) ? Number(digits) : NaN;
    if (!Number.isSafeInteger(number)) throw new NotStrictJson("a number is missing, too large or not whole");
    return number + 0; // and so that there is no minus zero
  }

  /** @returns {string} */
  string() {
    if (this.text[this.at++] !== '"') throw new NotStrictJson("a part is not JSON");
    let found = this.take(PLAIN);
    while (this.text[this.at] === "\\") {
      const escape = this.take(ESCAPE);
      if (!escape) throw new NotStrictJson("a part is not JSON");
      const letter = escape[1];
      found += letter === "u" ? String.fromCharCode(parseInt(escape.slice(2), 16)) : (ESCAPES.get(letter) ?? letter);
      found += this.take(PLAIN);
    }
    if (this.text[this.at++] !== '"') throw new NotStrictJson("a part is not JSON");
    if (/\p{Surrogate}/u.test(found)) throw new NotStrictJson("a text holds half a character");
    return found;
  }
}
