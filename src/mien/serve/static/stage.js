/** One photo, large: its boxes and its cards. */

import { count, empty, fill, h, trouble } from "./dom.js";
import { activate, Box, Card, tally } from "./faces.js";
import { takeForFace } from "./photos.js";

const PORTRAIT = 96; // pixels of a face's small picture; shown at half of it
const BESIDE = 2; // so many cards stand beside the photo; more stand below it

/** Show a photo in `root`, with `actions` below its name. */
export function stage(root, photo, actions) {
  const answered = photo.state === "done" || photo.state === "failed";
  const frame = h("div", { class: "photo" });
  const side = h("div", { class: "side" });
  const image = h("img", { src: photo.url, alt: `The photo ${photo.name}`, onload: placed, onerror: unseen });
  frame.append(image);
  fill(
    root,
    h("div", { class: "stage-head" }, h("h2", null, photo.name), actions),
    h("div", { class: `stage ${photo.faces.length <= BESIDE ? "beside" : ""}` }, frame, side),
  );
  if (!answered) fill(side, h("p", { class: "quiet looking" }, "Looking for faces"));
  if (photo.state === "failed") fill(side, trouble(sentence(photo.error)));

  function placed() {
    const { naturalWidth: width, naturalHeight: height } = image;
    frame.style.setProperty("--width", width);
    frame.style.setProperty("--height", height);
    if (photo.state === "done") faces(width, height, image);
  }

  // Such as HEIC: the server reads more kinds of files than browsers do.
  function unseen() {
    frame.remove();
    if (photo.state !== "done") return;
    faces(0, 0, null);
    side.prepend(h("p", { class: "quiet" }, "This browser cannot show such a file; the server could read it."));
  }

  function faces(width, height, shown) {
    if (!photo.faces.length) {
      fill(side, empty("face", "No face was found", h("p", { class: "quiet" }, "Faces are found when both eyes are to be seen and the face is not tiny. If the photo is nothing but a face, its middle can be taken for one."),
        h("div", { class: "actions" }, h("button", { type: "button", onclick: () => takeForFace(photo) }, "Take it for a face"))));
      return;
    }
    const boxes = new Map();
    const cards = new Map();
    photo.faces.forEach((face, place) => {
      const number = place + 1;
      const active = (on) => activate(boxes, cards, number, on);
      const card = new Card(number, active, shown && portrait(shown, face.box));
      cards.set(number, card);
      card.update(face);
      if (!shown) return;
      const box = new Box(number, active);
      box.element.addEventListener("click", () => {
        card.element.scrollIntoView({ block: "nearest" });
        card.element.focus({ preventScroll: true });
      });
      boxes.set(number, box);
      box.update(face, width, height);
    });
    frame.append(...[...boxes.values()].map((box) => box.element));
    const list = h("ol", { class: "cards" }, ...[...cards.values()].map((card) => card.element));
    fill(side, h("p", { class: "tally" }, h("strong", null, count(photo.faces.length, "face")), photo.faces.length > 1 && `: ${tally(photo.faces)}`), list);
  }
}

/** A server's message as a sentence: with a capital and a full stop. */
export const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

function portrait(image, [x, y, width, height]) {
  const canvas = h("canvas", { width: PORTRAIT, height: PORTRAIT, "aria-hidden": "true" });
  const side = 1.25 * Math.max(width, height);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, x + width / 2 - side / 2, y + height / 2 - side / 2, side, side, 0, 0, PORTRAIT, PORTRAIT);
  return canvas;
}
