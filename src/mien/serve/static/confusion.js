/** How one emotion is taken for another: a table of shares, darker where more, and how each emotion fares. */

import { count, h } from "./dom.js";
import { points } from "./words.js";

/**
 * The confusion matrix of a split: of the faces of each emotion, the share taken for each. A cell that has faces is a
 * button.
 *
 * @param {string[]} classes
 * @param {number[][]} confusion faces, rows the truth, columns the prediction
 * @param {function({label: string, predicted: string}, number): void} onchoose a cell and its count of faces
 */
export function matrix(classes, confusion, onchoose) {
  const head = h("tr", null, h("td"), classes.map((name) => h("th", { scope: "col" }, h("span", null, name))));
  const body = confusion.map((row, truth) => {
    const all = row.reduce((a, b) => a + b, 0);
    const cells = row.map((faces, predicted) => {
      const place = { label: classes[truth], predicted: classes[predicted] };
      return h("td", null, cell(faces, all, place, () => onchoose(place, faces)));
    });
    return h("tr", null, h("th", { scope: "row" }, classes[truth]), cells);
  });
  return h(
    "figure",
    { class: "confusion" },
    h("div", { class: "scroll" }, h("table", null, h("thead", null, head), h("tbody", null, body))),
    h("figcaption", { class: "quiet" }, "Rows are the labels, columns what the net predicts; per cent of each row. Choose a cell to see its faces."),
  );
}

/** What a cell holds: `12 sad faces predicted as neutral`. */
export const cellWords = ({ label, predicted }, faces) => `${count(faces, `${label} face`)} predicted as ${predicted}`;

function cell(faces, all, place, onclick) {
  const share = all ? faces / all : 0;
  const classes = ["cell", place.label === place.predicted && "correct", share > 0.6 && "strong"].filter(Boolean).join(" ");
  const look = { class: classes, style: { "--share": share.toFixed(3) }, title: `${faces} of ${all} faces` };
  const text = all ? Math.round(100 * share) : "–";
  if (!faces) return h("span", look, text);
  const words = `${cellWords(place, faces)}, ${text} %`;
  const named = { type: "button", "aria-label": words, "aria-expanded": "false", "data-cell": `${place.label} ${place.predicted}` };
  return h("button", { ...look, ...named, onclick }, text);
}

/**
 * Precision, recall and F1 of each emotion, with a bar for F1.
 *
 * @param {Object<string, {precision: number, recall: number, f1: number, support: number}>} scores by emotion
 */
export function perClass(scores) {
  const names = ["emotion", "faces", "precision", "recall", "F1"];
  const rows = Object.entries(scores).map(([name, one]) =>
    h(
      "tr",
      null,
      h("th", { scope: "row" }, h("i", { class: "swatch", style: { background: `var(--${name}, var(--edge))` } }), name),
      h("td", { class: "number" }, one.support.toLocaleString("en")),
      [one.precision, one.recall].map((share) => h("td", { class: "number" }, points(share))),
      h("td", { class: "number bar-cell" }, h("i", { class: "bar-mark", style: { "--share": one.f1, "--colour": `var(--${name}, var(--edge))` } }), points(one.f1)),
    ),
  );
  return h("div", { class: "scroll" }, h("table", { class: "per-class" }, h("thead", null, h("tr", null, names.map((name, at) => h("th", { scope: "col", class: at ? "number" : null }, name)))), h("tbody", null, rows)));
}
