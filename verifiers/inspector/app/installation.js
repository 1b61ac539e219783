/**
 * The app on the device: its service worker, a newer version when one is ready, and storage that the browser does not
 * clear. A version that waits is used at the next start, or when the inspector says so, never in the middle of a check.
 */

const WORKER = new URL("../../sw.js", import.meta.url);
const LOOK_AGAIN = 3_600_000; // milliseconds

/** Events: "change". */
export class Installation extends EventTarget {
  /** @type {ServiceWorkerRegistration | null} */
  #registration = null;
  #starting = true;
  persisted = /** @type {boolean | null} */ (null);

  /** Register the worker; use a version that has waited since the last time, before anything has begun. */
  async start() {
    this.persisted = (await navigator.storage?.persisted?.().catch(() => null)) ?? null;
    const workers = navigator.serviceWorker;
    if (!workers) return this.#changed();
    try {
      this.#registration = await workers.register(WORKER, { updateViaCache: "none" });
    } catch {
      // No network at the first start, or a browser that keeps nothing.
    }
    if (!this.#registration) return this.#changed();
    if (this.#registration.waiting && workers.controller) this.useNow();
    this.#starting = false;
    this.#registration.addEventListener("updatefound", () => this.#watch());
    this.#watch();
    setInterval(() => this.#registration?.update().catch(() => undefined), LOOK_AGAIN);
    workers.ready.then(() => this.#changed());
    this.#changed();
  }

  #watch() {
    this.#registration?.installing?.addEventListener("statechange", () => this.#changed());
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** Is the whole app on the device? */
  get complete() {
    return Boolean(this.#registration?.active);
  }

  /** Does a newer version wait? */
  get updateReady() {
    return !this.#starting && Boolean(this.#registration?.waiting && this.#registration.active);
  }

  /** Go over to the version that waits, and start again with it. */
  useNow() {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    this.#registration?.waiting?.postMessage("use-now");
  }

  /** Ask the browser to keep what is stored; it may refuse. */
  async keepStorage() {
    this.persisted = (await navigator.storage?.persist?.().catch(() => false)) ?? null;
    this.#changed();
  }
}
