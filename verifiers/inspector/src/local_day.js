/**
 * Whole days in Düsseldorf, as `walletpass/passes.py` counts them. A day is its ISO text: `2027-03-28`.
 * No clock is read here; instants are NumericDates (RFC 8392 section 2).
 */

const FORMAT = new Intl.DateTimeFormat("en-CA", {
  timeZone: "Europe/Berlin",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
});
const LAST_DAY = "9999-12-31";
const ISO_DAY = /^\d{4}-\d{2}-\d{2}$/;
const DAY_MS = 86_400_000;
const OFFSETS = [7200, 3600]; // seconds east of Greenwich, in summer and in winter

/** The local day at an instant; what lies beyond the year 9999 is its last day. @param {number} now @returns {string} */
export function localDay(now) {
  const parts = new Map(FORMAT.formatToParts(now * 1000).map(({ type, value }) => [type, value]));
  const year = Number(parts.get("year"));
  return year > 9999 ? LAST_DAY : `${year}-${parts.get("month")}-${parts.get("day")}`;
}

/** Is this a day of the calendar in its one spelling, from 1971 to 9998? @param {unknown} text @returns {boolean} */
export function isDay(text) {
  if (typeof text !== "string" || !ISO_DAY.test(text) || text < "1971" || text > "9999") return false;
  const begins = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(begins) && isoDay(begins) === text; // some readers take 30 February for 2 March
}

/** The day so many days after that one. @param {string} day @param {number} count @returns {string} */
export const daysAfter = (day, count) => isoDay(Date.parse(`${day}T00:00:00Z`) + count * DAY_MS);

/**
 * The first second after a local day. Clocks change at two or three in the morning, so each midnight comes once.
 * @param {string} day @returns {number}
 */
export function endSecond(day) {
  const next = daysAfter(day, 1);
  const [summer, winter] = OFFSETS.map((offset) => Date.parse(`${next}T00:00:00Z`) / 1000 - offset);
  return localDay(summer) === next ? summer : winter;
}

/** @param {number} milliseconds @returns {string} */
const isoDay = (milliseconds) => new Date(milliseconds).toISOString().slice(0, 10);
