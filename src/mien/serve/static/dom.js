/** Elements without a framework. Styles are set property by property: the page's policy allows no style attributes. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An HTML element.
 *
 * @param {string} tag
 * @param {?Object} attributes `onclick: f` listens; `style: {width: "50%", "--share": 0.5}` sets properties; true is an
 *   attribute without a value; false, null and undefined are none.
 * @param {...*} children nodes, texts, numbers, and arrays of them; false, null and undefined are none.
 */
export const h = (tag, attributes, ...children) => dressed(document.createElement(tag), attributes, children);

/** An SVG element, as `h` makes HTML ones. */
export const s = (tag, attributes, ...children) => dressed(document.createElementNS(SVG, tag), attributes, children);

/** Put children, as `h` takes them, in the place of all that an element holds; gives the element. */
export function fill(element, ...children) {
  element.replaceChildren(...present(children));
  return element;
}

/** A sign from icons.svg, hidden from screen readers: words stand beside it, or an aria-label on what holds it. */
export const icon = (name) =>
  s("svg", { class: "icon", "aria-hidden": "true" }, s("use", { href: `/static/icons.svg#${name}` }));

/** Words and a sign for something that went wrong, with what to do; `actions` are buttons or links. */
export const trouble = (text, ...actions) =>
  h("div", { class: "trouble", role: "alert" }, icon("warning"), h("div", null, h("p", null, text), ...actions));

/** What stands where there is nothing yet: a sign, a heading, and what to do. */
export const empty = (sign, title, ...children) =>
  h("div", { class: "empty" }, icon(sign), h("h2", null, title), ...children);

/** A share 0..1 in per cent: `93 %`; with digits, `93.4 %`. */
export const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`;

/** `1 face`, `2 faces`. */
export const count = (number, noun, many = `${noun}s`) =>
  `${number.toLocaleString("en")} ${number === 1 ? noun : many}`;

function dressed(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style")
      for (const [property, to] of Object.entries(value)) element.style.setProperty(property, to);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...present(children));
  return element;
}

const present = (children) =>
  children.flat(Infinity).filter((child) => child !== false && child !== null && child !== undefined);
