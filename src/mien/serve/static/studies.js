/** Studies: the list, and by the address one study, one run, or several runs side by side. */

import { api, pause } from "./api.js";
import { count, empty, fill, h } from "./dom.js";
import { render as renderComparison } from "./compare.js";
import { state, testLine } from "./parts.js";
import { render as renderRun } from "./run.js";
import { render as renderStudy } from "./study.js";
import { ago, link, points, range } from "./words.js";

export const title = "Studies";

const EVERY = 5000; // ms between two looks at the list while a study runs

export async function render(root, { path, query }, signal) {
  if (query.has("run")) await renderComparison(root, query.getAll("run"), signal);
  else if (path.length > 1) await renderRun(root, path[0], path[1], signal);
  else if (path.length) await renderStudy(root, path[0], signal);
  else await renderList(root, signal);
}

async function renderList(root, signal) {
  const list = h("div", { class: "study-list" });
  let answer = await api("/v1/studies", { signal });
  fill(root, h("h1", null, "Studies"), list);
  show();
  follow().catch((error) => signal.aborted || console.error(error));

  function show() {
    const order = { running: 0, stopped: 1, finished: 2, empty: 3 };
    const studies = answer.studies.toSorted((a, b) => order[a.state] - order[b.state] || b.changed.localeCompare(a.changed));
    fill(list, studies.length ? studies.map(card) : nothing(answer.folder));
  }

  async function follow() {
    while (answer.studies.some((study) => study.state === "running")) {
      await pause(EVERY, signal);
      if (document.hidden) continue;
      answer = await api("/v1/studies", { signal });
      if (!list.contains(document.activeElement)) show(); // nobody's focus is taken away
    }
  }
}

function card(study) {
  const { best } = study;
  const share = study.epochs_planned ? study.epochs / study.epochs_planned : 0;
  return h(
    "article",
    { class: "study-card" },
    h("header", null, h("h2", null, h("a", { href: link(["studies", study.study]) }, study.study)), state(study.state)),
    h("p", { class: "quiet" }, [study.faces, count(study.nets, "net"), count(study.runs, "run")].filter(Boolean).join(" · ")),
    best
      ? h(
          "div",
          { class: "study-best" },
          h("p", { class: "figure" }, points(best.validation_accuracy), h("small", null, "%")),
          h("p", { class: "quiet" }, h("b", null, best.net), study.state === "finished" ? " is best on validation" : " leads on validation", best.validation_interval && h("span", null, `, ${range(best.validation_interval)}`), best.test_accuracy !== null && [h("br"), testLine(best)]),
        )
      : h("p", { class: "quiet" }, "No epoch is done yet."),
    study.state !== "finished" && h("progress", { value: share, max: 1, "aria-label": `${study.epochs} of ${study.epochs_planned} epochs` }),
    h("footer", { class: "quiet" }, `changed ${ago(study.changed)}`),
  );
}

const nothing = (folder) =>
  empty(
    "curve",
    "No study is here yet",
    h("p", { class: "lead" }, "A study trains several nets and compares them. This one takes about two minutes:"),
    h("pre", null, "mien study quick"),
    h("p", { class: "quiet" }, "It appears here as soon as it begins, in ", h("code", null, folder), ". Other folders: ", h("code", null, "mien serve --runs DIR"), "."),
  );
