/**
 * What this device is for: its types of pass and its zones, as the desk set them. An empty list there means all.
 *
 * @typedef {import("./session.js").Session} Session
 */

const PARKING = "parking"; // the category of types that belong to vehicles

/** Does the device look up plates? @param {Session} session @returns {boolean} */
export const looksUpPlates = (session) => session.passTypes().some(({ category }) => category === PARKING);

/** Are vehicles all it is for? Then it opens on the plate: most cars show no phone. @param {Session} session */
export function opensOnPlates(session) {
  const types = session.passTypes();
  return types.length > 0 && types.every(({ category }) => category === PARKING);
}

/** The zones to ask about: the chosen one, else all of the device's; none named: all there are. @param {Session} session */
export function zonesAsked(session) {
  return session.zone === null ? (session.device?.zones ?? []) : [session.zone];
}
