/**
 * What a reader of print saw on a plate → at most three plates that it may be, best first. The grammar of German
 * plates decides between look-alikes: one to three letters, one or two more, one to four digits, at the end perhaps
 * E or H, eight characters in all (FZV annex 4). So `0` among letters was an O, and `I` among digits a 1.
 * These are proposals: a person compares them with the car before anything is looked up.
 *
 * @typedef {import("./straight.js").Cell & {read: {char: string, confidence: number}[], begins: boolean}} Seen one
 *   character with what it was taken for, the likeliest first (0 to 100); `begins`: it is the first of its line
 * @typedef {{char: string, cost: number}} Choice
 *
 * @typedef {object} Reading the less it costs the likelier it is
 * @property {string} plate as `readPlate` writes it
 * @property {number} cost
 * @property {{cell: Seen, allowed: string}[]} odd what was read as something that cannot stand there
 */

import { InvalidClaim } from "../../src/errors.js";
import { plateKey, readPlate } from "../../src/licence_plate.js";

export const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ";
export const DIGITS = "0123456789";
const SUFFIXES = "EH";
const MOST = 3;
const HOPELESS = 3; // what nothing that is proposed may cost
const MOST_CHARACTERS = 8;
const UMLAUTS = "ÄÖÜ";
const TWINS = new Map([..."AÄOÖUÜ"].map((char, n, all) => [char, all[n % 2 ? n - 1 : n + 1]])); // with dots and without
const RARE = "Q"; // an O is the likelier one
// What each is often mistaken for, the likeliest first.
const ALIKE = new Map(
  Object.entries({
    ...{ 0: "OQDCU86", 1: "ILJT7", 2: "Z", 3: "B8E", 4: "A1", 5: "S6", 6: "GCB58", 7: "TZY1", 8: "B3069", 9: "GP80" },
    ...{ A: "4", B: "8R3E", C: "GO06", D: "O0", E: "FB3", F: "EP", G: "6C", H: "NM", I: "1LJT", J: "1I", K: "XR" },
    ...{ L: "14I", M: "WN", N: "HM", O: "Q0DC", P: "9RF", Q: "O0", R: "BKP", S: "58", T: "7I", U: "0VO", V: "UY" },
    ...{ W: "MV", X: "K", Y: "V7", Z: "27" },
  }),
);
const RIM = "I1LJT";
const SEALS = 0.5; // heights: they never have less room
const PAUSE = 0.2; // heights: letters and digits never stand closer
// A reading of which nobody was sure at all costs 1.
const COST = {
  alike: 0.5, // a look-alike instead of what was read
  alikeLess: 0.2, // more for each likelier one
  second: 0.35, // what was read at the second look
  rare: 0.15,
  dots: 1.6, // dots added or taken away without seeing
  otherDots: 3.2, // against what is seen
  dropped: 1.8, // the first or last character is none
  droppedRim: 1.2, // and looks like a plate's rim
  droppedEmpty: 0.3, // and nothing was read there
  close: 0.9, // letters and digits too close
  seals: 1.5, // no room for the seals behind the district
  foreign: 2.2, // no German plate
};

/** All that the characters may mean. @param {readonly Seen[]} seen line by line @returns {Reading[]} */
export function readings(seen) {
  return [...parts(seen).flatMap(({ cells, cost }) => divided(cells, cost)), ...asItStands(seen)];
}

/** The cheapest that are different plates, if they are worth a look. @param {Reading[]} found @returns {string[]} */
export function best(found) {
  const distinct = new Map();
  for (const { plate, cost } of [...found].sort((one, other) => one.cost - other.cost)) {
    if (cost < HOPELESS && !distinct.has(plateKey(plate))) distinct.set(plateKey(plate), plate);
  }
  return [...distinct.values()].slice(0, MOST);
}

/** All characters, and those without what may be the plate's rim at either end. @param {readonly Seen[]} seen */
function parts(seen) {
  return [0, 1].flatMap((from) =>
    [0, 1].map((less) => {
      const dropped = [...seen.slice(0, from), ...seen.slice(seen.length - less)];
      const cost = dropped.reduce((sum, cell) => sum + droppedCost(cell), 0);
      return { cells: seen.slice(from, seen.length - less), cost };
    }),
  );
}

/** @param {Seen} cell @returns {number} */
function droppedCost({ read }) {
  if (read.length === 0) return COST.droppedEmpty;
  return RIM.includes(read[0].char) ? COST.droppedRim : COST.dropped;
}

/** Every way to divide them into letters, digits and suffix. @param {Seen[]} cells @param {number} cost */
function divided(cells, cost) {
  const found = [];
  for (let letters = 2; letters <= 5; letters++) {
    for (const suffix of [0, 1]) {
      const digits = cells.length - letters - suffix;
      if (digits < 1 || digits > 4 || cells.length > MOST_CHARACTERS) continue;
      const allowed = cells.map((_, n) => (n < letters ? LETTERS : n < letters + digits ? DIGITS : SUFFIXES));
      found.push(...spelt(cells, allowed, letters, cost + placesCost(cells, letters)));
    }
  }
  return found;
}

/**
 * The cheapest reading so divided, and those with one character another.
 * @param {Seen[]} cells @param {string[]} allowed @param {number} letters how many @param {number} cost
 * @returns {Reading[]}
 */
function spelt(cells, allowed, letters, cost) {
  const choices = cells.map((cell, n) => choicesOf(cell, allowed[n]));
  choices[letters] = choices[letters].filter(({ char }) => char !== "0"); // no number begins with it
  if (choices.some((found) => found.length === 0)) return [];
  const first = choices.map(([choice]) => choice);
  const least = first.reduce((sum, choice) => sum + choice.cost, cost);
  const odd = cells
    .map((cell, n) => ({ cell, allowed: allowed[n] }))
    .filter((one) => one.cell.read.length && !one.allowed.includes(one.cell.read[0].char));
  const others = choices.flatMap((found, n) => found.slice(0, MOST).map((choice) => ({ n, choice })));
  return others.map(({ n, choice }) => {
    const chars = first.map(({ char }, place) => (place === n ? choice.char : char));
    return { plate: written(chars, cells, letters), cost: least - first[n].cost + choice.cost, odd };
  });
}

/** What a character may be, cheapest first. @param {Seen} cell @param {string} allowed @returns {Choice[]} */
function choicesOf({ read, dotted }, allowed) {
  /** @type {Map<string, number>} */
  const costs = new Map();
  const offer = (/** @type {string} */ char, /** @type {number} */ cost) => {
    if (allowed.includes(char) && cost < (costs.get(char) ?? Infinity)) costs.set(char, cost);
  };
  read.forEach(({ char, confidence }, look) => {
    const doubt = (look ? COST.second : 0) + (100 - confidence) / 100;
    for (const [rank, one] of [char, ...(ALIKE.get(char) ?? "")].entries()) {
      const cost = doubt + (rank ? COST.alike + (rank - 1) * COST.alikeLess : 0);
      offer(one, cost);
      const twin = TWINS.get(one);
      if (twin) offer(twin, cost + (UMLAUTS.includes(twin) === dotted ? 0 : COST.dots));
    }
  });
  for (const [char, cost] of costs) {
    const unseen = UMLAUTS.includes(char) === dotted ? 0 : COST.otherDots;
    costs.set(char, cost + unseen + (RARE.includes(char) ? COST.rare : 0));
  }
  return [...costs].map(([char, cost]) => ({ char, cost })).sort((one, other) => one.cost - other.cost);
}

/** Do the gaps speak against so many letters? @param {Seen[]} cells @param {number} letters @returns {number} */
function placesCost(cells, letters) {
  const close = !cells[letters].begins && cells[letters].gap < PAUSE;
  const [widest] = [1, 2, 3].sort((one, other) => room(cells[other]) - room(cells[one]));
  const sealed = room(cells[widest]) >= SEALS && districtEnds(letters).includes(widest);
  return (close ? COST.close : 0) + (sealed ? 0 : COST.seals);
}

/** @param {Seen | undefined} cell @returns {number} heights before it; the upper line ends with the seals */
const room = (cell) => (cell ? (cell.begins ? Infinity : cell.gap) : 0);

/** How long the district may be. @param {number} letters @returns {number[]} */
const districtEnds = (letters) => [1, 2, 3].filter((place) => place < letters && letters - place <= 2);

/**
 * With the hyphen where there is most room: there are the seals.
 * @param {string[]} chars @param {Seen[]} cells @param {number} letters @returns {string}
 */
function written(chars, cells, letters) {
  const ends = districtEnds(letters).reduce((most, place) => (room(cells[place]) > room(cells[most]) ? place : most));
  const [district, rest, digits] = [chars.slice(0, ends), chars.slice(ends, letters), chars.slice(letters)];
  return `${district.join("")}-${rest.join("")} ${digits.join("")}`;
}

/** As read, for plates of other kinds and countries. @param {readonly Seen[]} seen @returns {Reading[]} */
function asItStands(seen) {
  const doubt = seen.reduce((sum, { read }) => sum + (100 - (read[0]?.confidence ?? 0)) / 100, 0);
  try {
    const plate = readPlate(seen.map(({ read }) => read[0]?.char ?? "").join(""));
    return [{ plate, cost: COST.foreign + doubt, odd: [] }];
  } catch (refusal) {
    if (refusal instanceof InvalidClaim) return [];
    throw refusal;
  }
}
