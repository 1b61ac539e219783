/** What this device remembers of its holder's habits: nothing personal, nothing secret, and it may be lost. */

const KEY = "inspector.preferences";
/** @type {Record<string, unknown>} */
const DEFAULTS = { language: "de", muted: false, camera: null };

/** @returns {Record<string, unknown>} */
function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return kept !== null && typeof kept === "object" ? kept : {};
  } catch {
    return {}; // no storage here, or somebody else's bytes
  }
}

/** @type {Record<string, unknown>} */
const current = { ...DEFAULTS, ...read() };

/** @param {string} name @returns {any} */
export const preference = (name) => current[name];

/** @param {string} name @param {unknown} value */
export function prefer(name, value) {
  current[name] = value;
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // It holds until the app is closed.
  }
}
