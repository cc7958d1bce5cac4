/** A run's confusion matrices, and below them the faces of the cell that is chosen. */

import { api } from "./api.js";
import { cellWords, matrix } from "./confusion.js";
import { fill, h, icon } from "./dom.js";
import { pictures, votes } from "./sprite.js";
import { points } from "./words.js";

const PAGE = 24; // faces at once

export class CellFaces {
  /**
   * @param {string} path of the run under /v1
   * @param {AbortSignal} signal
   */
  constructor(path, signal) {
    this.path = path;
    this.signal = signal;
    this.splits = new Map(); // the matrix and the place below it of each
    this.shown = null; // ends the requests of what is shown
    // The chosen cell is an entry of the history, so that the browser's Back closes it.
    addEventListener("popstate", () => this.#follow(), { signal });
  }

  /** The confusion matrix of a split, and the place for the faces of its cells. */
  of(split, classes, confusion) {
    const figure = matrix(classes, confusion, (place) => this.#choose({ split, ...place }));
    const below = h("div");
    for (const element of [figure, below]) element.addEventListener("keydown", (event) => this.#key(event));
    this.splits.set(split, { figure, below, classes, confusion });
    return { figure, below };
  }

  /** Show the cell that the history holds, as after the tab was loaded again. */
  restore() {
    if (history.state?.cell) this.#follow();
  }

  #choose(cell) {
    const open = history.state?.cell;
    if (open && this.#button(open) === this.#button(cell)) return this.#close();
    if (open) history.replaceState({ cell }, "");
    else history.pushState({ cell }, "");
    this.#follow();
  }

  #close() {
    if (history.state?.cell) history.back();
  }

  #key(event) {
    if (event.key !== "Escape" || !history.state?.cell) return;
    event.preventDefault();
    this.#close();
  }

  #button({ split, label, predicted }) {
    return this.splits.get(split)?.figure.querySelector(`[data-cell="${CSS.escape(`${label} ${predicted}`)}"]`);
  }

  #follow() {
    this.shown?.abort();
    const before = this.open;
    this.open = history.state?.cell ?? null;
    for (const { figure, below } of this.splits.values()) {
      fill(below);
      for (const other of figure.querySelectorAll("[aria-expanded=true]")) other.setAttribute("aria-expanded", "false");
    }
    const button = this.open && this.#button(this.open);
    if (!button) {
      if (before) this.#button(before)?.focus();
      return;
    }
    button.setAttribute("aria-expanded", "true");
    this.shown = new AbortController();
    this.#show(this.open, AbortSignal.any([this.signal, this.shown.signal]));
  }

  #show(cell, signal) {
    const { below, classes, confusion } = this.splits.get(cell.split);
    const faces = confusion[classes.indexOf(cell.label)][classes.indexOf(cell.predicted)];
    const status = h("p", { class: "quiet", role: "status" });
    const grid = h("ul", { class: "face-grid" });
    const more = h("button", { type: "button", hidden: true, onclick: () => load(grid.children.length) });
    const close = h("button", { type: "button", class: "quiet-button", onclick: () => this.#close() }, icon("close"), "Close");
    const head = h("div", { class: "panel-head" }, h("h3", { id: "cell-title" }, cellWords(cell, faces)), close);
    const panel = h("section", { class: "cell-faces", "aria-labelledby": "cell-title", tabindex: -1 }, head, status, grid, h("p", { class: "actions" }, more));
    const load = async (first) => {
      const query = new URLSearchParams({ ...cell, first, count: PAGE });
      more.disabled = true;
      try {
        const answer = await api(`${this.path}/predictions?${query}`, { signal });
        const drawn = pictures(answer, answer.faces.map((one) => one.face), signal);
        const items = answer.faces.map((one, at) => item(one, drawn[at]));
        grid.append(...items);
        const shown = first + items.length;
        const part = shown < answer.matches ? `${shown.toLocaleString("en")} of them` : "All of them";
        fill(status, `${part}, most confident first: the probability that the run gives to ${cell.predicted}.`);
        fill(more, `More (${(answer.matches - shown).toLocaleString("en")} left)`);
        more.hidden = shown >= answer.matches;
        if (first) items[0]?.focus(); // the button may be gone
      } catch (error) {
        if (!signal.aborted) fill(status, h("span", { class: "went-wrong" }, error.message));
      } finally {
        more.disabled = false;
      }
    };
    fill(below, panel);
    panel.focus({ preventScroll: true });
    load(0).then(() => panel.isConnected && panel.scrollIntoView({ block: "nearest" }));
  }
}

const item = ({ face, probability }, picture) =>
  h("li", { tabindex: -1 }, picture, h("b", { class: "tabular" }, `${points(probability)} %`), votes(face), h("small", { class: "quiet tabular" }, `${face.split} ${face.place}`));
