/** Models: the one that predicts, others at hand, and finished runs that may take its place. */

import { api } from "./api.js";
import { count, empty, fill, h, icon } from "./dom.js";
import { useModelButton } from "./use-model-button.js";
import { ago, link, points } from "./words.js";

export const title = "Models";

export async function render(root, _params, signal) {
  const [{ models, in_use: now }, { studies }] = await Promise.all([api("/v1/models", { signal }), api("/v1/studies", { signal })]);
  const again = () => render(root, _params, signal);
  const order = models.toSorted((a, b) => Number(b.name === now) - Number(a.name === now));
  const used = new Set(models.map((model) => model.run));
  const best = studies.filter((study) => study.state === "finished" && study.best && !used.has(study.best.run));
  fill(
    root,
    h("h1", null, "Models"),
    models.length ? h("div", { class: "model-list" }, order.map((model) => card(model, model.name === now, signal, again))) : nothing(best.length > 0),
    best.length > 0 && h("section", { class: "panel" }, h("h2", null, "The best of your studies"), h("ul", { class: "run-list" }, best.map((study) => choice(study, signal, again)))),
  );
}

function card(model, inUse, signal, again) {
  const { scores } = model;
  const split = scores.test_accuracy === undefined ? "validation" : "test";
  const accuracy = scores[`${split}_accuracy`];
  const facts = [
    ["net", model.net],
    ["parameters", model.parameters.toLocaleString("en")],
    ["takes faces of", `${model.width} × ${model.height} pixels`],
    ["precision", model.precision],
    ["trained on", model.data.name],
    ["study", model.study || "–"],
    ["made", model.created ? ago(model.created) : "–"],
    ["licence", model.licence || "–"],
  ];
  return h(
    "article",
    { class: inUse ? "model-card in-use" : "model-card" },
    h("header", null, h("h2", null, model.name), inUse && h("span", { class: "state state-finished" }, icon("check"), "in use")),
    accuracy !== undefined && h("p", { class: "figure" }, points(accuracy), h("small", null, "%")),
    accuracy !== undefined && h("p", { class: "quiet" }, `of ${count(scores[`${split}_faces`], `${split} face`)} correct, 95 % interval ${points(scores[`${split}_low`])} to ${points(scores[`${split}_high`])}`, scores.test_accuracy_without_leaks !== undefined && `; ${points(scores.test_accuracy_without_leaks)} % without those also in train`),
    h("p", { class: "emotions" }, model.classes.map((name) => h("span", null, h("i", { class: "swatch", style: { background: `var(--${CSS.escape(name)}, var(--edge))` } }), name))),
    h("dl", { class: "settings" }, facts.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value)))),
    model.note && h("p", { class: "quiet" }, model.note),
    !inUse && useModelButton("Use this model", { model: model.name }, signal, again),
  );
}

function choice({ study, best }, signal, again) {
  return h(
    "li",
    null,
    h("div", null, h("p", null, h("a", { href: link(["studies", study, best.run]) }, best.net), " of ", h("a", { href: link(["studies", study]) }, study)), h("p", { class: "quiet" }, `${points(best.validation_accuracy)} % on validation`)),
    useModelButton("Use this run", { run: `${study}/${best.run}` }, signal, again),
  );
}

const nothing = (runs) =>
  empty(
    "model",
    "No model is at hand",
    h("p", { class: "lead" }, runs ? "Choose a finished run below; it becomes a model in some seconds." : "Train one, and choose it here:"),
    !runs && h("pre", null, "mien study quick"),
    h("p", { class: "quiet" }, "Or start with a file that mien export wrote: ", h("code", null, "mien serve --model FILE"), "."),
  );
