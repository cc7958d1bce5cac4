/** Take a photo: in a dialog with the camera's picture, or where a page may not use it, by the phone's own camera. */

import { hasCamera, isMirror, openCamera } from "./camera.js";
import { h, icon, trouble } from "./dom.js";

const QUALITY = 0.95;

let taken = 0;

/** Let the user take a photo; gives a File, or null if none was taken. */
export const takePhoto = (signal) => (hasCamera() ? byDialog(signal) : byPhone());

async function byDialog(signal) {
  const closing = new AbortController();
  const video = h("video", { muted: true, playsinline: true, "aria-label": "What the camera sees" });
  const release = h(
    "button",
    { type: "button", class: "primary", disabled: true, onclick: shoot },
    icon("camera"),
    "Take it",
  );
  const cancel = h("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
  const view = h("div", { class: "viewfinder" }, video);
  const dialog = h(
    "dialog",
    { class: "dialog camera-dialog", "aria-labelledby": "camera-dialog-title" },
    h("h2", { id: "camera-dialog-title" }, "Take a photo"),
    view,
    h("div", { class: "actions" }, release, cancel),
  );
  let file = null;
  const closed = new Promise((resolve) => dialog.addEventListener("close", resolve));
  signal.addEventListener("abort", () => dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  openCamera(video, closing.signal)
    .then((track) => {
      view.classList.toggle("mirrored", isMirror(track));
      release.disabled = false;
      release.focus();
    })
    .catch((error) => closing.signal.aborted || view.replaceWith(trouble(error.message)));
  await closed;
  closing.abort();
  dialog.remove();
  return file;

  function shoot() {
    const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob(
      (content) => {
        file = new File([content], `photo ${++taken}.jpg`, { type: "image/jpeg" });
        dialog.close();
      },
      "image/jpeg",
      QUALITY,
    );
  }
}

const byPhone = () =>
  new Promise((resolve) => {
    const input = h("input", { type: "file", accept: "image/*", capture: "user" });
    input.addEventListener("change", () => resolve(input.files[0] ?? null));
    input.addEventListener("cancel", () => resolve(null));
    input.click();
  });
