/**
 * The pass page: asks once for a credential bound to this browser's key, then signs the time every 20 seconds and draws
 * the live code, with or without a network. Everything it says stands in the page already; it only shows and hides.
 */

import { keyOf } from "./key_store.js";
import { fromBase64url, liveCode, publicJwk } from "./live_code.js";

const RENEWED = 20; // seconds
const REFRESHED = 300; // seconds between two looks whether the pass has changed
const CLOCK_TOLERANCE = 10; // seconds
const QUIET_ZONE = 4; // modules, ISO/IEC 18004 section 9.1
const LINK = location.pathname.replace(/\/$/, "");
const SVG = "http://www.w3.org/2000/svg";

const LOCALE = document.documentElement.lang === "en" ? "en-GB" : "de"; // as the days around the code are written
const TIME = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "medium" });

const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (document.querySelector(`[data-part=${name}]`));
const seconds = () => Math.floor(Date.now() / 1000);

/**
 * @type {{key: CryptoKeyPair, given: string, credential: Uint8Array | null, code: string, signedAt: number,
 *   askedAt: number, encode: Function}} what this page holds; without a credential it shows no code
 */
let live;

/** Show what belongs to a state and nothing else. @param {string} state */
function show(state) {
  for (const element of document.querySelectorAll("[data-when]")) {
    /** @type {HTMLElement} */ (element).hidden = element.getAttribute("data-when") !== state;
  }
}

/** Ask for the credential of this browser's key. @param {boolean} takeOver from another phone */
async function enrol(takeOver) {
  const body = JSON.stringify({ jwk: await publicJwk(live.key), take_over: takeOver });
  const before = Date.now();
  let answer;
  let found;
  try {
    answer = await fetch(`${LINK}/live-code`, { method: "POST", body, cache: "no-store" });
    found = await answer.json();
  } catch {
    if (!live.credential) show("failed");
    return;
  }
  live.askedAt = seconds();
  if (answer.ok) {
    const changed = live.given !== "" && live.given !== found.credential;
    if (changed) return location.reload(); // a plate, a day: what the page shows around the code is old too
    live.given = found.credential;
    live.credential = fromBase64url(found.credential);
    tellClock((before + Date.now()) / 2000 - found.now);
    show("live");
    await renew();
  } else if (found.code === "bound_elsewhere") {
    live.given = "";
    live.credential = null;
    show("elsewhere");
  } else if (answer.status === 404 || answer.status === 409) {
    location.reload(); // the page says why there is no code
  } else if (!live.credential) {
    show("failed");
  }
}

/** @param {number} difference seconds that this device is ahead; half a second is lost in the server's whole ones */
function tellClock(difference) {
  const off = Math.round(Math.abs(difference));
  part("clock").hidden = off <= CLOCK_TOLERANCE;
  part("clock-seconds").textContent = String(off);
}

async function renew() {
  if (!live.credential) return;
  live.signedAt = seconds();
  live.code = await liveCode(live.credential, live.signedAt, live.key.privateKey);
  draw();
}

/** Black on white with its quiet zone, each module a whole number of the screen's pixels. */
function draw() {
  if (!live.credential) return;
  const { data, size } = live.encode(live.code, { ecc: "L", boostEcc: true, maskPattern: 4, border: QUIET_ZONE });
  const frame = part("code");
  const pixels = Math.max(1, Math.floor((frame.clientWidth * devicePixelRatio) / size));
  const picture = document.createElementNS(SVG, "svg");
  const side = String((pixels * size) / devicePixelRatio);
  for (const [name, value] of [["viewBox", `0 0 ${size} ${size}`], ["width", side], ["height", side]]) {
    picture.setAttribute(name, value);
  }
  const paper = picture.appendChild(document.createElementNS(SVG, "path"));
  paper.setAttribute("fill", "#fff");
  paper.setAttribute("d", `M0 0h${size}v${size}h-${size}z`);
  const dark = picture.appendChild(document.createElementNS(SVG, "path"));
  dark.setAttribute("shape-rendering", "crispEdges");
  dark.setAttribute("d", runs(data));
  frame.replaceChildren(picture);
}

/** The dark modules as horizontal runs. @param {boolean[][]} rows @returns {string} */
function runs(rows) {
  let path = "";
  rows.forEach((row, y) => {
    for (let x = 0, end; x < row.length; x = end + 1) {
      end = x;
      while (row[end]) end++;
      if (end > x) path += `M${x} ${y}h${end - x}v1h-${end - x}z`;
    }
  });
  return path;
}

/** Each second: the time, the bar, and a new code when the old one is used up or the clock was set. */
async function tick() {
  if (!live.credential) return;
  const now = seconds();
  const age = now - live.signedAt;
  if (age >= RENEWED || age < 0) await renew();
  part("time").textContent = TIME.format(now * 1000);
  part("bar").style.width = `${100 - (100 * (now - live.signedAt)) / RENEWED}%`;
  if (now - live.askedAt >= REFRESHED && navigator.onLine && !document.hidden) {
    live.askedAt = now;
    enrol(false);
  }
}

/** An inspector needs a moment: the screen stays on while the code is looked at. */
async function keepAwake() {
  try {
    if (!document.hidden) await navigator.wakeLock?.request("screen");
  } catch {
    // Battery saving comes first on some phones.
  }
}

function seen() {
  if (document.hidden) return;
  keepAwake();
  renew();
  if (seconds() - live.askedAt >= RENEWED) enrol(false);
}

const tellNetwork = () => (part("offline").hidden = navigator.onLine);

async function start() {
  if (!globalThis.crypto?.subtle) throw new Error("no WebCrypto");
  const { encode } = await import("./qr.js");
  live = { key: await keyOf(LINK), given: "", credential: null, code: "", signedAt: 0, askedAt: 0, encode };
  document.addEventListener("visibilitychange", seen);
  addEventListener("online", () => (tellNetwork(), enrol(false)));
  addEventListener("offline", tellNetwork);
  addEventListener("resize", draw);
  part("take-over").addEventListener("click", () => enrol(true));
  part("again").addEventListener("click", () => enrol(false));
  setInterval(tick, 1000);
  tellNetwork();
  keepAwake();
  await enrol(false);
  await tick();
}

/** What a browser shows that cannot sign. */
function giveUp() {
  const plain = /** @type {HTMLTemplateElement | null} */ (document.querySelector("[data-part=plain]"));
  if (plain) part("unable").append(plain.content.cloneNode(true));
  show("unable");
}

start().catch(giveUp);
