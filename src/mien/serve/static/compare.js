/** Runs side by side: curves in one picture, what sets them apart, and whether their difference may be chance. */

import { api } from "./api.js";
import { lineChart } from "./chart.js";
import { empty, fill, h } from "./dom.js";
import { crumbs, state } from "./parts.js";
import { useModelButton } from "./use-model-button.js";
import { bound, chance, duration, link, points, range, shown } from "./words.js";

const LIKELY = 0.05; // a difference with a larger p may well be chance

export async function render(root, runs, signal) {
  const query = new URLSearchParams(runs.map((run) => ["run", run]));
  const comparison = await api(`/v1/compare?${query}`, { signal });
  const studies = new Set(comparison.runs.map(({ facts }) => facts.study));
  fill(root, crumbs(studies.size === 1 ? [...studies][0] : null), h("h1", null, "Side by side"));
  if (!comparison.runs.length) {
    root.append(empty("curve", "None of these runs can be read"));
    return;
  }
  const names = named(comparison.runs);
  const series = (key) => comparison.runs.map(({ facts }, place) => ({ name: names[place], values: facts.curves[key], colour: `var(--line-${place + 1})` }));
  const accuracy = lineChart("Validation accuracy", signal, { shares: true });
  const loss = lineChart("Validation loss", signal);
  root.append(
    h("div", { class: "two-columns" }, h("section", { class: "panel" }, h("h2", null, "Validation accuracy"), accuracy.node), h("section", { class: "panel" }, h("h2", null, "Validation loss"), loss.node)),
    h("section", { class: "panel" }, h("h2", null, "Figures and settings"), table(comparison.runs, names, signal)),
    emotions(comparison.runs, names),
    tested(comparison, names),
  );
  accuracy.update(series("validation_accuracy"));
  loss.update(series("validation_loss"));
}

/** A name for each run: its net's, with what sets it apart from others of that net. */
function named(runs) {
  const often = (net) => runs.filter(({ facts }) => facts.net === net).length > 1;
  const several = new Set(runs.map(({ facts }) => facts.study)).size > 1;
  return runs.map(({ facts }) => {
    const more = often(facts.net) ? ` ${bound(facts.values) || `seed ${facts.seed}`}` : "";
    return `${several && often(facts.net) ? `${facts.study} ` : ""}${facts.net}${more}`;
  });
}

function table(runs, names, signal) {
  const heads = runs.map(({ facts }, place) => h("th", { scope: "col" }, h("i", { class: "swatch", style: { background: `var(--line-${place + 1})` } }), h("a", { href: link(["studies", facts.study, facts.run]) }, names[place])));
  const best = Math.max(...runs.map(({ scores }) => scores.validation?.accuracy ?? 0));
  const row = (name, cells, marked) => h("tr", { class: marked ? "differs" : null }, h("th", { scope: "row" }, name), cells.map((cell) => h("td", null, cell)));
  const figures = (split) => runs.map(({ scores }) => {
    const one = scores[split];
    if (!one) return "–";
    const figure = `${points(one.accuracy)} %`;
    return [split === "validation" && one.accuracy === best ? h("b", null, figure) : figure, h("small", { class: "quiet" }, range(one.interval))];
  });
  const settings = [...new Set(runs.flatMap(({ recipe }) => Object.keys(recipe)))];
  const differing = settings.filter((key) => key !== "epochs" && new Set(runs.map(({ recipe }) => JSON.stringify(recipe[key] ?? null))).size > 1);
  const facts = [
    row("state", runs.map((run) => state(run.facts.state))),
    row("validation", figures("validation")),
    runs.some(({ scores }) => scores.test) && row("test", figures("test")),
    row("macro-F1, validation", runs.map(({ scores }) => points(scores.validation?.macro_f1))),
    row("parameters", runs.map((run) => run.facts.parameters.toLocaleString("en"))),
    row("training time", runs.map((run) => duration(run.facts.seconds))),
    row("epochs", runs.map((run) => run.facts.epochs)),
    onDifferentFaces(runs) && row("faces", runs.map((run) => run.facts.faces.slice(0, 10)), true),
  ];
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Figures and settings" },
    h(
      "table",
      { class: "compared" },
      h("thead", null, h("tr", null, h("td"), heads)),
      h(
        "tbody",
        null,
        facts.filter(Boolean),
        differing.map((key) => row(key.replaceAll("_", " "), runs.map(({ recipe }) => shown(recipe[key])), true)),
        row("layers", runs.map(({ layers }) => h("span", { class: "words" }, layers.map((word) => [h("code", null, word), " "])))),
        row("", runs.map((run) => run.facts.state === "finished" && useModelButton("Use", { run: `${run.facts.study}/${run.facts.run}` }, signal))),
      ),
    ),
  );
}

/** The recall of each emotion, a dot a run on one scale. */
function emotions(runs, names) {
  const evaluated = runs.map((run, place) => ({ run, place })).filter(({ run }) => run.scores.validation);
  if (evaluated.length < 2) return "";
  const classes = [...new Set(evaluated.flatMap(({ run }) => run.classes))];
  return h(
    "section",
    { class: "panel" },
    h("h2", null, "Faces of each emotion that are recognised"),
    h("p", { class: "quiet" }, "Recall on validation, per cent."),
    h("div", { class: "dot-rows" }, classes.map((name) => dotRow(name, evaluated, names))),
    h("ul", { class: "chart-legend" }, evaluated.map(({ place }) => h("li", null, h("i", { class: "swatch", style: { background: `var(--line-${place + 1})` } }), names[place]))),
  );
}

function dotRow(name, evaluated, names) {
  const recalls = evaluated.map(({ run, place }) => ({ place, recall: run.scores.validation.per_class[name]?.recall ?? 0 }));
  const text = recalls.map(({ place, recall }) => `${names[place]} ${points(recall)} %`).join(", ");
  return h(
    "div",
    { class: "dot-row", role: "img", "aria-label": `${name}: ${text}`, title: text },
    h("span", { class: "dot-name" }, name),
    h("span", { class: "dot-line" }, recalls.map(({ place, recall }) => h("i", { style: { left: `${100 * recall}%`, background: `var(--line-${place + 1})` } }))),
    h("span", { class: "quiet tabular" }, `${points(Math.min(...recalls.map((one) => one.recall)))} to ${points(Math.max(...recalls.map((one) => one.recall)))}`),
  );
}

/** Whether runs were evaluated on different faces. */
const onDifferentFaces = (runs) => new Set(runs.map(({ facts }) => facts.faces)).size > 1;

function tested({ runs, pairs }, names) {
  const name = new Map(runs.map(({ facts }, place) => [`${facts.study}/${facts.run}`, names[place]]));
  const lines = pairs.map(({ a, b, faces, only_a, only_b, p }) => {
    const better = only_a >= only_b ? a : b;
    const verdict = p < LIKELY ? [h("b", null, name.get(better)), " is better, and that is hardly chance"] : "the difference may well be chance";
    return h("li", null, `Of ${faces.toLocaleString("en")} validation faces ${name.get(a)} alone predicts ${only_a} correctly, and ${name.get(b)} alone ${only_b}: `, verdict, ` (${chance(p)}).`);
  });
  return h(
    "section",
    { class: "panel" },
    h("h2", null, "Face by face"),
    lines.length ? h("ul", { class: "prose" }, lines) : h("p", { class: "quiet" }, "Runs are tested against each other once they are evaluated on the same validation faces."),
    lines.length > 0 && h("p", { class: "quiet" }, "McNemar's exact test; with many pairs, some seem to differ by chance."),
    onDifferentFaces(runs) && h("p", { class: "quiet" }, "Runs that were evaluated on different faces are not comparable, and not tested against each other."),
  );
}
