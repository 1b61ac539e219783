/**
 * What another check says about this one, in words.
 *
 * @typedef {{kind: string, at: number, zone: string | null}} Warning
 */

import { clockTime, fill, texts } from "./language.js";

/** @param {Warning} warning @returns {string} */
export function warningSentence({ kind, at, zone }) {
  const { warnings } = texts();
  const time = clockTime(at);
  if (kind === "two_plates") return fill(warnings.two_plates, { time });
  return zone === null ? fill(warnings.two_places_somewhere, { time }) : fill(warnings.two_places, { time, zone });
}
