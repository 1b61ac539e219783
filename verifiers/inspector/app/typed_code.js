/**
 * A code typed or pasted by hand. What a hand scanner mistyped is explained instead of judged: the pass is not to blame.
 *
 * @typedef {import("./shell.js").App} App
 */

import { el } from "./elements.js";
import { sentenceOf, texts } from "./language.js";
import { sheet } from "./sheet.js";
import { looksMistyped } from "./wedge.js";

/** Without line ends and leading blanks; a blank at the end belongs to Base45 (as `verifiers/tidy.py`). */
export const tidy = (/** @type {string} */ text) => text.replace(/^[\r\n\t]+|[\r\n\t]+$/g, "").trimStart();

/** @param {App} app */
export function typedCode(app) {
  const { ui } = texts();
  const problem = el("p", { class: "problem", role: "alert", id: "typed-problem" });
  const field = el("textarea", {
    id: "typed",
    rows: 3,
    autocomplete: "off",
    autocapitalize: "characters",
    spellcheck: "false",
    "aria-describedby": "typed-hint typed-problem",
  });
  const judge = async (/** @type {() => void} */ close) => {
    const text = tidy(field.value);
    const code = text === "" ? "nothing_typed" : looksMistyped(text) ? "wedge_layout" : null;
    problem.textContent = code ? sentenceOf({ code }) : "";
    if (code) return field.focus();
    close();
    await app.judge(text);
  };
  const content = [
    el("label", { for: "typed" }, ui.codeLabel),
    el("p", { class: "hint", id: "typed-hint" }, ui.codeHint),
    field,
    problem,
  ];
  sheet(ui.typeCode, content, { label: ui.check, action: judge });
  field.focus();
}
