/** Faces of a set: fetched many in one picture, each shown by itself. */

import { blob } from "./api.js";
import { h } from "./dom.js";

const COLUMNS = 8; // as the server lays them out
const MOST = 200; // faces in one picture

/**
 * Pictures of faces, a canvas each, in the order of the rows; they are filled when they have arrived.
 *
 * @param {{data: string, size: number}} set
 * @param {{row: number, label: string, split: string, place: number}[]} faces
 * @param {AbortSignal} signal
 */
export function pictures({ data, size }, faces, signal) {
  const canvases = faces.map((face) =>
    h("canvas", { class: "face-picture", width: size, height: size, role: "img", "aria-label": `A face labelled ${face.label}, ${face.split} ${face.place}` }),
  );
  for (let first = 0; first < faces.length; first += MOST) {
    draw(data, size, faces.slice(first, first + MOST), canvases.slice(first, first + MOST), signal).catch((error) => {
      if (!signal.aborted) console.error(error);
    });
  }
  return canvases;
}

/** What FER+'s annotators voted, the most frequent first. */
export function votes(face) {
  const cast = Object.entries(face.votes);
  return cast.length > 0 && h("small", { class: "quiet", title: "FER+ votes" }, cast.slice(0, 3).map(([name, number]) => `${name} ${number}`).join(", "));
}

async function draw(data, size, faces, canvases, signal) {
  const rows = faces.map((face) => face.row).join(",");
  const sheet = await createImageBitmap(await blob(`/v1/data/${data}/faces.png?rows=${rows}`, signal));
  canvases.forEach((canvas, place) => {
    const [x, y] = [(place % COLUMNS) * size, Math.floor(place / COLUMNS) * size];
    canvas.getContext("2d").drawImage(sheet, x, y, size, size, 0, 0, size, size);
    canvas.classList.add("here");
  });
  sheet.close();
}
