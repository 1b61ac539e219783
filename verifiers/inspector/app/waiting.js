/**
 * When what waits will be sent, in words: shortly, or only when there is a network again.
 *
 * @typedef {import("./session.js").Session} Session
 */

import { counted, texts } from "./language.js";

/** A captive portal is a network, too, but no service answers there. @param {Session} session @returns {boolean} */
export const reachable = (session) => navigator.onLine && session.reached !== false;

/** @param {Session} session @param {number} count of checks that have not arrived @returns {string} */
export function waitingSentence(session, count) {
  const { ui } = texts();
  if (session.state === "ended") return counted(count, [ui.waitingNone, ui.keptOne, ui.keptCount]);
  const later = reachable(session) ? [ui.soonOne, ui.soonCount] : [ui.waitingOne, ui.waitingCount];
  return counted(count, [ui.waitingNone, ...later]);
}
