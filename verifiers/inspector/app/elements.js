/**
 * Building the page: elements, never markup. Whatever a code or a document says becomes text, so that nothing in it is
 * ever a link, a picture or a script.
 *
 * @typedef {Node | string | null | undefined | false} Child
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with its children. A property that is a function listens (`onclick`), true and false switch an attribute,
 * null and undefined leave it out, everything else is an attribute's text.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Record<string, unknown>} [properties] @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/**
 * One of our line drawings, 24 units wide; decoration, the words stand beside it.
 * @param {keyof typeof DRAWINGS} name @returns {SVGSVGElement}
 */
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  for (const [attribute, value] of [
    ["viewBox", "0 0 24 24"],
    ["aria-hidden", "true"],
    ["class", `icon icon-${name}`],
  ]) {
    made.setAttribute(attribute, value);
  }
  for (const line of DRAWINGS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", line);
    made.append(path);
  }
  return made;
}

/**
 * A button, at least as large as a gloved thumb.
 * @param {string} label @param {() => unknown} action @param {{class?: string, icon?: keyof typeof DRAWINGS}} [look]
 */
export function button(label, action, look = {}) {
  const drawing = look.icon ? icon(look.icon) : null;
  return el("button", { type: "button", class: look.class ?? "", onclick: action }, drawing, el("span", {}, label));
}

const DRAWINGS = Object.freeze({
  tick: ["M4 12.5l5.5 5.5L20 6.5"],
  cross: ["M5.500 5.500l13 13M18.500 5.500l-13 13"],
  question: ["M8 8.800a4 4 0 1 1 5.500 3.700c-1.100.5-1.500 1.200-1.500 2.500", "M12 19.200v.1"],
  dash: ["M5 12h14"],
  scan: ["M4 8V5a1 1 0 0 1 1-1h3M16 4h3a1 1 0 0 1 1 1v3M20 16v3a1 1 0 0 1-1 1h-3M8 20H5a1 1 0 0 1-1-1v-3", "M8 12h8"],
  plate: ["M3 8h18v8H3z", "M7 11v2M10 11h2v2h-2zM15 11h2v2h-2z"],
  list: ["M8 6h12M8 12h12M8 18h12", "M4 6v.1M4 12v.1M4 18v.1"],
  gauge: ["M4 17a8 8 0 1 1 16 0", "M12 17l4-5"],
  torch: ["M8 3h8l-1.500 6v11h-5V9z", "M12 13v2"],
  turn: ["M4 12a8 8 0 0 1 14-5l2 2M20 4v5h-5", "M20 12a8 8 0 0 1-14 5l-2-2M4 20v-5h5"],
  camera: ["M4 8h4l1.500-2.500h5L16 8h4v11H4z", "M12 16.500a3.200 3.200 0 1 0 0-6.400 3.200 3.200 0 0 0 0 6.400z"],
  keys: ["M3 7h18v10H3z", "M7 10.500v.1M11 10.500v.1M15 10.500v.1M8 14h8"],
  lock: ["M6 11h12v9H6z", "M8.500 11V8a3.500 3.500 0 0 1 7 0v3"],
  warning: ["M12 4l9 16H3z", "M12 10v4.500M12 17.300v.1"],
  back: ["M14.500 5.500L8 12l6.500 6.500"],
  erase: ["M8.500 6H20v12H8.500L3.500 12z", "M11 9.800l4.400 4.400M15.400 9.800L11 14.200"],
  plus: ["M12 5v14M5 12h14"],
  minus: ["M5 12h14"],
  send: ["M12 20V5M6 11l6-6 6 6"],
  note: ["M6 3h9l4 4v14H6z", "M9 12h7M9 16h7"],
});
