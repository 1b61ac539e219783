/**
 * The app on the device: its service worker, a newer version when one is whole, and storage that the browser does not
 * clear. A newer version is begun with at the next start, or when the inspector says so, never in the middle of a check.
 */

import { VERSION } from "./version.js";

const WORKER = new URL("../../sw.js", import.meta.url);
const CURRENT = "inspector"; // where the worker names the version that is begun with
const LOOK_AGAIN = 3_600_000; // milliseconds

/** Events: "change". */
export class Installation extends EventTarget {
  /** @type {ServiceWorkerRegistration | null} */
  #registration = null;
  /** Is a newer version whole on the device? */
  updateReady = false;
  /** Will the browser keep what is stored? null: it cannot say. @type {boolean | null} */
  persisted = null;

  async start() {
    this.persisted = (await navigator.storage?.persisted?.().catch(() => null)) ?? null;
    try {
      this.#registration = await navigator.serviceWorker.register(WORKER, { updateViaCache: "none" });
    } catch {
      // No network at the first start, or a browser that keeps nothing.
    }
    await this.#look();
    const registration = this.#registration;
    if (!registration) return;
    const watch = () => registration.installing?.addEventListener("statechange", () => void this.#look());
    registration.addEventListener("updatefound", watch);
    watch();
    setInterval(() => registration.update().catch(() => undefined), LOOK_AGAIN);
  }

  async #look() {
    try {
      const named = await (await caches.open(CURRENT)).match(new URL("./", WORKER).href);
      this.updateReady = Boolean(named && (await named.text()) !== VERSION);
    } catch {
      this.updateReady = false; // no caches here
    }
    this.dispatchEvent(new Event("change"));
  }

  /** Is the whole app on the device? */
  get complete() {
    return Boolean(this.#registration?.active);
  }

  /** Begin again, with the newer version. */
  useNow() {
    location.reload();
  }

  /** Ask the browser to keep what is stored; it may refuse. */
  async keepStorage() {
    this.persisted = (await navigator.storage?.persist?.().catch(() => false)) ?? null;
    this.dispatchEvent(new Event("change"));
  }
}
