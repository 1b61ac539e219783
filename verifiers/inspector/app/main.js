/** The beginning: is the browser enough, is there a newer version, whose device is this? Then the app. */

import { el } from "./elements.js";
import { Installation } from "./installation.js";
import { speak, language, texts } from "./language.js";
import { Session } from "./session.js";
import { App } from "./shell.js";
import { openEars } from "./signals.js";

const place = /** @type {HTMLElement} */ (document.getElementById("app"));

function unsupported() {
  const lacking = [crypto.subtle, globalThis.indexedDB, globalThis.OffscreenCanvas].some((part) => !part);
  return !isSecureContext || lacking || !takesModuleWorkers();
}

/** Who asks for a worker's type knows modules; the answer is refused, so that no worker begins. */
function takesModuleWorkers() {
  let asked = false;
  const options = {
    get type() {
      asked = true;
      throw new TypeError("No worker is wanted.");
    },
  };
  try {
    new Worker("", options).terminate();
  } catch {
    // Refused, or there are no workers at all.
  }
  return asked;
}

/** @param {string} title @param {...string} sentences */
function say(title, ...sentences) {
  place.replaceChildren(
    el("main", { class: "starting" }, el("h1", {}, title), ...sentences.map((text) => el("p", {}, text))),
  );
}

async function begin() {
  speak(language());
  const { ui } = texts();
  if (unsupported()) return say(ui.unsupportedTitle, ui.unsupportedReason, ui.unsupportedAdvice);
  const installation = new Installation();
  void installation.start();
  openEars();
  new App(await Session.open(), installation).start(place);
}

begin().catch(() => say(texts().ui.failedTitle, texts().ui.unsupportedAdvice));
