/** One run: its curves, live while it trains; what it is worth; how it was made. */

import { api } from "./api.js";
import { CellFaces } from "./cell-faces.js";
import { lineChart } from "./chart.js";
import { perClass } from "./confusion.js";
import { fill, h } from "./dom.js";
import { crumbs, state } from "./parts.js";
import { useModelButton } from "./use-model-button.js";
import { visibleEvents } from "./visible-events.js";
import { bound, duration, points, range, shown } from "./words.js";

export async function render(root, study, id, signal) {
  const path = `/v1/studies/${encodeURIComponent(study)}`;
  const own = `${path}/runs/${encodeURIComponent(id)}`;
  const load = () => api(own, { signal });
  let run = await load();
  const accuracy = lineChart("Accuracy", signal, { shares: true });
  const loss = lineChart("Loss", signal);
  const cells = new CellFaces(own, signal);
  const heading = h("div");
  const worth = h("section", { class: "panel" });
  fill(
    root,
    crumbs(study),
    h("h1", null, run.facts.net, bound(run.facts.values) && h("small", { class: "quiet" }, ` ${bound(run.facts.values)}`)),
    heading,
    h("div", { class: "two-columns" }, h("section", { class: "panel" }, h("h2", null, "Accuracy"), accuracy.node), h("section", { class: "panel" }, h("h2", null, "Loss"), loss.node)),
    worth,
    made(run),
  );
  whole();
  if (run.facts.state === "running" || run.facts.state === "planned") await follow();

  async function follow() {
    for await (const { event, data } of visibleEvents(`${path}/events`, signal)) {
      const facts = event === "run" ? data : data.run_facts.find((one) => one.run === id);
      if (facts?.run !== id) continue;
      run.facts = facts;
      curves();
      fill(heading, head(run.facts));
      if (facts.state !== "running" && facts.state !== "planned") break;
    }
    if (signal.aborted) return;
    run = await load();
    whole();
  }

  function whole() {
    fill(heading, head(run.facts), run.facts.state === "finished" && useModelButton("Predict with this run", { run: `${study}/${id}` }, signal));
    fill(worth, evaluated(run, cells));
    worth.hidden = !Object.keys(run.scores).length;
    cells.restore();
    curves();
  }

  function curves() {
    const { curves: history, state: now, epochs_planned: planned } = run.facts;
    const live = now === "running";
    const line = (name, values) => ({ name, values, colour: `var(--${name})`, live });
    accuracy.update([line("train", history.accuracy), line("validation", history.validation_accuracy)], live ? planned : 1);
    loss.update([line("train", history.loss), line("validation", history.validation_loss)], live ? planned : 1);
  }
}

function head(facts) {
  const words = [
    `seed ${facts.seed}`,
    `${facts.epochs} of ${facts.epochs_planned} epochs`,
    facts.selected_epoch && facts.selected_epoch !== facts.epochs ? `epoch ${facts.selected_epoch} selected` : null,
    facts.seconds ? duration(facts.seconds) : null,
    facts.parameters ? `${facts.parameters.toLocaleString("en")} parameters` : null,
  ];
  return h("p", { class: "facts-line" }, state(facts.state), words.filter(Boolean).map((word) => h("span", null, word)), facts.reason ? h("span", { class: "went-wrong" }, facts.reason) : null);
}

function evaluated(run, cells) {
  return Object.entries(run.scores).map(([split, scores]) => {
    const { figure, below } = cells.of(split, run.classes, scores.confusion);
    return [
      h("h2", null, `On ${split}`),
      h("p", { class: "lead" }, h("b", null, `${points(scores.accuracy)} %`), ` of ${scores.faces.toLocaleString("en")} faces correct, 95 % interval ${range(scores.interval)}; macro-F1 ${points(scores.macro_f1)}.`),
      h("div", { class: "two-columns" }, figure, perClass(scores.per_class)),
      below,
    ];
  });
}

function made(run) {
  const settings = (entries) => h("dl", { class: "settings" }, entries.map(([name, value]) => h("div", null, h("dt", null, name.replaceAll("_", " ")), h("dd", null, shown(value)))));
  const recipe = Object.entries(run.recipe).filter(([, value]) => value && value !== "none" && !(Array.isArray(value) && !value.length));
  return h(
    "section",
    { class: "panel" },
    h("h2", null, "How it was made"),
    h("h3", null, "Layers"),
    h("p", { class: "words" }, run.layers.map((word) => [h("code", null, word), " "])),
    h(
      "div",
      { class: "two-columns" },
      h("div", null, h("h3", null, "Recipe"), settings(recipe)),
      h("div", null, h("h3", null, "Made with"), settings([...Object.entries(run.versions), ...Object.entries(run.machine), ["device", run.facts.devices.join(", then ") || "none yet"], ["run", run.facts.run], ["faces", run.facts.faces.slice(0, 10)]])),
    ),
  );
}
