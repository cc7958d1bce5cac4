/** Line charts that follow their data and their width: a pointer or the arrow keys read off any epoch. */

import { fill, h, s } from "./dom.js";
import { points } from "./words.js";

const HEIGHT = 300;
const MARGIN = { top: 14, right: 14, bottom: 34, left: 46 };
const STEEP = 8; // above this ratio of the highest to the lowest value, the axis is logarithmic
const NAMED = 8; // more lines than these are not named at their ends
const NARROW = 520; // px, below which names stand under the chart

/**
 * @typedef {Object} Series
 * @property {string} name
 * @property {(number|null)[]} values one an epoch, the first epoch first
 * @property {string} colour a CSS colour
 * @property {boolean} [faint] one of many, without a name
 * @property {boolean} [live] still growing
 */

/**
 * A chart of values over epochs.
 *
 * @param {string} title what is shown, for screen readers
 * @param {AbortSignal} signal ends it
 * @param {{shares?: boolean}} [options] shares: values lie in 0..1 and are shown in per cent
 * @returns {{node: HTMLElement, update: (series: Series[], epochs?: number) => void}} `epochs`: how long the axis is at least
 */
export function lineChart(title, signal, { shares = false } = {}) {
  const svg = s("svg", { class: "chart-lines", role: "img", tabindex: 0 });
  const reading = h("div", { class: "chart-reading", role: "status", hidden: true });
  const legend = h("ul", { class: "chart-legend" });
  const node = h("div", { class: "chart" }, h("div", { class: "chart-area" }, svg, reading), legend);
  const format = shares ? (value) => `${points(value)} %` : (value) => value.toPrecision(3);
  let series = [];
  let longest = 1;
  let width = 0;
  let at = null; // the epoch that is read off
  let frame = null; // where the lines lie, in px

  const observer = new ResizeObserver(([entry]) => {
    width = entry.contentRect.width;
    draw();
  });
  observer.observe(node);
  signal.addEventListener("abort", () => observer.disconnect());

  function draw() {
    if (!width) return;
    const narrow = width < NARROW;
    const named = series.filter((line) => !line.faint && line.values.length);
    const ends = !narrow && named.length <= NAMED;
    const right = ends ? MARGIN.right + Math.min(170, 14 + 7 * Math.max(0, ...named.map((line) => line.name.length))) : MARGIN.right;
    frame = { left: MARGIN.left, right: width - right, top: MARGIN.top, bottom: (narrow ? 230 : HEIGHT) - MARGIN.bottom };
    const scale = scales(series, longest, frame);
    svg.setAttribute("viewBox", `0 0 ${width} ${frame.bottom + MARGIN.bottom}`);
    svg.setAttribute("height", frame.bottom + MARGIN.bottom);
    svg.setAttribute("aria-label", spoken(title, named, format));
    fill(svg, axes(scale), series.map((line) => path(line, scale)), ends && names(named, scale, frame), marks(at, series, scale, frame));
    fill(legend, !ends && named.slice(0, 24).map((line) => h("li", null, swatch(line), line.name)));
    read(scale);
  }

  function read(scale) {
    reading.hidden = at === null;
    if (at === null) return;
    const there = series.filter((line) => isNumber(line.values[at - 1])).sort((a, b) => b.values[at - 1] - a.values[at - 1]);
    const more = there.length - 10;
    fill(
      reading,
      h("strong", null, `Epoch ${at}`),
      h("ul", null, there.slice(0, 10).map((line) => h("li", null, swatch(line), h("span", null, line.name), h("b", null, format(line.values[at - 1]))))),
      more > 0 && h("span", { class: "quiet" }, `and ${more} more`),
    );
    const x = scale.x(at);
    const left = x > width / 2;
    reading.style.setProperty("left", left ? "auto" : `${x + 14}px`);
    reading.style.setProperty("right", left ? `${width - x + 14}px` : "auto");
  }

  function move(to) {
    const next = to === null ? null : Math.max(1, Math.min(to, Math.max(1, ...series.map((line) => line.values.length))));
    if (next === at) return;
    at = series.length ? next : null;
    draw();
  }

  svg.addEventListener("pointermove", (event) => {
    if (!frame) return;
    const along = (event.clientX - svg.getBoundingClientRect().left - frame.left) / (frame.right - frame.left);
    move(Math.round(1 + along * (longest - 1)));
  });
  svg.addEventListener("pointerleave", () => move(null));
  svg.addEventListener("blur", () => move(null));
  svg.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: (at ?? 0) + 1, ArrowLeft: (at ?? longest + 1) - 1, Home: 1, End: longest, Escape: null };
    if (!Object.hasOwn(steps, event.key)) return;
    event.preventDefault();
    move(steps[event.key]);
  });

  return {
    node,
    update(lines, epochs = 1) {
      series = lines;
      longest = Math.max(2, epochs, ...lines.map((line) => line.values.length));
      draw();
    },
  };

  function axes(scale) {
    const across = scale.yTicks.map((tick, place) => [
      s("line", { class: "chart-rule", x1: frame.left, x2: frame.right, y1: scale.y(tick), y2: scale.y(tick) }),
      s("text", { class: "chart-tick", x: frame.left - 8, y: scale.y(tick), dy: "0.35em", "text-anchor": "end" }, shares ? `${trimmed(100 * tick)}${place === scale.yTicks.length - 1 ? " %" : ""}` : trimmed(tick)),
    ]);
    const along = scale.xTicks.map((tick) =>
      s("text", { class: "chart-tick", x: scale.x(tick), y: frame.bottom + 18, "text-anchor": "middle" }, tick),
    );
    const epoch = s("text", { class: "chart-tick", x: frame.right, y: frame.bottom + 32, "text-anchor": "end" }, "epoch");
    return [across, along, epoch];
  }
}

/** A small line of one run's values, for a table. */
export function sparkline(values, colour) {
  const known = values.filter(isNumber);
  if (known.length < 2) return s("svg", { class: "spark", viewBox: "0 0 80 20", "aria-hidden": "true" });
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const y = (value) => 18 - (16 * (value - low)) / (high - low || 1);
  const x = (place) => 1 + (78 * place) / (values.length - 1);
  return s(
    "svg",
    { class: "spark", viewBox: "0 0 80 20", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("path", { d: line(values, x, y), stroke: colour }),
  );
}

const isNumber = (value) => typeof value === "number";
const trimmed = (value) => String(Number(value.toPrecision(3)));
const swatch = (line) => h("i", { class: "swatch", style: { background: line.colour } });

function scales(series, longest, frame) {
  const values = series.flatMap((line) => line.values.filter(isNumber));
  let [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
  const steep = low > 0 && high > STEEP * low && decades(low, high).length > 1;
  if (low === high) [low, high] = [low - 0.05, high + 0.05];
  const ticks = steep ? decades(low, high) : nice(low, high);
  if (!steep) [low, high] = [Math.min(low, ticks[0]), Math.max(high, ticks.at(-1))];
  const at = steep ? Math.log : (value) => value;
  const span = at(high) - at(low);
  return {
    x: (epoch) => frame.left + ((frame.right - frame.left) * (epoch - 1)) / Math.max(1, longest - 1),
    y: (value) => frame.bottom - ((frame.bottom - frame.top) * (at(value) - at(low))) / span,
    yTicks: ticks,
    xTicks: wholes(longest, Math.max(2, Math.floor((frame.right - frame.left) / 64))),
  };
}

/** At most seven round numbers from just below `low` to just above `high`. */
function nice(low, high) {
  const power = 10 ** Math.floor(Math.log10(high - low) - 1);
  const step = power * [1, 2, 2.5, 5, 10, 20].find((factor) => (high - low) / (factor * power) <= 5.5);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, place) => Number(((first + place) * step).toPrecision(12)));
}

const decades = (low, high) =>
  [-4, -3, -2, -1, 0, 1, 2, 3].flatMap((power) => [1, 2, 5].map((factor) => factor * 10 ** power)).filter((tick) => tick >= low && tick <= high);

/** Epochs to name: 1, the last, and whole numbers between them. */
function wholes(longest, most) {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((one) => longest / one <= most) ?? 1000;
  const between = Array.from({ length: Math.floor(longest / step) }, (_, place) => (place + 1) * step);
  return step === 1 ? between : [1, ...between.filter((epoch) => epoch > step / 2)];
}

function line(values, x, y) {
  let pen = "M";
  return values.map((value, place) => {
    if (!isNumber(value)) {
      pen = "M";
      return "";
    }
    const drawn = `${pen}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = "L";
    return drawn;
  }).join("");
}

function path(one, scale) {
  const last = one.values.findLastIndex(isNumber);
  const drawn = s("path", { class: one.faint ? "chart-line faint" : "chart-line", d: line(one.values, (place) => scale.x(place + 1), scale.y), stroke: one.colour });
  const point = last >= 0 && (one.live || one.values.length === 1) && !one.faint;
  const end = point && s("circle", { class: one.live ? "chart-end live" : "chart-end", cx: scale.x(last + 1), cy: scale.y(one.values[last]), r: 4, fill: one.colour });
  return [drawn, end];
}

/** Names at the ends of lines, moved apart where they would lie on each other. */
function names(lines, scale, frame) {
  const ends = lines
    .map((one) => ({ one, last: one.values.findLastIndex(isNumber) }))
    .filter(({ last }) => last >= 0)
    .map(({ one, last }) => ({ one, x: scale.x(last + 1), y: scale.y(one.values[last]), place: scale.y(one.values[last]) }))
    .sort((a, b) => a.y - b.y);
  for (let turn = 0; turn < 60; turn++) {
    for (let place = 1; place < ends.length; place++) {
      const push = (16 - (ends[place].place - ends[place - 1].place)) / 2;
      if (push > 0) [ends[place - 1].place, ends[place].place] = [ends[place - 1].place - push, ends[place].place + push];
    }
  }
  return ends.map(({ one, x, y, place }) => [
    s("path", { class: "chart-leader", d: `M${x + 5} ${y}L${frame.right + 8} ${place}`, stroke: one.colour }),
    s("text", { class: "chart-name", x: frame.right + 12, y: place, dy: "0.35em" }, shortened(one.name)),
  ]);
}

/** A name of at most 22 letters; what is left out stands in its middle, for seeds stand at its end. */
const shortened = (name) => (name.length > 22 ? `${name.slice(0, 14)}…${name.slice(-7)}` : name);

function marks(at, series, scale, frame) {
  if (at === null) return [];
  const shown = series.filter((one) => !one.faint && isNumber(one.values[at - 1]));
  return [
    s("line", { class: "chart-cursor", x1: scale.x(at), x2: scale.x(at), y1: frame.top, y2: frame.bottom }),
    shown.map((one) => s("circle", { cx: scale.x(at), cy: scale.y(one.values[at - 1]), r: 3.5, fill: one.colour })),
  ];
}

function spoken(title, named, format) {
  const ends = named.slice(0, 8).map((one) => {
    const last = one.values.findLast(isNumber);
    return last === undefined ? one.name : `${one.name} at ${format(last)}`;
  });
  return `${title} over epochs. ${ends.length ? `Now ${ends.join("; ")}.` : "Nothing yet."} Left and right read off an epoch.`;
}
