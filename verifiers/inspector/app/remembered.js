/**
 * The little that outlives a start besides keys and documents: what the service last said of this device, when it last
 * answered, the chosen zone, and why the device has ended. Nothing of it is secret. It holds in memory even where it
 * cannot be stored.
 *
 * @typedef {import("./device.js").Device} Device
 * @typedef {import("./device.js").Ending} Ending
 * @typedef {import("./store.js").Store} Store
 */

import { StoreFailed } from "./errors.js";

export class Remembered {
  #store;
  #kept;

  /** @param {Store} store @param {ReadonlyMap<string, any>} kept */
  constructor(store, kept) {
    this.#store = store;
    this.#kept = new Map(kept);
  }

  /** @param {Store} store */
  static async recall(store) {
    return new Remembered(store, await store.all("settings"));
  }

  /** @returns {Device | null} */
  get device() {
    return this.#kept.get("device") ?? null;
  }

  /** @returns {number | null} NumericDate */
  get lastContact() {
    return this.#kept.get("lastContact") ?? null;
  }

  /** @returns {Ending | null} */
  get ending() {
    return this.#kept.get("ending") ?? null;
  }

  /** @returns {string | null} */
  get zone() {
    return this.#kept.get("zone") ?? null;
  }

  set zone(zone) {
    void this.#keep({ zone: zone ?? undefined });
  }

  /** @param {Device} device @param {number} at NumericDate */
  enrolled(device, at) {
    return this.#keep({ device, lastContact: at, ending: undefined });
  }

  /** @param {Device} device @param {number} at NumericDate */
  heard(device, at) {
    return this.#keep({ device, lastContact: at });
  }

  /** @param {Ending} ending */
  ended(ending) {
    return this.#keep({ device: undefined, lastContact: undefined, zone: undefined, ending });
  }

  /** @param {Record<string, unknown>} changes undefined: forget it */
  async #keep(changes) {
    const steps = Object.entries(changes).map(([key, value]) => ({ kind: /** @type {const} */ ("settings"), key, value }));
    for (const { key, value } of steps) {
      if (value === undefined) this.#kept.delete(key);
      else this.#kept.set(key, value);
    }
    try {
      await this.#store.write(steps);
    } catch (problem) {
      if (!(problem instanceof StoreFailed)) throw problem;
    }
  }
}
