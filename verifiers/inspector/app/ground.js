/**
 * What the parts behind the session stand on, and what each part may do when the session speaks with the service. A part
 * is made with the ground by `parts.js`; it keeps the store, the keys and the network to what is offered here.
 *
 * @typedef {import("./contact.js").Contact} Contact
 * @typedef {import("./day_keys.js").DayKeys} DayKeys
 * @typedef {import("./device.js").Device} Device
 * @typedef {import("./known.js").KnownDocuments} KnownDocuments
 * @typedef {import("./store.js").Store} Store
 *
 * @typedef {object} Warning one of this device's scans is of a permit that was seen elsewhere, too
 * @property {"two_places" | "two_plates"} kind
 * @property {string} nonce of the own scan
 * @property {number} at NumericDate of the other, to the minute
 * @property {string | null} zone of the other
 *
 * @typedef {object} Ground
 * @property {Store} store
 * @property {DayKeys} keys `keys.of("use", day)` and `keys.byDay("plate")`: HMAC keys for `sign`; null or absent outside
 *   the shift
 * @property {() => KnownDocuments} known `known().published` for `verify`, `known().plates` for `PlateLookup`
 * @property {() => Device} device its scope, limits and the desk's key
 * @property {() => string | null} zone the chosen one
 * @property {() => number} now NumericDate, whole seconds, by the service's clock as far as it is known
 * @property {(path: string, body: unknown) => Promise<any>} post to an address below /api/v1/device/; throws `NoContact`
 *   or `ServiceRefused`
 * @property {(kind: "queue" | "fresh") => void} changed tells the screens
 * @property {(warning: Warning) => void} warn shows it, now
 *
 * @typedef {object} Part every member may be absent
 * @property {() => Promise<Record<string, unknown>>} [report] members of the contact's report: waiting, quarantined,
 *   cases, lookups
 * @property {(answer: {warnings: Warning[]}) => Promise<void>} [heard] after each contact: take warnings, hand in what
 *   waits
 * @property {boolean} [unsaved] is something in memory only, because the device has no room?
 */

export {};
