/** Runs side by side: curves in one picture, what sets them apart, and whether their difference may be chance. */

import { api } from "./api.js";
import { lineChart } from "./chart.js";
import { empty, fill, h } from "./dom.js";
import { crumbs, state } from "./parts.js";
import { useButton } from "./use.js";
import { bound, chance, duration, link, points, range, shown } from "./words.js";

const LIKELY = 0.05; // a difference with a larger p may well be chance

export async function render(root, runs, signal) {
  const asked = new URLSearchParams(runs.map((run) => ["run", run]));
  const found = await api(`/v1/compare?${asked}`, { signal });
  const studies = new Set(found.runs.map(({ facts }) => facts.study));
  fill(root, crumbs(studies.size === 1 ? [...studies][0] : null), h("h1", null, "Side by side"));
  if (!found.runs.length) {
    root.append(empty("curve", "None of these runs can be read"));
    return;
  }
  const names = named(found.runs);
  const lines = (key) => found.runs.map(({ facts }, place) => ({ name: names[place], values: facts.curves[key], colour: `var(--line-${place + 1})` }));
  const accuracy = lineChart("Validation accuracy", signal, { shares: true });
  const loss = lineChart("Validation loss", signal);
  root.append(
    h("div", { class: "two-columns" }, h("section", { class: "panel" }, h("h2", null, "Validation accuracy"), accuracy.node), h("section", { class: "panel" }, h("h2", null, "Validation loss"), loss.node)),
    h("section", { class: "panel" }, h("h2", null, "Figures and settings"), table(found.runs, names, signal)),
    emotions(found.runs, names),
    tested(found, names),
  );
  accuracy.update(lines("validation_accuracy"));
  loss.update(lines("validation_loss"));
}

/** A name for each run: its net's, with what tells it from others of that net. */
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
  const judged = (split) => runs.map(({ scores }) => {
    const one = scores[split];
    if (!one) return "–";
    const figure = `${points(one.accuracy)} %`;
    return [split === "validation" && one.accuracy === best ? h("b", null, figure) : figure, h("small", { class: "quiet" }, range(one.interval))];
  });
  const settings = [...new Set(runs.flatMap(({ recipe }) => Object.keys(recipe)))];
  const differing = settings.filter((key) => key !== "epochs" && new Set(runs.map(({ recipe }) => JSON.stringify(recipe[key] ?? null))).size > 1);
  const facts = [
    row("state", runs.map((run) => state(run.facts.state))),
    row("validation", judged("validation")),
    runs.some(({ scores }) => scores.test) && row("test", judged("test")),
    row("macro-F1, validation", runs.map(({ scores }) => points(scores.validation?.macro_f1))),
    row("parameters", runs.map((run) => run.facts.parameters.toLocaleString("en"))),
    row("training time", runs.map((run) => duration(run.facts.seconds))),
    row("epochs", runs.map((run) => run.facts.epochs)),
    strangers(runs) && row("faces", runs.map((run) => run.facts.faces.slice(0, 10)), true),
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
        row("", runs.map((run) => run.facts.state === "finished" && useButton("Use", { run: `${run.facts.study}/${run.facts.run}` }, signal))),
      ),
    ),
  );
}

/** The recall of each emotion, a dot a run on one scale. */
function emotions(runs, names) {
  const judged = runs.map((run, place) => ({ run, place })).filter(({ run }) => run.scores.validation);
  if (judged.length < 2) return "";
  const classes = [...new Set(judged.flatMap(({ run }) => run.classes))];
  return h(
    "section",
    { class: "panel" },
    h("h2", null, "Faces of each emotion that are recognised"),
    h("p", { class: "quiet" }, "Recall on validation, per cent."),
    h("div", { class: "dot-rows" }, classes.map((name) => dotRow(name, judged, names))),
    h("ul", { class: "chart-legend" }, judged.map(({ place }) => h("li", null, h("i", { class: "swatch", style: { background: `var(--line-${place + 1})` } }), names[place]))),
  );
}

function dotRow(name, judged, names) {
  const found = judged.map(({ run, place }) => ({ place, recall: run.scores.validation.per_class[name]?.recall ?? 0 }));
  const said = found.map(({ place, recall }) => `${names[place]} ${points(recall)} %`).join(", ");
  return h(
    "div",
    { class: "dot-row", role: "img", "aria-label": `${name}: ${said}`, title: said },
    h("span", { class: "dot-name" }, name),
    h("span", { class: "dot-line" }, found.map(({ place, recall }) => h("i", { style: { left: `${100 * recall}%`, background: `var(--line-${place + 1})` } }))),
    h("span", { class: "quiet tabular" }, `${points(Math.min(...found.map((one) => one.recall)))} to ${points(Math.max(...found.map((one) => one.recall)))}`),
  );
}

/** Whether runs were judged on different faces. */
const strangers = (runs) => new Set(runs.map(({ facts }) => facts.faces)).size > 1;

function tested({ runs, pairs }, names) {
  const name = new Map(runs.map(({ facts }, place) => [`${facts.study}/${facts.run}`, names[place]]));
  const said = pairs.map(({ a, b, faces, only_a, only_b, p }) => {
    const better = only_a >= only_b ? a : b;
    const verdict = p < LIKELY ? [h("b", null, name.get(better)), " is better, and that is hardly chance"] : "the difference may well be chance";
    return h("li", null, `Of ${faces.toLocaleString("en")} validation faces only ${name.get(a)} has ${only_a} right, and only ${name.get(b)} ${only_b}: `, verdict, ` (${chance(p)}).`);
  });
  return h(
    "section",
    { class: "panel" },
    h("h2", null, "Face by face"),
    said.length ? h("ul", { class: "prose" }, said) : h("p", { class: "quiet" }, "Runs are tested against each other once they have judged the same validation faces."),
    said.length > 0 && h("p", { class: "quiet" }, "McNemar's exact test; with many pairs, some seem to differ by chance."),
    strangers(runs) && h("p", { class: "quiet" }, "Runs that were judged on different faces are not comparable, and not tested against each other."),
  );
}
