/** The photos of this visit: they wait, go to the server a few at a time, and stay when another view is opened. */

import { api } from "./api.js";

const AT_ONCE = 3; // the server looks at those that come together in one batch

/**
 * A photo and what is known of it. `state` is waiting, sent, done or failed; `faces` are the server's, in its JSON, if
 * done; `error` is why it failed; `url` shows the file in an <img>; `whole`: its middle is taken for a face.
 */
class Photo {
  constructor(file, name) {
    this.file = file;
    this.name = name;
    this.url = URL.createObjectURL(file);
    this.whole = false;
    this.state = "waiting";
    this.faces = [];
    this.error = "";
    this.leaving = new AbortController();
  }

  /** As `mien predict --json` prints it. */
  toJSON() {
    return this.state === "failed" ? { path: this.name, error: this.error } : { path: this.name, faces: this.faces };
  }
}

export const photos = [];
/** Fires "change" whenever a photo comes, goes, or is answered. */
export const changes = new EventTarget();

let unnamed = 0;

/** Take files in; gives the photos that they became. */
export function add(files) {
  const added = [...files].map((file) => new Photo(file, file.name || `photo ${++unnamed}`));
  photos.push(...added);
  changed();
  work();
  return added;
}

/** Forget photos; what is on its way is called back. */
export function remove(gone) {
  for (const photo of gone) {
    photo.leaving.abort();
    URL.revokeObjectURL(photo.url);
    photos.splice(photos.indexOf(photo), 1);
  }
  changed();
  work();
}

/** How many photos are answered, one way or the other. */
export const answered = () => photos.filter((photo) => photo.state === "done" || photo.state === "failed").length;

/** Ask about a photo again; with `whole`, its middle is taken for a face, and none is looked for. */
export function lookAgain(photo, whole = false) {
  photo.whole = whole;
  photo.state = "waiting";
  changed();
  work();
}

/**
 * Send a file to be predicted; gives its faces, in the server's JSON.
 *
 * @param {{patient: boolean, whole: boolean}} how ask again where the server is too busy; the photo is a face already
 */
async function predict(file, name, signal, { patient = false, whole = false } = {}) {
  const body = new FormData();
  body.append("file", file, name);
  const { results } = await api(`/v1/predict${whole ? "?crop=true" : ""}`, { body, signal, patient });
  if (results[0].error) throw new Error(results[0].error);
  return results[0].faces;
}

function work() {
  let sent = photos.filter((photo) => photo.state === "sent").length;
  for (const photo of photos) {
    if (sent >= AT_ONCE) return;
    if (photo.state !== "waiting") continue;
    sent++;
    look(photo);
  }
}

async function look(photo) {
  photo.state = "sent";
  changed();
  try {
    if (photo.file.type.startsWith("video/")) throw new Error("A video; on the command line, mien predict takes it.");
    await photo.file
      .slice(0, 1)
      .arrayBuffer()
      .catch(() => {
        throw new Error("It cannot be read; a folder's photos are dropped without the folder.");
      });
    photo.faces = await predict(photo.file, photo.name, photo.leaving.signal, { patient: true, whole: photo.whole });
    photo.state = "done";
  } catch (error) {
    if (photo.leaving.signal.aborted) return;
    photo.error = error.message;
    photo.state = "failed";
  }
  changed();
  work();
}

const changed = () => changes.dispatchEvent(new Event("change"));
