/** Photos as input: dropped, pasted, chosen or taken by the camera. */

import { h, icon } from "./dom.js";
import { takePhoto } from "./camera-dialog.js";

/**
 * Buttons to choose files and to take a photo; files that are dropped on the page or pasted into it are taken too.
 *
 * @param {function(File[])} take gets the files
 * @param {AbortSignal} signal ends the listening
 * @returns {{choose: HTMLElement, photograph: HTMLElement}}
 */
export function fileInput(take, signal) {
  const input = h("input", {
    type: "file",
    accept: "image/*,.heic,.heif",
    multiple: true,
    class: "unseen",
    tabindex: "-1",
    "aria-hidden": "true",
    onchange: chosen,
  });
  const choose = h(
    "button",
    { type: "button", class: "primary", onclick: () => input.click() },
    icon("photo"),
    "Choose photos",
  );
  const photograph = h("button", { type: "button", onclick: shoot }, icon("camera"), "Take a photo");
  dropping(take, signal);
  addEventListener("paste", (event) => take(named([...event.clipboardData.files])), { signal });
  return { choose: h("span", { class: "choose" }, choose, input), photograph };

  function chosen() {
    take([...input.files]);
    input.value = ""; // the same file may be chosen again
  }

  async function shoot() {
    const file = await takePhoto(signal);
    if (file) take([file]);
  }
}

let pasted = 0;

// Browsers call every pasted picture image.png.
const named = (files) =>
  files.map(
    (file) => new File([file], file.name === "image.png" ? `pasted ${++pasted}.png` : file.name, { type: file.type }),
  );

function dropping(take, signal) {
  let depth = 0; // dragenter and dragleave fire for every element on the way
  const over = (on) => document.body.classList.toggle("dropping", on);
  const listen = (name, listener) =>
    addEventListener(
      name,
      (event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        listener(event);
      },
      { signal },
    );
  listen("dragenter", () => over(++depth > 0));
  listen("dragleave", () => over(--depth > 0));
  listen("dragover", (event) => (event.dataTransfer.dropEffect = "copy"));
  listen("drop", (event) => {
    depth = 0;
    over(false);
    take([...event.dataTransfer.files]);
  });
  signal.addEventListener("abort", () => over(false));
}
