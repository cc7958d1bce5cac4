/** Keeping answers: as a picture with boxes and bars, as JSON, or for many photos as JSON, one a line. */

import { colour, paints } from "./colours.js";
import { h, percent } from "./dom.js";
import { share } from "./faces.js";

const LARGEST = 4096; // pixels of the saved picture's long side
const LEAST = 800; // a smaller photo is enlarged to this width, so that words fit below it
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';

export const saveJson = (photo) => save(json(photo, 2), `${stem(photo)}.json`);

/** All that is answered, as `mien predict --json` writes it. */
export const saveAll = (photos) =>
  save(
    new Blob(
      photos
        .filter((photo) => photo.state !== "waiting" && photo.state !== "sent")
        .map((photo) => `${JSON.stringify(photo)}\n`),
      { type: "application/jsonl" },
    ),
    "faces.jsonl",
  );

/** The photo with numbered boxes, and below it bars for each face. */
export async function savePicture(photo) {
  const image = h("img", { src: photo.url });
  await image.decode();
  const long = Math.max(image.naturalWidth, image.naturalHeight);
  const scale = Math.min(LARGEST / long, Math.max(1, LEAST / image.naturalWidth));
  const sheet = new Sheet(image, scale, photo.faces);
  save(await sheet.draw(), `${stem(photo)} faces.png`);
}

/** A picture on its way to be saved: everything on it has the size of its letters. */
class Sheet {
  constructor(image, scale, faces) {
    this.image = image;
    this.scale = scale;
    this.faces = faces;
    this.width = Math.round(image.naturalWidth * scale);
    this.height = Math.round(image.naturalHeight * scale);
    this.em = Math.max(13, Math.round(this.width / 62));
    this.columns = Math.max(1, Math.min(faces.length, Math.floor(this.width / (17 * this.em))));
    const emotions = Object.keys(faces[0].probabilities);
    const hues = paints(emotions.map(colour), "light");
    this.hues = new Map(emotions.map((emotion, place) => [emotion, hues[place]]));
    this.row = (emotions.length * 1.5 + 4) * this.em;
    const below = Math.ceil(faces.length / this.columns) * this.row + this.em;
    this.canvas = h("canvas", { width: this.width, height: Math.round(this.height + below) });
    this.pen = this.canvas.getContext("2d");
  }

  draw() {
    const { pen, canvas } = this;
    pen.fillStyle = "#fdfcf9";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(this.image, 0, 0, this.width, this.height);
    pen.textBaseline = "middle";
    this.faces.forEach((face, place) => this.box(face, place + 1));
    this.faces.forEach((face, place) => this.bars(face, place));
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  box(face, number) {
    const { pen, em } = this;
    const [x, y, width, height] = face.box.map((edge) => edge * this.scale);
    for (const [line, stroke] of [
      [em / 3, "#fdfcf9"],
      [em / 5, this.hues.get(face.emotion)],
    ]) {
      pen.lineWidth = line;
      pen.strokeStyle = stroke;
      pen.strokeRect(x, y, width, height);
    }
    const words = `${number}  ${face.emotion}`;
    pen.font = `600 ${em}px ${FONT}`;
    const wide = pen.measureText(words).width + em;
    const left = Math.max(0, Math.min(x, this.width - wide));
    const top = y > 1.8 * em ? y - 1.8 * em : Math.min(y + height, this.height - 1.6 * em);
    pen.fillStyle = "#15171ae6";
    pen.fillRect(left, top, wide, 1.6 * em);
    pen.fillStyle = "#ffffff";
    pen.fillText(words, left + em / 2, top + 0.85 * em);
  }

  bars(face, place) {
    const { pen, em } = this;
    const wide = this.width / this.columns;
    const left = (place % this.columns) * wide + em;
    let y = this.height + Math.floor(place / this.columns) * this.row + 2 * em;
    this.write(`${place + 1}  ${face.emotion}  ${percent(share(face))}`, left, y, 600, 1.15);
    for (const [emotion, part] of Object.entries(face.probabilities)) {
      y += 1.5 * em;
      const long = Math.min(wide - 11 * em, 24 * em);
      this.write(emotion, left, y, emotion === face.emotion ? 600 : 400);
      pen.fillStyle = "#e6e1d5";
      pen.fillRect(left + 5 * em, y - 0.4 * em, long, 0.8 * em);
      pen.fillStyle = this.hues.get(emotion);
      pen.fillRect(left + 5 * em, y - 0.4 * em, long * part, 0.8 * em);
      this.write(percent(part), left + 5.5 * em + long, y, 400);
    }
  }

  write(words, x, y, weight, size = 1) {
    this.pen.font = `${weight} ${size * this.em}px ${FONT}`;
    this.pen.fillStyle = "#1f2328";
    this.pen.fillText(words, x, y);
  }
}

const json = (content, indent) =>
  new Blob([`${JSON.stringify(content, null, indent)}\n`], { type: "application/json" });

const stem = (photo) => photo.name.replace(/\.[^.]*$/, "");

function save(content, name) {
  const url = URL.createObjectURL(content);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // browsers read it later
}
