/**
 * When to speak with the service: every twenty seconds while the app is seen, at once when a network or the screen comes
 * back, and ever less often while nobody answers. What is said and heard is the session's.
 */

const INTERVAL = 20; // seconds
const LONGEST = 300; // seconds between tries while nobody answers

export class Contact {
  #speak;
  /** @type {Promise<void> | null} */
  #running = null;
  #failures = 0;
  #stopped = true;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #wake = () => {
    if (document.visibilityState === "visible") void this.now().catch(() => undefined);
  };

  /** @param {() => Promise<void>} speak says and hears; what it throws is no contact */
  constructor(speak) {
    this.#speak = speak;
  }

  start() {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#failures = 0;
    window.addEventListener("online", this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
    this.#wake();
  }

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    window.removeEventListener("online", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
  }

  /** Speak now; whoever asks meanwhile gets the same answer. @returns {Promise<void>} rejects when nobody answered */
  now() {
    this.#running ??= this.#once().finally(() => (this.#running = null));
    return this.#running;
  }

  async #once() {
    clearTimeout(this.#timer);
    try {
      await this.#speak();
      this.#failures = 0;
    } catch (problem) {
      this.#failures++;
      throw problem;
    } finally {
      if (!this.#stopped) this.#timer = setTimeout(this.#wake, this.#pause() * 1000);
    }
  }

  /** With a share of chance: a thousand devices that lost the network together do not come back together. */
  #pause() {
    const planned = this.#failures ? Math.min(LONGEST, INTERVAL * 2 ** (this.#failures - 1)) : INTERVAL;
    return planned * (this.#failures ? 0.5 + Math.random() : 0.9 + 0.2 * Math.random());
  }
}
