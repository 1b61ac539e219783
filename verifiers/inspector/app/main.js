/** The beginning: is the browser enough, is there a newer version, whose device is this? Then the app. */

import { el } from "./elements.js";
import { Installation } from "./installation.js";
import { speak, language, texts } from "./language.js";
import { Session } from "./session.js";
import { App } from "./shell.js";
import { openEars } from "./signals.js";

const place = /** @type {HTMLElement} */ (document.getElementById("app"));

function unsupported() {
  return (
    !isSecureContext || !crypto.subtle || typeof indexedDB === "undefined" || typeof OffscreenCanvas === "undefined"
  );
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
