/** The photos of the view Predict: the way in, how far they are, small ones to choose from, and one of them large. */

import { count, fill, h, icon } from "./dom.js";
import { tally } from "./faces.js";
import { fileInput } from "./file-input.js";
import { add, answered, changes, photos, remove } from "./photos.js";
import { saveAll } from "./saving.js";
import { photoView } from "./photo-view.js";

const byTouch = matchMedia("(pointer: coarse)").matches; // there is nothing to drop from

let chosen = null; // the photo that is shown large, also after another view

export class Gallery {
  /** Show the photos in `root`; once there are some, ways for more stand in `corner`. */
  constructor(root, corner, signal) {
    this.corner = corner;
    this.ways = fileInput((files) => files.length && this.choose(add(files)[0]), signal);
    this.start = h("div", { class: "start" });
    this.progress = h("div", { class: "progress" });
    this.thumbs = h("ol", { class: "thumbs", "aria-label": "Photos" });
    this.large = h("section", { class: "large", "aria-label": "The chosen photo" });
    this.news = h("p", { class: "unseen", role: "status" });
    this.known = new Map(); // photos and their small pictures, which stay the same elements, so that the focus does
    this.shown = "";
    fill(root, this.start, this.progress, this.thumbs, this.large, this.news);
    changes.addEventListener("change", () => this.update(), { signal });
  }

  choose(photo) {
    chosen = photo;
    this.update();
  }

  /** Show what changed. */
  update() {
    if (!photos.includes(chosen)) chosen = photos[0] ?? null;
    fill(this.start, !photos.length && welcome(this.ways));
    if (photos.length) fill(this.corner, this.ways.choose, this.ways.photograph);
    fill(this.progress, photos.length > 1 && overview());
    this.#thumbs();
    const now = chosen ? `${chosen.url} ${chosen.state}` : "";
    if (now === this.shown) return;
    this.shown = now;
    if (chosen) photoView(this.large, chosen);
    else fill(this.large);
    if (chosen?.state === "done") fill(this.news, `${chosen.name}: ${inWords(chosen.faces)}`);
  }

  #thumbs() {
    this.thumbs.hidden = photos.length < 2;
    for (const [photo, thumb] of this.known) {
      if (photos.includes(photo)) continue;
      thumb.element.remove();
      this.known.delete(photo);
    }
    for (const photo of photos) {
      if (!this.known.has(photo)) {
        const thumb = new Thumb(photo, () => this.choose(photo));
        this.known.set(photo, thumb);
        this.thumbs.append(thumb.element);
      }
      this.known.get(photo).update(photo === chosen);
    }
  }
}

const inWords = (faces) => (faces.length ? `${count(faces.length, "face")}: ${tally(faces)}` : "no face was found");

function welcome({ choose, photograph }) {
  const title = byTouch ? "Begin with a photo" : "Drop photos here";
  const more = byTouch ? "or with as many as you like" : "or paste them, or choose as many as you like";
  return h(
    "div",
    { class: "welcome" },
    icon("photo"),
    h("h2", null, title),
    h("p", { class: "quiet" }, more),
    h("div", { class: "actions" }, choose, photograph),
    h("p", { class: "quiet small" }, "Photos go to this server only, which forgets them once it has answered."),
  );
}

/** How many photos are answered, and what all of them show. */
function overview() {
  const [done, all] = [answered(), photos.length];
  const faces = photos.flatMap((photo) => photo.faces);
  const failed = photos.filter((photo) => photo.state === "failed").length;
  const words = done < all ? `${done} of ${count(all, "photo")}` : count(all, "photo");
  const shown = `, ${count(faces.length, "face")}${faces.length ? `: ${tally(faces)}` : ""}`;
  const button = { type: "button", class: "quiet-button" };
  const save = { ...button, disabled: !done, onclick: () => saveAll(photos) };
  const clear = { ...button, onclick: () => remove([...photos]) };
  return [
    h("p", null, h("strong", null, words), shown, failed > 0 && h("span", { class: "failed" }, `, ${failed} not read`)),
    done < all && h("progress", { max: all, value: done, "aria-label": "Photos answered" }),
    h(
      "div",
      { class: "actions" },
      h("button", save, icon("download"), "All as JSON"),
      h("button", clear, icon("trash"), "Remove all"),
    ),
  ];
}

/** A small picture that chooses a photo, with how far it is. */
class Thumb {
  constructor(photo, onchoose) {
    this.photo = photo;
    this.mark = h("span", { class: "mark" });
    const image = h("img", { src: photo.url, alt: "", loading: "lazy", decoding: "async" });
    image.addEventListener("error", () => image.remove());
    this.button = h("button", { type: "button", onclick: onchoose }, image, this.mark);
    this.element = h("li", null, this.button);
  }

  update(current) {
    const { name, state, faces } = this.photo;
    const [words, sign] = {
      waiting: ["waits", ""],
      sent: ["is looked at", h("span", { class: "spinner" })],
      failed: ["could not be read", icon("warning")],
      done: [count(faces.length, "face"), faces.length],
    }[state];
    this.button.setAttribute("aria-label", `${name}: ${words}`);
    this.button.setAttribute("aria-current", current);
    this.button.dataset.state = state;
    fill(this.mark, sign);
  }
}
