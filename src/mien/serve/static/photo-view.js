/** One photo, large: its boxes and its cards. */

import { count, empty, fill, h, icon, trouble } from "./dom.js";
import { activate, Box, Card, tally } from "./faces.js";
import { lookAgain, remove } from "./photos.js";
import { saveJson, savePicture } from "./saving.js";

const PORTRAIT = 96; // pixels of a face's small picture; shown at half of it
const BESIDE = 2; // so many cards stand beside the photo; more stand below it

const NOBODY =
  "Faces are found when both eyes are visible and the face is not tiny. " +
  "If the photo is nothing but a face, its middle can be taken for one.";

/** Show a photo in `root`, as far as it is. */
export function photoView(root, photo) {
  const frame = h("div", { class: "photo" });
  const side = h("div", { class: "side" });
  const actions = h("div", { class: "actions" }, removeButton(photo));
  const image = h("img", { src: photo.url, alt: `The photo ${photo.name}`, onload: seen, onerror: unseen });
  frame.append(image);
  fill(
    root,
    h("div", { class: "photo-view-head" }, h("h2", null, photo.name), actions),
    h("div", { class: photo.faces.length <= BESIDE ? "photo-view beside" : "photo-view" }, frame, side),
  );
  if (photo.state === "failed")
    fill(
      side,
      trouble(
        sentence(photo.error),
        button("Try again", () => lookAgain(photo)),
      ),
    );
  else if (photo.state !== "done") fill(side, h("p", { class: "quiet looking" }, "Looking for faces"));
  else {
    fill(side, photo.faces.length ? null : nobody(photo));
    actions.prepend(button([icon("download"), "JSON"], () => saveJson(photo)));
  }

  function seen() {
    frame.style.setProperty("--width", image.naturalWidth);
    frame.style.setProperty("--height", image.naturalHeight);
    if (!photo.faces.length) return;
    fill(side, summary(photo.faces), faces(photo.faces, frame, image));
    actions.prepend(button([icon("download"), "Picture"], () => savePicture(photo)));
  }

  // Such as HEIC: the server reads more kinds of files than browsers do.
  function unseen() {
    frame.remove();
    if (!photo.faces.length) return;
    const why = h("p", { class: "quiet" }, "This browser cannot show such a file; the server could read it.");
    fill(side, why, summary(photo.faces), faces(photo.faces, null, null));
  }
}

/** The cards of a photo's faces; their boxes go into `frame`, where the photo can be shown. */
function faces(detected, frame, image) {
  const boxes = new Map();
  const cards = new Map();
  detected.forEach((face, place) => {
    const number = place + 1;
    const active = (on) => activate(boxes, cards, number, on);
    const card = new Card(number, active, image && portrait(image, face.box));
    cards.set(number, card);
    card.update(face);
    if (!image) return;
    const box = new Box(number, active);
    boxes.set(number, box);
    box.update(face, image.naturalWidth, image.naturalHeight);
    box.element.addEventListener("click", () => {
      card.element.scrollIntoView({ block: "nearest" });
      card.element.focus({ preventScroll: true });
    });
    frame.append(box.element);
  });
  return h(
    "ol",
    { class: "cards" },
    [...cards.values()].map((card) => card.element),
  );
}

const summary = (detected) =>
  h("p", { class: "tally" }, h("strong", null, count(detected.length, "face")), detected.length > 1 && `: ${tally(detected)}`);

const nobody = (photo) =>
  empty(
    "face",
    "No face was found",
    h("p", { class: "quiet" }, NOBODY),
    h(
      "div",
      { class: "actions" },
      button("Take it for a face", () => lookAgain(photo, true)),
    ),
  );

const button = (label, onclick) => h("button", { type: "button", onclick }, label);

function removeButton(photo) {
  const attributes = { type: "button", class: "quiet-button", "aria-label": `Remove ${photo.name}` };
  return h("button", { ...attributes, onclick: () => remove([photo]) }, icon("trash"));
}

/** A server's message as a sentence: with a capital and a full stop. */
export const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

function portrait(image, [x, y, width, height]) {
  const canvas = h("canvas", { width: PORTRAIT, height: PORTRAIT, "aria-hidden": "true" });
  const side = 1.25 * Math.max(width, height);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(image, x + width / 2 - side / 2, y + height / 2 - side / 2, side, side, 0, 0, PORTRAIT, PORTRAIT);
  return canvas;
}
