/**
 * The service worker: keeps whole versions of the app's files, and answers with nothing else. The server writes VERSION,
 * HEADERS and FILES (path → SHA-256, type) before it. What does not have the listed digest (a captive portal, half an
 * update, other bytes) is not kept. A version is begun with at the next start once all of it is here, whichever worker
 * answers by then: browsers change workers when no page is left, and a phone's app is seldom closed.
 */

/* global VERSION, HEADERS, FILES */

const PREFIX = "inspector-";
const CURRENT = "inspector"; // the name of the version to begin with
const OWN = PREFIX + VERSION;
const AT_ONCE = 6; // requests beside each other
const SCOPE = new URL("./", self.location.href);
const OF_A_VERSION = /^([0-9a-f]{16})\/./;

self.addEventListener("install", (event) => event.waitUntil(keepAll()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const path = pathOf(event.request);
  if (path !== null) event.respondWith(answer(path, event.request));
});

/** Below our address, or null: none of ours. @param {Request} request @returns {string | null} */
function pathOf({ method, mode, url }) {
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== SCOPE.origin || !pathname.startsWith(SCOPE.pathname)) return null;
  const path = pathname.slice(SCOPE.pathname.length);
  if (path === "") return mode === "navigate" ? path : null;
  return OF_A_VERSION.test(path) || Object.hasOwn(FILES, path) ? path : null;
}

/** @param {string} path @param {Request} request @returns {Promise<Response>} */
async function answer(path, request) {
  const version = OF_A_VERSION.exec(path)?.[1] ?? (await currentVersion());
  const kept = await (await caches.open(PREFIX + version)).match(addressOf(path));
  if (kept) return kept;
  if (!Object.hasOwn(FILES, path)) return fetch(request);
  const fresh = await fetched(path, "no-cache"); // the browser threw our files away, not the worker
  return fresh ? responseOf(path, fresh) : Response.error();
}

/** The version that was whole last. @returns {Promise<string>} */
async function currentVersion() {
  const named = await (await caches.open(CURRENT)).match(SCOPE.href);
  return named ? named.text() : VERSION;
}

/** Fetch what is not here yet. An update that was interrupted goes on where it stopped. */
async function keepAll() {
  const cache = await caches.open(OWN);
  const before = await filesBefore();
  const waiting = Object.keys(FILES);
  const work = async () => {
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) await keep(cache, before, path);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await (await caches.open(CURRENT)).put(SCOPE.href, new Response(VERSION));
}

/** @param {Cache} cache @param {Map<string, {cache: Cache, request: Request}>} before @param {string} path */
async function keep(cache, before, path) {
  if (await matching(await cache.match(addressOf(path)), path)) return;
  const old = before.get(nameOf(path, VERSION));
  const content =
    (await matching(await old?.cache.match(old.request), path)) ??
    (await fetched(path, "default")) ??
    (await fetched(path, "reload")); // the browser may have kept something wrong itself
  if (!content) throw new Error("A file of the app did not come, or not as it should be. The version before stays.");
  await cache.put(addressOf(path), responseOf(path, content));
}

/** What other versions have kept, by name: most files do not change. */
async function filesBefore() {
  const found = new Map();
  for (const name of (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== OWN)) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const path = new URL(request.url).pathname.slice(SCOPE.pathname.length);
      found.set(nameOf(path, name.slice(PREFIX.length)), { cache, request });
    }
  }
  return found;
}

/** A path without its version. @param {string} path @param {string} version @returns {string} */
const nameOf = (path, version) => (path.startsWith(`${version}/`) ? path.slice(version.length + 1) : path);

/**
 * The bytes at a path if they are the right ones, else null, also without a network.
 * @param {string} path @param {RequestCache} mode @returns {Promise<ArrayBuffer | null>}
 */
async function fetched(path, mode) {
  try {
    const found = await fetch(addressOf(path), { cache: mode, redirect: "error" });
    return found.ok ? await matching(found, path) : null;
  } catch {
    return null;
  }
}

/** @param {Response | undefined} response @param {string} path @returns {Promise<ArrayBuffer | null>} */
async function matching(response, path) {
  if (!response) return null;
  const content = await response.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === FILES[path][0] ? content : null;
}

/** Type and policy are those the server named, whatever came with the bytes. */
const responseOf = (/** @type {string} */ path, /** @type {ArrayBuffer} */ content) =>
  new Response(content, { headers: { ...HEADERS, "Content-Type": FILES[path][1] } });

/** @param {string} path @returns {string} */
const addressOf = (path) => new URL(path, SCOPE).href;

/** No page of another version is left. */
async function takeOver() {
  const needed = [OWN, PREFIX + (await currentVersion())];
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && !needed.includes(name)) await caches.delete(name);
  }
  await self.clients.claim();
}
