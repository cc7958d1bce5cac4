/** One study: how it goes, the curves of its runs as they train, a table to choose runs from. */

import { blob } from "./api.js";
import { lineChart, sparkline } from "./chart.js";
import { count, fill, h, icon, trouble } from "./dom.js";
import { crumbs, state, testLine } from "./parts.js";
import { visibleEvents } from "./visible-events.js";
import { ago, bound, duration, link, points, range } from "./words.js";

const COMPARED = 6; // as many as /v1/compare takes
const COLOURED = 8;
const MEASURES = {
  validation_accuracy: "Validation accuracy",
  validation_loss: "Validation loss",
  accuracy: "Training accuracy",
  loss: "Training loss",
};

export async function render(root, name, signal) {
  const chosen = new Set();
  const rows = new Map();
  let study = null;
  let measure = "validation_accuracy";
  let waiting = false;

  const heading = h("header", { class: "study-head" });
  const reporting = h("div");
  const stage = h("section", { class: "panel", "aria-label": "Curves" });
  const table = h("section", { class: "panel" });
  const bar = h("div", { class: "chosen-bar", role: "region", "aria-label": "Chosen runs", hidden: true });
  let chart = null;

  for await (const { event, data } of visibleEvents(`/v1/studies/${encodeURIComponent(name)}/events`, signal)) {
    if (event === "study") {
      study = data;
      fill(reporting, study.report && report(name, signal));
      if (!root.contains(heading)) fill(root, crumbs(), h("h1", null, name), heading, reporting, stage, table, bar);
    } else if (study) {
      study.run_facts = [...study.run_facts.filter((run) => run.run !== data.run), data];
      study.state = data.state === "running" ? "running" : study.state;
    }
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        if (!signal.aborted) show();
      });
    }
  }

  function show() {
    const runs = ordered(study);
    fill(heading, head(study));
    showTable(runs);
    showCurves(runs);
  }

  function showCurves(runs) {
    if (!chart) {
      chart = measured();
      fill(stage, h("div", { class: "panel-head" }, h("h2", null, "Curves"), measures()), chart.node);
    }
    const strong = prominent(runs, study);
    const nets = [...new Set(runs.map((run) => run.net))];
    const often = (run) => runs.filter((one) => one.net === run.net).length > 1;
    const colour = (run) => `var(--line-${(nets.indexOf(run.net) % COLOURED) + 1})`;
    const lines = runs.map((run) => ({
      name: often(run) ? `${run.net} ${bound(run.values) || `seed ${run.seed}`}` : run.net,
      values: run.curves[measure],
      colour: colour(run),
      faint: !strong.has(run),
      live: run.state === "running",
    }));
    const longest = Math.max(...runs.map((run) => (run.state === "running" ? run.epochs_planned : run.epochs)), 1);
    chart.update(lines.toSorted((a, b) => Boolean(b.faint) - Boolean(a.faint)), longest);
    for (const run of runs) rows.get(run.run).dot.style.setProperty("background", colour(run));
  }

  function measured() {
    return lineChart(MEASURES[measure], signal, { shares: measure.endsWith("accuracy") });
  }

  function measures() {
    const change = (event) => {
      measure = event.target.value;
      const next = measured();
      chart.node.replaceWith(next.node);
      chart = next;
      show();
    };
    return h("label", { class: "choice" }, h("span", { class: "unseen" }, "Measure"), h("select", { onchange: change }, Object.entries(MEASURES).map(([key, words]) => h("option", { value: key, selected: key === measure }, words))));
  }

  function showTable(runs) {
    if (!table.firstChild) {
      const names = ["", "net", "validation, %", "state", "curve", "epochs", "time", "parameters", "seed"];
      const numbers = new Set(names.filter((_, place) => place === 2 || place > 4));
      const headings = names.map((text) => h("th", { scope: "col", class: numbers.has(text) ? "number" : null }, text || h("span", { class: "unseen" }, "compare")));
      fill(table, h("div", { class: "panel-head" }, h("h2", null, "Runs"), h("p", { class: "quiet" }, `Tick up to ${COMPARED} to set them side by side.`)), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Runs" }, h("table", { class: "runs" }, h("thead", null, h("tr", null, headings)), h("tbody"))));
    }
    const body = table.querySelector("tbody");
    for (const run of runs) {
      if (!rows.has(run.run)) rows.set(run.run, newRow(run));
      rows.get(run.run).update(run);
    }
    const order = runs.map((run) => rows.get(run.run).node);
    if (order.length !== body.children.length || order.some((node, place) => body.children[place] !== node)) fill(body, order);
  }

  function newRow(run) {
    const dot = h("i", { class: "swatch" });
    const box = h("input", { type: "checkbox", "aria-label": `Compare ${run.net}, seed ${run.seed}`, onchange: () => choose(run.run, box) });
    const cells = Array.from({ length: 7 }, (_, place) => h("td", { class: place === 0 || place > 2 ? "number" : null }));
    const named = h("th", { scope: "row" }, dot, h("a", { href: link(["studies", name, run.run]) }, run.net), h("small", { class: "quiet" }, bound(run.values)));
    const node = h("tr", null, h("td", { class: "tick" }, box), named, cells);
    return {
      node,
      dot,
      update(now) {
        const texts = [
          points(now.validation_accuracy),
          [state(now.state), now.reason && h("small", { class: "quiet", title: now.reason }, now.reason)],
          sparkline(now.curves.validation_accuracy, "currentColor"),
          now.state === "finished" || !now.epochs_planned ? now.epochs : `${now.epochs} of ${now.epochs_planned}`,
          now.seconds ? duration(now.seconds) : "–",
          now.parameters ? now.parameters.toLocaleString("en") : "–",
          now.seed,
        ];
        cells.forEach((cell, place) => fill(cell, texts[place]));
      },
    };
  }

  function choose(id, box) {
    if (box.checked) chosen.add(id);
    else chosen.delete(id);
    for (const [other, { node }] of rows) node.querySelector("input").disabled = chosen.size >= COMPARED && !chosen.has(other);
    bar.hidden = !chosen.size;
    const to = link(["studies"], [...chosen].map((run) => ["run", `${name}/${run}`]));
    fill(
      bar,
      h("span", null, `${count(chosen.size, "run")} chosen`),
      chosen.size > 1 ? h("a", { class: "button primary", href: to }, "Compare") : h("span", { class: "quiet" }, "choose another to compare"),
      h("button", { class: "quiet-button", onclick: clear }, "Clear"),
    );
  }

  function clear() {
    for (const { node } of rows.values()) Object.assign(node.querySelector("input"), { checked: false, disabled: false });
    chosen.clear();
    bar.hidden = true;
  }
}

function head(study) {
  const { best } = study;
  const data = study.data ?? {}; // unknown before its faces are read
  const share = study.epochs_planned ? study.epochs / study.epochs_planned : 0;
  const faces = Object.values(data.counts ?? {}).reduce((sum, split) => sum + Object.values(split).reduce((a, b) => a + b, 0), 0);
  const done = study.run_facts.reduce((sum, run) => sum + (["planned", "running", "stopped"].includes(run.state) ? run.epochs : run.epochs_planned), 0);
  const planned = study.run_facts.reduce((sum, run) => sum + run.epochs_planned, 0);
  const words = [
    data.name && h("a", { href: link(["data", data.fingerprint.slice(0, 10)]) }, `${data.name}, ${count(faces, "face")}`),
    count(study.nets, "net"),
    count(study.run_facts.length, "run"),
    `changed ${ago(study.changed)}`,
  ];
  return [
    h("p", { class: "facts-line" }, state(study.state), words.filter(Boolean).map((word) => h("span", null, word))),
    study.state !== "finished" && h("div", { class: "progress-line" }, h("progress", { value: planned ? done / planned : share, max: 1, "aria-label": "Epochs done" }), h("span", { class: "quiet tabular" }, `${done.toLocaleString("en")} of ${planned.toLocaleString("en")} epochs`)),
    best && h("p", { class: "lead" }, h("b", null, best.net), study.state === "finished" ? " is best on validation: " : " leads on validation: ", `${points(best.validation_accuracy)} %`, best.validation_interval && ` (95 % interval ${range(best.validation_interval)})`, best.test_accuracy !== null && `; ${testLine(best)}`, "."),
  ];
}

/** A link to the report; where a token is needed, which no link carries, a button that saves it. */
function report(study, signal) {
  const path = `/v1/studies/${encodeURIComponent(study)}/report`;
  const status = h("span", { role: "status" });
  const save = async () => {
    try {
      const address = URL.createObjectURL(await blob(path, signal));
      h("a", { href: address, download: `${study}.html` }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
    } catch (error) {
      if (!signal.aborted) fill(status, trouble(error.message));
    }
  };
  return h(
    "p",
    { class: "actions" },
    !sessionStorage.getItem("mien-token") && h("a", { class: "button", href: path, target: "_blank", rel: "noopener" }, icon("curve"), "Open the report"),
    h("button", { onclick: save }, icon("download"), "Save the report"),
    status,
  );
}

/** Runs in the order of the study's tables, then of their making. */
function ordered(study) {
  const place = new Map(study.groups.flatMap((group) => group.nets).map((net, at) => [net, at]));
  const rank = (run) => place.get(run.net) ?? place.size;
  return study.run_facts.toSorted((a, b) => rank(a) - rank(b) || a.created.localeCompare(b.created) || a.run.localeCompare(b.run));
}

/** The runs whose curves stand out, at most as many as can be named: those that train, then the best that are no trials. */
function prominent(runs, study) {
  const trials = new Set(study.trials);
  const lively = (run) => Number(run.state === "running");
  const worth = runs.filter((run) => run.epochs && !trials.has(run.run));
  return new Set(worth.toSorted((a, b) => lively(b) - lively(a) || (b.validation_accuracy ?? 0) - (a.validation_accuracy ?? 0)).slice(0, COLOURED));
}
