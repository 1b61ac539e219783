/**
 * The words on the screen, German unless the inspector wants English, and how times, days and spans are written.
 *
 * @typedef {typeof import("./texts_de.js").TEXTS} Texts
 */

import { prefer, preference } from "./preferences.js";
import { TEXTS as DE } from "./texts_de.js";
import { TEXTS as EN } from "./texts_en.js";

/** @type {Record<string, Texts>} */
const LANGUAGES = { de: DE, en: EN };
const ZONE = { timeZone: "Europe/Berlin" };

export const language = () => (preference("language") === "en" ? "en" : "de");

/** @returns {Texts} */
export const texts = () => LANGUAGES[language()];

/** @param {string} chosen */
export function speak(chosen) {
  prefer("language", chosen);
  document.documentElement.lang = language();
}

/** A sentence with its gaps filled: `{minutes}`. @param {string} sentence @param {Record<string, string | number>} values */
export const fill = (sentence, values) =>
  sentence.replace(/\{(\w+)\}/g, (gap, name) => (name in values ? String(values[name]) : gap));

/** @param {number} count @param {string[]} sentences for none, one and several */
export const counted = (count, sentences) => fill(sentences[Math.min(count, 2)], { count });

/** The sentence of an error, by its code; there is always one. @param {unknown} problem @returns {string} */
export function sentenceOf(problem) {
  const code = problem !== null && typeof problem === "object" && "code" in problem ? String(problem.code) : "";
  const { errors } = texts();
  return Object.hasOwn(errors, code) ? errors[/** @type {keyof typeof errors} */ (code)] : errors.error;
}

/** @param {number} seconds NumericDate @returns {string} `14:05` */
export const clockTime = (seconds) =>
  new Intl.DateTimeFormat(language(), { ...ZONE, hour: "2-digit", minute: "2-digit", hour12: false }).format(
    seconds * 1000,
  );

/** @param {number} seconds NumericDate @returns {string} `26.11.2026, 14:05` */
export const moment = (seconds) => `${day(new Date(seconds * 1000).toISOString())}, ${clockTime(seconds)}`;

/** @param {string} iso a day or a moment @returns {string} `15.07.2027`; what is no day is left as it is */
export function day(iso) {
  const date = new Date(iso.length === 10 ? `${iso}T12:00:00Z` : iso);
  if (Number.isNaN(date.getTime())) return iso;
  const form = language() === "de" ? "2-digit" : "short";
  return new Intl.DateTimeFormat(language() === "de" ? "de" : "en-GB", {
    ...ZONE,
    day: "2-digit",
    month: /** @type {"2-digit" | "short"} */ (form),
    year: "numeric",
  }).format(date);
}

const UNITS = /** @type {const} */ ([
  ["days", 86_400],
  ["hours", 3_600],
  ["minutes", 60],
]);

/** How long that is, in its largest unit. @param {number} seconds @returns {string} `3 Min.` */
export function span(seconds) {
  const { units } = texts();
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["seconds", 1];
  const count = Math.floor(Math.abs(seconds) / size);
  return `${count} ${units[unit][count === 1 ? 0 : 1]}`;
}

/** @param {number} seconds before now @returns {string} `vor 3 Min.` */
export const ago = (seconds) => (seconds < 60 ? texts().ui.justNow : fill(texts().ui.ago, { span: span(seconds) }));

/** @param {{de: string, en: string} | ReadonlyMap<string, string> | null | undefined} labels @returns {string} */
export function labelled(labels) {
  if (!labels) return "";
  const found = labels instanceof Map ? labels.get(language()) : /** @type {any} */ (labels)[language()];
  return found ?? "";
}
