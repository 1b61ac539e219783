/**
 * When a device is to work: days of the week and two local times, by the clock on the wall, as
 * `verifiers/devices/scope.py` reads them. A shift that ends before it begins runs over midnight and belongs to the day
 * on which it began.
 *
 * @typedef {{days: number[], from: string, until: string}} Shift days 1 (Monday) to 7; times such as 06:00
 */

const WALL = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Europe/Berlin",
  weekday: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/**
 * Whether the instant lies in the shift: its first minute does, the one it ends at does not. No shift: always.
 * @param {Shift | null} shift @param {number} now NumericDate @returns {boolean}
 */
export function onDuty(shift, now) {
  if (shift === null) return true;
  const parts = new Map(WALL.formatToParts(now * 1000).map(({ type, value }) => [type, value]));
  const today = DAYS.indexOf(parts.get("weekday") ?? "") + 1;
  const yesterday = today === 1 ? 7 : today - 1;
  const time = `${parts.get("hour")}:${parts.get("minute")}`; // of equal length, so texts compare as times do
  const { days, from, until } = shift;
  if (from < until) return days.includes(today) && from <= time && time < until;
  return (days.includes(today) && time >= from) || (days.includes(yesterday) && time < until);
}
