/** Pieces that the views of studies share. */

import { h } from "./dom.js";
import { link, points } from "./words.js";

/** A state as a word with a dot of its colour. */
export const state = (name) => h("span", { class: `state state-${name}` }, h("i", { "aria-hidden": "true" }), name);

/** The accuracy on test, where it was opened. */
export function testLine(best) {
  const clean = best.test_accuracy_without_leaks;
  const differs = clean !== null && points(clean) !== points(best.test_accuracy);
  return `test ${points(best.test_accuracy)} %${differs ? `, ${points(clean)} % without leaks` : ""}`;
}

/** Where one is among the studies. */
export const crumbs = (study) =>
  h("nav", { class: "crumbs", "aria-label": "Place" }, h("a", { href: "#/studies" }, "Studies"), study && [" / ", h("a", { href: link(["studies", study]) }, study)]);
