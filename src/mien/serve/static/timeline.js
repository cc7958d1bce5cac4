/** The rolling timeline: for each face a row, its probabilities as areas stacked over the last seconds. */

import { colour, paints } from "./colours.js";
import { percent } from "./dom.js";

export const SECONDS = 30;
const ROWS = 3; // faces that are drawn: those seen longest
const ROW = 72; // CSS pixels, with the gap below
const HIGH = 64; // without it
const GAP = 1; // seconds without a face that leave a gap in its row, if frames were seen meanwhile
const [GROUND, INK] = ["var(--sunken)", "var(--ink)"];

export class Timeline {
  #canvas;
  #records = new Map(); // a face's number: [{time, frame, probabilities}], within the last seconds
  #frame = 0;
  #hues = null; // colours by emotion, of the ground, and of what is written

  /** @param {HTMLCanvasElement} canvas is as wide as CSS says; its height follows the rows. */
  constructor(canvas) {
    this.#canvas = canvas;
  }

  /** Note the faces of a frame, at a time in seconds. */
  add(time, faces) {
    this.#frame++;
    for (const { track, probabilities } of faces) {
      if (!this.#records.has(track)) this.#records.set(track, []);
      this.#records.get(track).push({ time, frame: this.#frame, probabilities });
    }
    for (const [track, record] of this.#records) {
      while (record.length && record[0].time < time - SECONDS) record.shift();
      if (!record.length) this.#records.delete(track);
    }
  }

  /** Forget the colours: the page became light or dark. */
  recolour() {
    this.#hues = null;
  }

  /** Draw, the right edge being `now`. */
  draw(now) {
    const rows = this.#rows();
    const width = this.#canvas.clientWidth;
    const height = ROW * Math.max(rows.length, 1);
    const sharp = devicePixelRatio;
    const wanted = [Math.round(width * sharp), Math.round(height * sharp)];
    if (this.#canvas.width !== wanted[0] || this.#canvas.height !== wanted[1])
      [this.#canvas.width, this.#canvas.height] = wanted;
    this.#canvas.style.height = `${height}px`;
    const pen = this.#canvas.getContext("2d");
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.clearRect(0, 0, width, height);
    const x = (time) => width * (1 - (now - time) / SECONDS);
    if (!rows.length) return;
    this.#hues ??= hues(Object.keys(rows[0][1][0].probabilities));
    rows.forEach(([track, record], row) => {
      pen.fillStyle = this.#hues.get(GROUND);
      pen.fillRect(0, ROW * row, width, HIGH);
      this.#row(pen, record, x, ROW * row);
      pen.fillStyle = this.#hues.get(INK);
      pen.font = "600 12px system-ui, sans-serif";
      if (rows.length > 1) pen.fillText(track, 6, ROW * row + 15);
    });
  }

  /** What was shown most in the last seconds, of the face seen longest, in words. */
  words() {
    const [first] = this.#rows();
    if (!first) return `No face in the last ${SECONDS} seconds`;
    const sums = new Map();
    for (const { probabilities } of first[1]) {
      for (const [emotion, part] of Object.entries(probabilities))
        sums.set(emotion, (sums.get(emotion) ?? 0) + part / first[1].length);
    }
    const most = [...sums].sort((one, other) => other[1] - one[1]).slice(0, 3);
    const words = most.map(([emotion, part]) => `${emotion} ${percent(part)}`);
    return `Face ${first[0]}, last ${SECONDS} seconds: ${words.join(", ")}`;
  }

  #rows() {
    const longest = [...this.#records].sort((one, other) => other[1].length - one[1].length).slice(0, ROWS);
    return longest.sort((one, other) => one[0] - other[0]);
  }

  #row(pen, record, x, top) {
    const emotions = Object.keys(record[0].probabilities);
    for (const part of parts(record)) {
      const floor = part.map(() => 0);
      for (const emotion of emotions) {
        const below = [...floor];
        part.forEach(({ probabilities }, place) => (floor[place] += probabilities[emotion]));
        this.#area(
          pen,
          part.map(({ time }) => x(time)),
          below,
          floor,
          top,
          this.#hues.get(emotion),
        );
      }
    }
  }

  #area(pen, xs, below, above, top, hue) {
    const y = (part) => top + HIGH * (1 - part);
    pen.beginPath();
    xs.forEach((at, place) => pen.lineTo(at, y(above[place])));
    for (let place = xs.length - 1; place >= 0; place--) pen.lineTo(xs[place], y(below[place]));
    pen.closePath();
    pen.fillStyle = hue;
    pen.fill();
  }
}

function hues(emotions) {
  const values = [...emotions.map(colour), GROUND, INK];
  const painted = paints(values);
  return new Map([...emotions, GROUND, INK].map((name, place) => [name, painted[place]]));
}

/** A record, cut where the face was gone. */
function parts(record) {
  const cut = [[]];
  for (const moment of record) {
    const last = cut.at(-1).at(-1);
    if (last && moment.time - last.time > GAP && moment.frame > last.frame + 1) cut.push([]);
    cut.at(-1).push(moment);
  }
  return cut;
}
