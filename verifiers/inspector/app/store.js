/**
 * The device's store: IndexedDB with promises. Every write is one transaction, whole or not at all, on disk before its
 * promise resolves; every failure is a `StoreFailed` or `StoreFull`. Source: Indexed Database API 3.0.
 *
 * @typedef {"identity" | "documents" | "keys" | "scans" | "quarantine" | "cases" | "uses" | "lookups" | "settings"} Kind
 * @typedef {{kind: Kind, key: string, value?: unknown}} Step without a value: delete what is there
 */

import { StoreFailed, StoreFull } from "./errors.js";

/** identity: keys and the sealed token · documents: what was published, by path · keys: of a day · scans, quarantine,
 * cases: what is still to be handed in · uses: recent ones · lookups: counts of an hour · settings: the rest.
 * @type {readonly Kind[]} */
export const KINDS = Object.freeze([
  ...["identity", "documents", "keys", "scans", "quarantine", "cases", "uses", "lookups", "settings"],
]);
const NAME = "walletpass-inspector";
const VERSION = 1;

export class Store {
  /** @type {IDBDatabase | null} */
  #database = null;

  /** Throws `StoreFailed` where there is no store to be had. @returns {Promise<Store>} */
  static async open() {
    const store = new Store();
    await store.#opened();
    return store;
  }

  /** @param {Kind} kind @param {string} key @returns {Promise<any>} undefined where there is nothing */
  get(kind, key) {
    return this.#run([kind], "readonly", (objects) => objects(kind).get(key));
  }

  /** Everything of a kind, by key, in the keys' order. @param {Kind} kind @returns {Promise<Map<string, any>>} */
  async all(kind) {
    /** @type {[string, any][]} */
    const found = [];
    await this.#run([kind], "readonly", (objects) => {
      const request = objects(kind).openCursor();
      request.onsuccess = () => {
        const cursor = request.result;
        if (!cursor) return;
        found.push([/** @type {string} */ (cursor.key), cursor.value]);
        cursor.continue();
      };
      return request;
    });
    return new Map(found);
  }

  /** @param {Kind} kind @returns {Promise<number>} */
  count(kind) {
    return this.#run([kind], "readonly", (objects) => objects(kind).count());
  }

  /** @param {Kind} kind @param {string} key @param {unknown} value */
  put(kind, key, value) {
    return this.write([{ kind, key, value }]);
  }

  /** @param {Kind} kind @param {string} key */
  delete(kind, key) {
    return this.write([{ kind, key }]);
  }

  /** All steps, or none of them. @param {readonly Step[]} steps @returns {Promise<void>} */
  write(steps) {
    const kinds = [...new Set(steps.map(({ kind }) => kind))];
    if (!kinds.length) return Promise.resolve();
    return this.#run(kinds, "readwrite", (objects) => {
      for (const { kind, key, value } of steps) {
        if (value === undefined) objects(kind).delete(key);
        else objects(kind).put(value, key);
      }
    });
  }

  /**
   * Read, change and write back, with nobody in between; gives the new value. What `change` throws undoes everything.
   * @template Value
   * @param {Kind} kind @param {string} key @param {(found: any) => Value} change @returns {Promise<Value>}
   */
  update(kind, key, change) {
    /** @type {Value} */
    let changed;
    return this.#run([kind], "readwrite", (objects, undo) => {
      const request = objects(kind).get(key);
      request.onsuccess = () => {
        try {
          changed = change(request.result);
          objects(kind).put(changed, key);
        } catch (problem) {
          undo(problem);
        }
      };
    }).then(() => changed);
  }

  /** Empty these kinds. @param {readonly Kind[]} kinds @returns {Promise<void>} */
  clear(kinds) {
    return this.#run(kinds, "readwrite", (objects) => kinds.forEach((kind) => objects(kind).clear()));
  }

  /** Delete everything. @returns {Promise<void>} */
  wipe() {
    return this.clear(KINDS);
  }

  close() {
    this.#database?.close();
    this.#database = null;
  }

  /**
   * One transaction; gives what the request that `work` returned has found.
   * @param {readonly Kind[]} kinds @param {IDBTransactionMode} mode
   * @param {(objects: (kind: Kind) => IDBObjectStore, undo: (problem: unknown) => void) => IDBRequest | void} work
   * @returns {Promise<any>}
   */
  async #run(kinds, mode, work) {
    const transaction = await this.#begin(kinds, mode);
    return new Promise((resolve, reject) => {
      /** @type {unknown} */
      let thrown = null;
      const undo = (/** @type {unknown} */ problem) => {
        thrown = problem;
        transaction.abort();
      };
      transaction.onabort = () => reject(thrown ?? failure(transaction.error));
      /** @type {IDBRequest | void} */
      let request;
      transaction.oncomplete = () => resolve(request?.result);
      try {
        request = work((kind) => transaction.objectStore(kind), undo);
      } catch (problem) {
        undo(failure(problem)); // such as a value that cannot be stored
      }
    });
  }

  /** @param {readonly Kind[]} kinds @param {IDBTransactionMode} mode @returns {Promise<IDBTransaction>} */
  async #begin(kinds, mode) {
    for (const last of [false, true]) {
      const database = this.#database ?? (await this.#opened());
      try {
        // Strict: a scan is on the disk before its verdict is shown, however the app ends.
        return database.transaction([...kinds], mode, { durability: "strict" });
      } catch (problem) {
        this.close(); // the browser may have closed it; then it is opened once more
        if (last) throw failure(problem);
      }
    }
    throw new StoreFailed("The store cannot be used.");
  }

  /** @returns {Promise<IDBDatabase>} */
  #opened() {
    return new Promise((resolve, reject) => {
      /** @type {IDBOpenDBRequest} */
      let request;
      try {
        request = indexedDB.open(NAME, VERSION);
      } catch (problem) {
        return reject(failure(problem));
      }
      request.onupgradeneeded = () => KINDS.forEach((kind) => request.result.createObjectStore(kind));
      request.onblocked = () => reject(new StoreFailed("Another window holds the store open."));
      request.onerror = () => reject(failure(request.error));
      request.onsuccess = () => {
        const database = request.result;
        database.onversionchange = () => this.close();
        database.onclose = () => this.#database === database && (this.#database = null);
        this.#database = database;
        resolve(database);
      };
    });
  }
}

/** @param {unknown} problem @returns {StoreFailed} */
function failure(problem) {
  const name = problem instanceof Error || problem instanceof DOMException ? problem.name : "";
  if (name === "QuotaExceededError") return new StoreFull("There is no room left on this device.");
  return new StoreFailed(`The store cannot be used${name ? ` (${name})` : ""}.`);
}
