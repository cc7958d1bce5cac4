/** Faces as the page shows them: a box on the picture, and a card with bars; the two know of each other. */

import { colour } from "./colours.js";
import { fill, h, percent } from "./dom.js";

/** The most probable emotion's share, 0..1. */
export const share = (face) => face.probabilities[face.emotion];

/** How many faces show what, the most frequent first: `3 happy, 1 sad`. */
export function tally(faces) {
  const counts = new Map();
  for (const { emotion } of faces) counts.set(emotion, (counts.get(emotion) ?? 0) + 1);
  return [...counts]
    .sort((one, other) => other[1] - one[1])
    .map(([name, number]) => `${number} ${name}`)
    .join(", ");
}

/** A face's box over a picture of so many pixels; shows where the face is, and says what it is. */
export class Box {
  constructor(number, onactive) {
    this.number = number;
    this.word = h("span", { class: "word" });
    this.value = h("span", { class: "value tabular" });
    this.element = h(
      "button",
      {
        type: "button",
        class: "box",
        onpointerenter: () => onactive(true),
        onpointerleave: () => onactive(false),
        onfocus: () => onactive(true),
        onblur: () => onactive(false),
      },
      h("span", { class: "tag" }, h("span", { class: "place tabular" }, number), " ", this.word, " ", this.value),
    );
  }

  update(face, width, height) {
    const [x, y, wide, high] = face.box;
    const { style, classList } = this.element;
    style.left = `${(100 * x) / width}%`;
    style.top = `${(100 * y) / height}%`;
    style.width = `${(100 * wide) / width}%`;
    style.height = `${(100 * high) / height}%`;
    style.setProperty("--hue", colour(face.emotion));
    classList.toggle("below", y < 0.08 * height); // no room above it
    classList.toggle("leftward", x + wide / 2 > 0.6 * width);
    this.element.setAttribute("aria-label", `Face ${this.number} ${face.emotion} ${percent(share(face))}`);
    fill(this.word, face.emotion);
    fill(this.value, percent(share(face)));
  }
}

/** A face's card: its number, what it shows most, and a bar for each emotion, always in the same order. */
export class Card {
  constructor(number, onactive, portrait = null) {
    this.bars = new Map();
    this.title = h("h3", null);
    this.list = h("ul", { class: "bars" });
    this.number = number;
    this.element = h(
      "li",
      {
        class: "card",
        tabindex: "-1",
        onpointerenter: () => onactive(true),
        onpointerleave: () => onactive(false),
        onfocus: () => onactive(true),
        onblur: () => onactive(false),
      },
      h("div", { class: "card-head" }, portrait, this.title),
      this.list,
    );
  }

  update(face) {
    this.element.style.setProperty("--hue", colour(face.emotion));
    const place = h("span", { class: "place tabular" }, h("span", { class: "unseen" }, "Face "), this.number);
    fill(this.title, place, " ", face.emotion, " ", h("span", { class: "tabular quiet" }, percent(share(face))));
    for (const [emotion, part] of Object.entries(face.probabilities)) {
      const bar = this.bars.get(emotion) ?? this.#add(emotion);
      bar.fill.style.width = `${100 * part}%`;
      bar.value.textContent = percent(part);
      bar.element.classList.toggle("most", emotion === face.emotion);
    }
  }

  #add(emotion) {
    const filled = h("span", { class: "fill", style: { background: colour(emotion) } });
    const value = h("span", { class: "value tabular" });
    const track = h("span", { class: "track", "aria-hidden": "true" }, filled);
    const bar = { fill: filled, value, element: h("li", null, h("span", { class: "name" }, emotion), track, value) };
    this.list.append(bar.element);
    this.bars.set(emotion, bar);
    return bar;
  }
}

/** Let one face at a time stand out among boxes and cards: those of `number`, or none. */
export function activate(boxes, cards, number, on) {
  for (const [key, { element }] of [...boxes, ...cards]) element.classList.toggle("active", on && key === number);
  for (const { element } of boxes.values()) element.parentElement?.classList.toggle("dimmed", on);
}
