/** Doubtful labels: validation faces whose label a run's predictions contradict, to be looked through. */

import { api } from "./api.js";
import { empty, fill, h } from "./dom.js";
import { pictures, votes } from "./sprite.js";
import { points } from "./words.js";

const PAGE = 32;
const PAIRS = 14;

export async function render(root, set, query, signal) {
  if (!set.evaluated.length) {
    fill(root, empty("grid", "No run was evaluated on these faces yet", h("p", { class: "lead" }, "Doubtful labels are detected by the predictions of a finished run on validation, whose faces it was not trained on."), h("p", { class: "quiet" }, "Run a study on them: ", h("code", null, "mien study FILE"), ".")));
    return;
  }
  let run = set.evaluated.some((one) => one.run === query.get("run")) ? query.get("run") : set.evaluated[0].run;
  let pair = null;
  const status = h("p", { class: "lead", role: "status" });
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Label and prediction" });
  const grid = h("ul", { class: "face-grid doubt-grid" });
  const more = h("p", { class: "actions" });
  const choice = h("select", { id: "evaluated-run", onchange: (event) => ((run = event.target.value), (pair = null), show()) }, set.evaluated.slice(0, 100).map((one) => h("option", { value: one.run, selected: one.run === run }, `${one.run} (${points(one.validation_accuracy)} %)`)));
  fill(root, h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", null, "Doubtful labels"), h("label", { class: "choice", for: "evaluated-run" }, "by the run", choice)), status, chips, grid, more));
  await show();

  async function show(first = 0) {
    if (!first) fill(status, "Looking for labels that the predictions contradict …");
    const request = new URLSearchParams({ run, first, count: PAGE, ...pair });
    try {
      const answer = await api(`/v1/data/${set.data}/doubtful?${request}`, { signal });
      const drawn = pictures(set, answer.shown.map((one) => one.face), signal);
      const items = answer.shown.map((one, at) => item(one, drawn[at]));
      if (first) grid.append(...items);
      else {
        fill(grid, items);
        fill(status, h("b", null, `${answer.doubtful.toLocaleString("en")} of ${answer.evaluated.toLocaleString("en")}`), " labels of validation are probably wrong, by confident learning; the most doubtful first.");
        fill(chips, chip(null, "all", answer.doubtful), answer.pairs.slice(0, PAIRS).map((one) => chip({ label: one.label, predicted: one.predicted }, `${one.label} → ${one.predicted}`, one.count)));
      }
      const shown = first + items.length;
      fill(more, shown < answer.matches && h("button", { onclick: () => show(shown) }, `More (${answer.matches - shown} left)`));
    } catch (error) {
      if (!signal.aborted) fill(status, h("span", { class: "went-wrong" }, error.message));
    }
  }

  function chip(value, words, number) {
    const same = JSON.stringify(value) === JSON.stringify(pair);
    return h("button", { class: "chip", "aria-pressed": String(same), onclick: () => ((pair = value), show()) }, words, h("small", { class: "quiet tabular" }, number));
  }

  function item({ face, predicted, quality, probabilities }, picture) {
    const sure = `the run gives ${predicted} ${points(probabilities[predicted])} %, and ${face.label} ${points(quality)} %`;
    return h(
      "li",
      { title: sure },
      picture,
      h("span", null, h("span", { class: "unseen" }, "labelled "), h("s", null, face.label), " ", h("span", { class: "unseen" }, ", but looks "), h("b", null, predicted)),
      h("small", { class: "quiet tabular" }, `${points(probabilities[predicted])} % sure`),
      votes(face),
      h("small", { class: "quiet tabular" }, `validation ${face.place}`),
    );
  }
}
