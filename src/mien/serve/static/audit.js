/** What is wrong with a set of faces: figures in words, and examples to look at. */

import { api } from "./api.js";
import { count, fill, h } from "./dom.js";
import { pictures } from "./sprite.js";
import { points } from "./words.js";

export async function render(root, set, _query, signal) {
  fill(root, h("p", { class: "lead", role: "status" }, "Looking at every face; this takes some seconds …"));
  const { audit, examples } = await api(`/v1/data/${set.data}/audit`, { signal });
  const kinds = Map.groupBy(examples, (example) => example.wrong);
  fill(
    root,
    h("section", { class: "panel" }, h("h2", null, "Findings"), h("ul", { class: "findings" }, findings(audit).map(finding))),
    audit.votes && h("section", { class: "panel" }, h("h2", null, "What annotators say"), voted(audit.votes)),
    [...kinds].map(([wrong, groups]) => h("section", { class: "panel" }, h("h2", null, `${wrong[0].toUpperCase()}${wrong.slice(1)}`), h("ul", { class: "example-groups" }, groups.map((group) => example(set, group, signal))))),
  );
}

/** Each finding: how many, what of, and why that matters. */
function findings(audit) {
  const copies = ["train", "validation", "test"].map((split) => audit.duplicates[split]);
  const within = copies.reduce((sum, one) => sum + one.images, 0);
  return [
    [audit.leaks.test_in_train, "test image is also in train", "test images are also in train", "Pixel for pixel: a net may know them by heart."],
    [audit.leaks.validation_in_train, "validation image is also in train", "validation images are also in train", "What is selected on validation is flattered."],
    [audit.conflicts.images, "image carries several labels", "images have a copy with another label", `${count(audit.conflicts.groups, "picture")} of which at least one label is wrong.`],
    [within, "image has a copy in its own split", "images have a copy in their own split", "They weigh more than others."],
    [audit.near_duplicates.test_in_train - audit.leaks.test_in_train, "test image is much like one in train", "test images are much like one in train", "Alike in all that a difference hash sees, though not pixel for pixel."],
    [audit.constant.total, "image has one gray only", "images have one gray only", "They show no face."],
  ];
}

function finding([number, one, many, why]) {
  const sound = number <= 0;
  return h("li", { class: sound ? "sound" : null }, h("b", { class: "tabular" }, sound ? "0" : number.toLocaleString("en")), h("div", null, h("p", null, number === 1 ? one : many), h("p", { class: "quiet" }, sound ? "Nothing found." : why)));
}

function voted(votes) {
  const row = ([name, one]) => h("tr", null, h("th", { scope: "row" }, h("i", { class: "swatch", style: { background: `var(--${name}, var(--edge))` } }), name), h("td", { class: "number" }, one.clear.toLocaleString("en")), h("td", { class: "number" }, `${points(one.agreement)} %`));
  return [
    h("p", { class: "lead" }, `FER+'s annotators agree with ${points(votes.agreement)} % of the labels, where ${count(votes.clear, "face")} have one clear answer.`),
    h("div", { class: "scroll" }, h("table", { class: "narrow" }, h("thead", null, h("tr", null, h("th", { scope: "col" }, "label"), h("th", { scope: "col", class: "number" }, "clear answers"), h("th", { scope: "col", class: "number" }, "agree"))), h("tbody", null, Object.entries(votes.by_emotion).map(row)))),
    h("p", { class: "quiet" }, `${count(votes.not_a_face, "image")} they call no face at all.`),
  ];
}

function example(set, { faces }, signal) {
  const drawn = pictures(set, faces, signal);
  return h("li", null, faces.map((face, at) => h("figure", null, drawn[at], h("figcaption", null, face.label, h("small", { class: "quiet" }, `${face.split} ${face.place}`)))));
}
