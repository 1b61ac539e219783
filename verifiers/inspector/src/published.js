/**
 * The signed public documents → one immutable set that verification looks things up in. The rules of
 * `verifiers/published.py`; fetching and storing are for others, documents are handed in.
 * Whatever fails a check counts as absent, and the last good one serves (how old is too old is for verification to
 * say). A document older than one seen is not taken. Source: Token Status List draft section 8.3.
 *
 * @typedef {import("./certificates.js").Certificate} Certificate
 * @typedef {import("./trust.js").ListedKey} ListedKey
 * @typedef {import("./trust.js").ListedType} ListedType
 * @typedef {import("./trust.js").TrustList} TrustList
 * @typedef {import("./types.js").PassType} PassType
 * @typedef {import("./status.js").StatusList} StatusList
 * @typedef {ReadonlyMap<string, Uint8Array>} Documents what was fetched, by path below the published address
 *
 * @typedef {object} PublishedSet All that verification knows; never changed, only replaced. `credentialKeys` by kid
 *   (lowercase hex); a type is known when its documents are here and have the listed digests; `statusLists` by URI.
 * @property {TrustList | null} trustList
 * @property {ReadonlyMap<string, readonly ListedKey[]>} credentialKeys
 * @property {ReadonlyMap<number, string>} typeNames
 * @property {ReadonlyMap<number, KnownType>} knownTypes
 * @property {ReadonlyMap<string, StatusList>} statusLists
 */

import { hex, sha256 } from "./bytes.js";
import { Role } from "./certificates.js";
import { Malformed, StatusListInvalid, TrustListInvalid } from "./errors.js";
import { signerOf, stillTrusted } from "./signers.js";
import { readToken } from "./status.js";
import { NotStrictJson, readObject } from "./strict_json.js";
import { readTrustList } from "./trust.js";
import { KnownType, MAX_DOCUMENT, fromDocument } from "./types.js";

export const MAX_LISTS = 256;
export const CLOCK_TOLERANCE = 300; // seconds a signed list may seem to come from the future
export const MAX_AGGREGATION = 64 << 10; // bytes
export const TRUST_LIST = "trust-list.jwt";
export const AGGREGATION = "status-lists.json";
const LIST_ID = /^[A-Za-z0-9_-]{1,32}$/;

/** Takes the documents of one place and remembers the newest. One call at a time: await each before the next. */
export class PublishedDocuments {
  #anchor;
  #statusUsage;
  /** @type {TrustList | null} */
  #trustList = null;
  /** @type {Map<string, PassType>} by digest */
  #types = new Map();
  /** @type {Map<string, {listed: StatusList, signedBy: ListedKey}>} by URI */
  #lists = new Map();

  /**
   * @param {Certificate} anchor given out of band @param {string} [statusUsage] a further key usage of status signers
   */
  constructor(anchor, statusUsage = "") {
    this.#anchor = anchor;
    this.#statusUsage = statusUsage;
  }

  /**
   * Take what was fetched; what is not there counts as unchanged. `now` is a NumericDate.
   * @param {Documents} documents @param {number} now @returns {Promise<PublishedSet>}
   */
  async refresh(documents, now) {
    await this.takeTrustList(documents.get(TRUST_LIST), now);
    for (const listed of this.wantedTypes()) await this.takeType(listed, documents.get(typePath(listed)));
    for (const { uri, paths } of this.announced(documents.get(AGGREGATION))) {
      for (const path of paths) if (await this.takeList(documents.get(path), uri, now)) break;
    }
    return this.publishedSet();
  }

  /**
   * Take a trust list that is good and not older than the one we have.
   * @param {Uint8Array | undefined} token @param {number} now @returns {Promise<boolean>} was it taken?
   */
  async takeTrustList(token, now) {
    if (!token) return false;
    const found = await unless(TrustListInvalid, readTrustList(token, this.#anchor, now, this.#statusUsage));
    const last = this.#trustList;
    if (!found || (last && (found.version < last.version || found.issuedAt < last.issuedAt))) return false;
    this.#trustList = found;
    for (const [uri, taken] of this.#lists) {
      if (!stillTrusted(found, taken.signedBy, taken.listed.issuedAt)) this.#lists.delete(uri);
    }
    return true;
  }

  /** The listed types whose document is not here yet; see `typePath`. @returns {ListedType[]} */
  wantedTypes() {
    return (this.#trustList?.types ?? []).filter((listed) => !this.#types.has(listed.sha256));
  }

  /**
   * Take the document of a listed type, if it has the listed digest.
   * @param {ListedType} listed @param {Uint8Array | undefined} content @returns {Promise<boolean>} was it taken?
   */
  async takeType(listed, content) {
    if (!content || content.length > MAX_DOCUMENT || hex(await sha256(content)) !== listed.sha256) return false;
    const found = await unless(Malformed, async () => fromDocument(content));
    const fits = found?.name === listed.name && found.number === listed.number && found.version === listed.version;
    if (fits) this.#types.set(listed.sha256, found);
    return fits;
  }

  /**
   * The lists we know and those that status-lists.json names, each with the paths to read it from, best first.
   * That document is unsigned: a hint what to read, nothing more.
   * @param {Uint8Array} [aggregation] @returns {{uri: string, paths: string[]}[]}
   */
  announced(aggregation) {
    return [...new Set([...namedLists(aggregation), ...this.#lists.keys()])]
      .map((uri) => ({ uri, id: uri.slice(uri.lastIndexOf("/") + 1) }))
      .filter(({ id }) => LIST_ID.test(id))
      .map(({ uri, id }) => ({ uri, paths: [`status/${id}.cwt`, `status/${id}.jwt`] }));
  }

  /**
   * Take a token that is good, about `uri` (null: whatever it is about) and not older than the one we have.
   * @param {Uint8Array | undefined} token @param {string | null} uri @param {number} now
   * @returns {Promise<boolean>} was it taken?
   */
  async takeList(token, uri, now) {
    const trust = this.#trustList;
    if (!token || !trust) return false;
    const signer = signerOf(trust, Role.STATUS_LIST, StatusListInvalid);
    const taken = await unless(StatusListInvalid, readToken(token, signer));
    if (!taken || this.#trustList === null) return false;
    const { listed, signedBy } = taken;
    if (!stillTrusted(this.#trustList, signedBy, listed.issuedAt)) return false;
    // One from the future would shut out every later one (the trust list is read by the same rule).
    if ((uri !== null && listed.uri !== uri) || listed.issuedAt > now + CLOCK_TOLERANCE) return false;
    const last = this.#lists.get(listed.uri);
    if (last ? listed.issuedAt < last.listed.issuedAt : this.#lists.size >= MAX_LISTS) return false;
    this.#lists.set(listed.uri, taken);
    return true;
  }

  /** @returns {PublishedSet} */
  publishedSet() {
    const trust = this.#trustList;
    /** @type {Map<string, ListedKey[]>} */
    const credentialKeys = new Map();
    for (const key of trust?.keys ?? []) {
      if (key.role === Role.CREDENTIAL) credentialKeys.set(key.kid, [...(credentialKeys.get(key.kid) ?? []), key]);
    }
    /** @type {Map<number, ListedType[]>} */
    const versions = new Map();
    for (const listed of trust?.types ?? []) {
      versions.set(listed.number, [...(versions.get(listed.number) ?? []), listed]);
    }
    const knownTypes = new Map();
    for (const [number, found] of versions) {
      const documents = found.map((version) => this.#types.get(version.sha256));
      if (documents.some((document) => !document)) continue;
      const age = Math.min(...found.map((version) => version.maxStatusAge));
      knownTypes.set(number, new KnownType(/** @type {PassType[]} */ (documents), age));
    }
    return Object.freeze({
      trustList: trust,
      credentialKeys,
      typeNames: new Map([...versions].map(([number, found]) => [number, found[0].name])),
      knownTypes,
      statusLists: new Map([...this.#lists].map(([uri, taken]) => [uri, taken.listed])),
    });
  }
}

/** Where a listed type's document lies below the published address. @param {ListedType} listed @returns {string} */
export const typePath = ({ name, version }) => `types/${name}/${version}.json`;

/**
 * A value, or null when it was refused with an error of that class.
 * @template Value
 * @param {Function} refusal @param {Promise<Value> | (() => Promise<Value>)} work @returns {Promise<Value | null>}
 */
async function unless(refusal, work) {
  try {
    return await (typeof work === "function" ? work() : work);
  } catch (problem) {
    if (problem instanceof /** @type {any} */ (refusal)) return null;
    throw problem;
  }
}

/** @param {Uint8Array} [aggregation] @returns {string[]} */
function namedLists(aggregation) {
  if (!aggregation || aggregation.length > MAX_AGGREGATION) return [];
  try {
    const uris = readObject(aggregation).get("status_lists");
    const first = Array.isArray(uris) ? uris.slice(0, MAX_LISTS) : [];
    return /** @type {string[]} */ (first.filter((uri) => typeof uri === "string"));
  } catch (problem) {
    if (problem instanceof NotStrictJson) return [];
    throw problem;
  }
}
