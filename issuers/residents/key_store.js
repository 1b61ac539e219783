/**
 * This browser's keys, one for each link, in IndexedDB: script may use them and never read them.
 * Where nothing can be kept (a private window), a key lives as long as its page.
 */

import { makeKey } from "./live_code.js";

const [DATABASE, STORE] = ["pass-pages", "keys"];

/** The key of a link, made at its first use. @param {string} link @returns {Promise<CryptoKeyPair>} */
export async function keyOf(link) {
  const made = await makeKey();
  try {
    const database = await opened();
    return await kept(database, await digest(link), made);
  } catch {
    return made;
  }
}

/** @returns {Promise<IDBDatabase>} */
function opened() {
  const asked = indexedDB.open(DATABASE, 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
  return settled(asked);
}

/**
 * The key that is kept under a name; of two pages at once that bring one, the first one's.
 * @param {IDBDatabase} database @param {string} name @param {CryptoKeyPair} made @returns {Promise<CryptoKeyPair>}
 */
async function kept(database, name, made) {
  const keys = database.transaction(STORE, "readwrite").objectStore(STORE);
  const found = await settled(keys.get(name));
  if (found) return found;
  await settled(keys.add(made, name));
  return made;
}

/** Keys are kept under a digest: the secret of the link itself is nothing to store. @param {string} link */
async function digest(link) {
  const raw = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(link)));
  return Array.from(raw, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @template Result @param {IDBRequest<Result>} request @returns {Promise<Result>} */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
