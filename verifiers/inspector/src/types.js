/**
 * Pass types as the verifying side sees them: read from their public documents, prepared for a few look-ups per check.
 * Source: draft-ietf-oauth-sd-jwt-vc section 6 (type metadata). The checks of `walletpass/type_metadata.py` and
 * `verifiers/known_types.py`.
 *
 * @typedef {import("./decode.js").ClaimValue} ClaimValue
 * @typedef {import("./strict_json.js").JsonValue} JsonValue
 *
 * @typedef {object} Claim
 * @property {string} name
 * @property {number} number
 * @property {ReadonlyMap<string, string>} labels by language
 * @property {string} kind
 * @property {boolean} mandatory
 * @property {boolean} inQr
 * @property {ReadonlySet<string>} visibleTo
 *
 * @typedef {object} PassType
 * @property {string} name
 * @property {number} number
 * @property {number} version
 * @property {string} category
 * @property {ReadonlyMap<string, string>} labels by language
 * @property {ReadonlyMap<string, string>} descriptions by language
 * @property {readonly Claim[]} claims
 * @property {number} maxStatusAge seconds
 */

import { Malformed } from "./errors.js";
import { NotStrictJson, readObject } from "./strict_json.js";

export const MAX_DOCUMENT = 256 << 10; // bytes
export const EXTENSION = "walletpass";
const CATEGORIES = new Set(["library", "parking", "membership", "certificate"]);
const AUDIENCES = new Set(["holder", "inspector", "machine", "department"]);
const INSPECTOR = "inspector";

/** @param {unknown} value */
const isText = (value) => typeof value === "string";
/** @param {unknown} value */
const isFlag = (value) => typeof value === "boolean";
/** @param {unknown} value */
const isWhole = (value) => typeof value === "number" || typeof value === "bigint";

/** @typedef {(value: unknown) => boolean} Form */

/** What a claim's value looks like in a credential, by kind. @type {ReadonlyMap<string, Form>} */
const FORMS = new Map(/** @type {[string, Form][]} */ ([
  ["text", isText],
  ["number", isText],
  ["zone", isText],
  ["date", isText],
  ["plates", Array.isArray],
  ["flag", isFlag],
  ["year", isWhole],
  ["count", isWhole],
]));

/** @returns {never} */
function malformed() {
  throw new Malformed("The document does not describe a pass type.");
}

/**
 * What a verifier needs of a type; throws `Malformed`. Its digest was compared before.
 * @param {Uint8Array} raw @returns {PassType}
 */
export function fromDocument(raw) {
  const document = readDocument(raw);
  const ours = member(document, EXTENSION);
  const display = list(member(document, "display"));
  return Object.freeze({
    name: text(member(ours, "name")),
    number: number(member(ours, "number")),
    version: number(member(ours, "version")),
    category: word(member(ours, "category"), CATEGORIES),
    labels: byLanguage(display, "name"),
    descriptions: byLanguage(display, "description"),
    claims: list(member(document, "claims")).map(readClaim),
    maxStatusAge: number(member(ours, "max_status_age")),
  });
}

/** @param {Uint8Array} raw */
function readDocument(raw) {
  try {
    return readObject(raw);
  } catch (problem) {
    if (problem instanceof NotStrictJson) malformed();
    throw problem;
  }
}

/** @param {JsonValue} entry @returns {Claim} */
function readClaim(entry) {
  const ours = member(entry, EXTENSION);
  member(entry, "sd"); // it must be there; whether a claim may be withheld is for the wallets
  return Object.freeze({
    name: text(list(member(entry, "path"))[0]),
    number: number(member(ours, "number")),
    labels: byLanguage(list(member(entry, "display")), "label"),
    kind: word(member(ours, "kind"), FORMS),
    mandatory: member(entry, "mandatory") === true,
    inQr: member(ours, "in_qr") === true,
    visibleTo: new Set(list(member(ours, "visible_to")).map((audience) => word(audience, AUDIENCES))),
  });
}

/** @param {unknown} value @param {string} name @returns {any} */
function member(value, name) {
  return value instanceof Map && value.has(name) ? value.get(name) : malformed();
}

/** @param {unknown} value @returns {JsonValue[]} */
const list = (value) => (Array.isArray(value) ? value : malformed());

/** @param {unknown} value @returns {string} */
const text = (value) => (typeof value === "string" && value ? value : malformed());

/** @param {unknown} value @returns {number} */
const number = (value) => (typeof value === "number" && value >= 0 ? value : malformed());

/** @param {unknown} value @param {{has(word: string): boolean}} words @returns {string} */
const word = (value, words) => (typeof value === "string" && words.has(value) ? value : malformed());

/** @param {JsonValue[]} entries @param {string} name @returns {Map<string, string>} */
const byLanguage = (entries, name) =>
  new Map(entries.map((entry) => [text(member(entry, "lang")), text(member(entry, name))]));

/** A type's listed versions as one: what may be shown is the union, what must be there is what all of them demand. */
export class KnownType {
  /** @type {Map<number, {name: string, fits: Form, shown: boolean}>} */
  #declared = new Map();
  /** @type {number[]} */
  #demanded;

  /**
   * @param {readonly PassType[]} versions at least one, all with the same number @param {number} maxStatusAge seconds
   */
  constructor(versions, maxStatusAge) {
    const ordered = [...versions].sort((one, other) => one.version - other.version);
    this.passType = ordered[ordered.length - 1]; // for labels
    this.name = this.passType.name;
    this.maxStatusAge = maxStatusAge;
    for (const claim of ordered.flatMap((version) => version.claims)) {
      const shown = claim.visibleTo.has(INSPECTOR) || (this.#declared.get(claim.number)?.shown ?? false);
      const fits = /** @type {Form} */ (FORMS.get(claim.kind));
      this.#declared.set(claim.number, { name: claim.name, fits, shown });
    }
    const demanded = ordered.map(({ claims }) => claims.filter((c) => c.inQr && c.mandatory).map((c) => c.number));
    this.#demanded = demanded[0].filter((wanted) => demanded.every((numbers) => numbers.includes(wanted)));
    Object.freeze(this);
  }

  /**
   * The declared claims by name; null when one is missing or of the wrong kind. Undeclared ones stay unseen.
   * @param {ReadonlyMap<number, ClaimValue>} claims by number
   * @returns {Map<string, ClaimValue> | null}
   */
  readableClaims(claims) {
    if (!this.#demanded.every((wanted) => claims.has(wanted))) return null;
    const found = new Map();
    for (const [claimNumber, value] of claims) {
      const known = this.#declared.get(claimNumber);
      if (!known) continue;
      if (!known.fits(value)) return null;
      if (known.shown) found.set(known.name, value);
    }
    return found;
  }
}
