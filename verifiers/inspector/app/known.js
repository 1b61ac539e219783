/**
 * What this device knows of the published documents: fetched from the service that mirrors them, verified under the
 * anchor of the invitation, and kept. Only what was taken is kept; whatever fails on the way (a network, a portal, a
 * forger, a full store) leaves the last good set in use. At the start everything kept is verified again.
 *
 * @typedef {import("../src/plate_list.js").PlateList} PlateList
 * @typedef {import("../src/published.js").PublishedSet} PublishedSet
 * @typedef {import("./store.js").Store} Store
 * @typedef {{content: Uint8Array, etag: string}} Kept
 * @typedef {(content: Uint8Array) => Promise<boolean>} Take was it taken?
 * @typedef {Record<string, string>} Listing ETags by path, as the service told at the last contact
 */

import { PlateDocuments, todayAndTomorrow } from "../src/plate_documents.js";
import { MAX_LIST, listPath } from "../src/plate_list.js";
import { AGGREGATION, MAX_AGGREGATION, PublishedDocuments, TRUST_LIST, typePath } from "../src/published.js";
import { MAX_TOKEN } from "../src/status.js";
import { MAX_TRUST_LIST, readAnchor } from "../src/trust.js";
import { MAX_DOCUMENT } from "../src/types.js";
import { StoreFailed } from "./errors.js";
import { fetchDocument } from "./fetching.js";

const STATUS_PATH = /^status\/[A-Za-z0-9_-]{1,32}\.(cwt|jwt)$/;
const LATER = 60; // seconds until a refused document is fetched again
const PLATES_LAST = 3600; // seconds: a plate list is large, and is fetched when its hour comes, not at each change
const AS_TAKEN = Number.MAX_SAFE_INTEGER; // what is kept was taken at its time, whatever the clock says by now

export class KnownDocuments {
  #store;
  #published;
  #plates = new PlateDocuments();
  /** @type {Map<string, Kept>} by path: what was taken, and where there is no room only in memory */
  #kept = new Map();
  /** @type {Map<string, {etag: string, at: number}>} what was fetched and not taken */
  #refused = new Map();
  /** @type {Set<string>} paths whose newest document is in memory only */
  #unsaved = new Set();

  /** @type {PublishedSet} */
  published;
  /** @type {ReadonlyMap<string, PlateList>} by day */
  plates = new Map();

  /** @param {Store} store @param {string} anchor PEM, compared with the invitation */
  constructor(store, anchor) {
    this.#store = store;
    this.#published = new PublishedDocuments(readAnchor(anchor));
    this.published = this.#published.publishedSet();
  }

  /** Is something in memory only, because the device has no room? The next start would not have it. */
  get unsaved() {
    return this.#unsaved.size > 0;
  }

  /**
   * The documents that were kept, without the network. What fails now (it is damaged, or what it hangs on is lost) and
   * what nobody signed count as absent, so that the next contact brings them again. @param {number} now NumericDate
   */
  async recall(now) {
    this.#kept = await this.#store.all("documents");
    /** @type {Set<string>} */
    const taken = new Set();
    const recalled = async (/** @type {string} */ path, /** @type {Take} */ take) => {
      const content = this.#content(path);
      if (content && (await take(content))) taken.add(path);
    };
    await recalled(TRUST_LIST, (content) => this.#published.takeTrustList(content, AS_TAKEN));
    for (const listed of this.#published.wantedTypes()) {
      await recalled(typePath(listed), (content) => this.#published.takeType(listed, content));
    }
    for (const path of [...this.#kept.keys()].filter((path) => STATUS_PATH.test(path))) {
      await recalled(path, (content) => this.#published.takeList(content, null, AS_TAKEN));
    }
    await this.#settle(now);
    for (const day of this.plates.keys()) taken.add(listPath(day));
    for (const path of this.#kept.keys()) if (!taken.has(path)) this.#kept.delete(path);
  }

  /**
   * Fetch what changed. No document can keep the others from being fetched. Gives whether anything was taken.
   * @param {Listing} listing @param {number} now NumericDate
   * @param {boolean} [urgent] the plate lists' keys were replaced, so their lists are fetched at once
   * @returns {Promise<boolean>}
   */
  async refresh(listing, now, urgent = false) {
    for (const path of this.#unsaved) await this.#save(path);
    const look = (/** @type {string} */ path, /** @type {number} */ limit, /** @type {Take} */ take) =>
      this.#look(path, limit, listing[path], now, take);
    const taken = [await look(TRUST_LIST, MAX_TRUST_LIST, (content) => this.#takeTrust(content, now))];
    for (const listed of this.#published.wantedTypes()) {
      taken.push(await look(typePath(listed), MAX_DOCUMENT, (content) => this.#published.takeType(listed, content)));
    }
    await look(AGGREGATION, MAX_AGGREGATION, async () => true); // unsigned: a hint what to read, nothing more
    for (const { uri, paths } of this.#published.announced(this.#content(AGGREGATION))) {
      for (const path of paths) {
        taken.push(await look(path, MAX_TOKEN, (content) => this.#published.takeList(content, uri, now)));
      }
    }
    for (const day of todayAndTomorrow(now)) {
      const fresh = now - (this.plates.get(day)?.issuedAt ?? 0) < PLATES_LAST;
      if (fresh && !urgent) continue;
      taken.push(await look(listPath(day), MAX_LIST, (content) => this.#takePlates(day, content, now)));
    }
    await this.#settle(now);
    return taken.includes(true);
  }

  /** What is known, and how old it is. @param {number} now */
  ages(now) {
    const { trustList, statusLists } = this.published;
    const [day] = todayAndTomorrow(now);
    const plates = this.plates.get(day);
    return {
      trustList: trustList && { version: trustList.version, issuedAt: trustList.issuedAt },
      statusLists: [...statusLists].map(([uri, { issuedAt }]) => ({ uri, issuedAt })),
      plateList: plates ? { day, issuedAt: plates.issuedAt } : null,
    };
  }

  /** What the service is told. */
  report() {
    const { trustList, statusLists } = this.published;
    return {
      trust_list_version: trustList?.version ?? null,
      status_lists: Object.fromEntries([...statusLists].map(([uri, { issuedAt }]) => [uri, issuedAt])),
      plate_lists: Object.fromEntries([...this.plates].map(([day, { issuedAt }]) => [day, issuedAt])),
    };
  }

  /**
   * Fetch, take and keep one document, unless we have it or refused it just now.
   * @param {string} path @param {number} limit bytes @param {string | undefined} etag as listed @param {number} now
   * @param {Take} take @returns {Promise<boolean>} was it taken?
   */
  async #look(path, limit, etag, now, take) {
    const [kept, refused] = [this.#kept.get(path), this.#refused.get(path)];
    const again = refused?.etag === etag && now - (refused?.at ?? 0) < LATER;
    if (typeof etag !== "string" || kept?.etag === etag || again) return false;
    const found = await fetchDocument(path, limit, kept?.etag);
    if (!found) return false;
    if (!(await take(found.content))) {
      this.#refused.set(path, { etag, at: now });
      return false;
    }
    this.#refused.delete(path);
    this.#kept.set(path, found);
    await this.#save(path);
    return true;
  }

  /** A new one may list other keys: what was refused is looked at again. @param {Uint8Array} content @param {number} now */
  async #takeTrust(content, now) {
    const taken = await this.#published.takeTrustList(content, now);
    if (taken) this.#refused.clear();
    return taken;
  }

  /** @param {string} day @param {Uint8Array} content @param {number} now @returns {Promise<boolean>} */
  async #takePlates(day, content, now) {
    const { trustList } = this.#published.publishedSet();
    const before = this.plates.get(day);
    this.plates = await this.#plates.refresh(new Map([[listPath(day), content]]), trustList, now);
    return this.plates.get(day) !== before;
  }

  /** Replace the sets, and delete what is of use to nobody any more. @param {number} now */
  async #settle(now) {
    const before = this.published.trustList;
    this.published = this.#published.publishedSet();
    const { trustList, statusLists } = this.published;
    const contents = trustList === before ? [] : [...this.#kept].map(([path, { content }]) => [path, content]);
    this.plates = await this.#plates.refresh(new Map(/** @type {any} */ (contents)), trustList, now);
    if (!trustList) return;
    const ids = new Set([...statusLists.keys()].map((uri) => uri.slice(uri.lastIndexOf("/") + 1)));
    const wanted = new Set([TRUST_LIST, AGGREGATION, ...trustList.types.map(typePath), ...todayAndTomorrow(now).map(listPath)]);
    const over = [...this.#kept.keys()].filter(
      (path) => !wanted.has(path) && !(STATUS_PATH.test(path) && ids.has(path.slice(7, path.lastIndexOf(".")))),
    );
    for (const path of over) [this.#kept, this.#unsaved].forEach((paths) => paths.delete(path));
    await unlessFailed(this.#store.write(over.map((key) => ({ kind: /** @type {const} */ ("documents"), key }))));
  }

  /** @param {string} path */
  async #save(path) {
    const saved = await unlessFailed(this.#store.put("documents", path, this.#kept.get(path)));
    if (saved) this.#unsaved.delete(path);
    else this.#unsaved.add(path);
  }

  /** @param {string} path @returns {Uint8Array | undefined} */
  #content(path) {
    return this.#kept.get(path)?.content;
  }
}

/** @param {Promise<void>} write @returns {Promise<boolean>} did it work? */
async function unlessFailed(write) {
  try {
    await write;
    return true;
  } catch (problem) {
    if (problem instanceof StoreFailed) return false;
    throw problem;
  }
}
