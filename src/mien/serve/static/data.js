/** Data: the sets of faces, and of one its counts, faces to look at, its audit, its doubtful labels. */

import { api } from "./api.js";
import { count, empty, fill, h } from "./dom.js";
import { render as renderAudit } from "./audit.js";
import { render as renderDoubtful } from "./doubtful.js";
import { pictures, votes } from "./sprite.js";
import { link } from "./words.js";

export const title = "Data";

const SPLITS = ["train", "validation", "test"];
const TABS = { faces: ["Faces", renderFaces], audit: ["Audit", renderAudit], doubtful: ["Doubtful labels", renderDoubtful] };
const SHOWN = 32;

export async function render(root, { path, query }, signal) {
  const { data } = await api("/v1/data", { signal });
  if (!path.length) {
    fill(root, h("h1", null, "Data"), data.length ? h("div", { class: "study-list" }, data.map(card)) : nothing());
    return;
  }
  const [key, tab = "faces"] = path;
  const set = data.find((one) => one.data === key);
  if (!set || !Object.hasOwn(TABS, tab)) throw new Error(`No set of faces is called ${key}; the page Data lists them.`);
  const body = h("div", { class: "tab-body" });
  fill(
    root,
    h("nav", { class: "crumbs", "aria-label": "Place" }, h("a", { href: "#/data" }, "Data")),
    h("h1", null, set.name),
    h("p", { class: "facts-line" }, h("span", null, count(total(set), "face")), h("span", null, `${set.size} × ${set.size} pixels`), h("span", null, count(set.classes.length, "emotion")), set.studies.length > 0 && h("span", null, "used by ", set.studies.map((study, at) => [at ? ", " : "", h("a", { href: link(["studies", study]) }, study)]))),
    h("nav", { class: "subviews", "aria-label": "About these faces" }, Object.entries(TABS).map(([name, [words]]) => h("a", { href: link(["data", key, name]), "aria-current": name === tab ? "page" : null }, words))),
    body,
  );
  await TABS[tab][1](body, set, query, signal);
}

const total = (set) => SPLITS.reduce((sum, split) => sum + inSplit(set, split), 0);
const inSplit = (set, split) => Object.values(set.counts[split] ?? {}).reduce((a, b) => a + b, 0);

const card = (set) =>
  h(
    "article",
    { class: "study-card" },
    h("header", null, h("h2", null, h("a", { href: link(["data", set.data]) }, set.name)), h("span", { class: "quiet tabular" }, set.data)),
    h("p", { class: "quiet" }, SPLITS.filter((split) => inSplit(set, split)).map((split) => `${inSplit(set, split).toLocaleString("en")} ${split}`).join(" · ")),
    shares(set, "train"),
    h("footer", { class: "quiet" }, set.studies.length ? `used by ${count(set.studies.length, "study", "studies")}` : "not used by a study yet"),
  );

/** How a split's faces share out among the emotions, as one bar. */
function shares(set, split) {
  const counts = Object.entries(set.counts[split] ?? {});
  const text = counts.map(([name, faces]) => `${name} ${faces.toLocaleString("en")}`).join(", ");
  return h("div", { class: "share-bar", role: "img", "aria-label": `In ${split}: ${text}`, title: text }, counts.map(([name, faces]) => h("i", { style: { "flex-grow": faces, background: colour(name) } })));
}

const colour = (name) => `var(--${CSS.escape(name)}, var(--edge))`;

function counted(set) {
  const splits = SPLITS.filter((split) => set.counts[split]);
  const most = Math.max(...splits.flatMap((split) => Object.values(set.counts[split])));
  const row = (name) =>
    h("tr", null, h("th", { scope: "row" }, h("i", { class: "swatch", style: { background: colour(name) } }), name), splits.map((split) => {
      const faces = set.counts[split][name] ?? 0;
      return h("td", { class: "number bar-cell" }, h("i", { class: "bar-mark", style: { "--share": faces / most, "--colour": colour(name) } }), faces.toLocaleString("en"));
    }));
  const sums = h("tr", { class: "sum" }, h("th", { scope: "row" }, "all"), splits.map((split) => h("td", { class: "number" }, inSplit(set, split).toLocaleString("en"))));
  return h("div", { class: "scroll" }, h("table", { class: "counts" }, h("thead", null, h("tr", null, h("th", { scope: "col" }, "emotion"), splits.map((split) => h("th", { scope: "col", class: "number" }, split)))), h("tbody", null, set.classes.map(row), sums)));
}

async function renderFaces(root, set, _query, signal) {
  let split = "train";
  let emotion = "";
  let seed = 0;
  const grid = h("ul", { class: "face-grid" });
  const status = h("p", { class: "quiet", role: "status" });
  const chip = (value, words) => {
    const swatch = value && h("i", { class: "swatch", style: { background: colour(value) } });
    return h("button", { class: "chip", "aria-pressed": String(value === emotion), onclick: (event) => pick(event.currentTarget, value) }, swatch, words);
  };
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Emotion" }, chip("", "all"), set.classes.map((name) => chip(name, name)));
  const splits = h("select", { "aria-label": "Split", onchange: (event) => ((split = event.target.value), show()) }, SPLITS.filter((name) => set.counts[name]).map((name) => h("option", { value: name }, name)));
  fill(
    root,
    h("section", { class: "panel" }, h("h2", null, "Counts"), counted(set)),
    h("section", { class: "panel" }, h("div", { class: "panel-head" }, h("h2", null, "Faces"), h("div", { class: "actions" }, splits, h("button", { onclick: () => (seed++, show()) }, "Others"))), chips, status, grid),
  );
  await show();

  function pick(button, value) {
    emotion = value;
    for (const one of chips.children) one.setAttribute("aria-pressed", String(one === button));
    show();
  }

  async function show() {
    const query = new URLSearchParams({ split, seed, count: SHOWN, ...(emotion && { emotion }) });
    try {
      const answer = await api(`/v1/data/${set.data}/faces?${query}`, { signal });
      const drawn = pictures(set, answer.faces, signal);
      fill(status, `${answer.faces.length} of ${count(answer.matches, "face")}, picked at random`);
      fill(grid, answer.faces.map((face, at) => h("li", null, drawn[at], h("span", null, h("i", { class: "swatch", style: { background: colour(face.label) } }), face.label), votes(face))));
    } catch (error) {
      if (!signal.aborted) fill(status, h("span", { class: "went-wrong" }, error.message));
    }
  }
}

const nothing = () =>
  empty(
    "grid",
    "No faces are known yet",
    h("p", { class: "lead" }, "Here stand the faces that studies are trained on. Read your own once, and name them:"),
    h("pre", null, "mien faces import path/to/fer2013 -o faces\nmien serve --data faces"),
    h("p", { class: "quiet" }, "Or run a study: ", h("code", null, "mien study quick"), " trains on built-in faces."),
  );
