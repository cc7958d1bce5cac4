/** The view Predict: photos, and at #/predict/live the camera. */

import { count, fill, h, icon, percent } from "./dom.js";
import { api } from "./api.js";
import { tally } from "./faces.js";
import { intake } from "./intake.js";
import { renderLive } from "./live.js";
import { add, answered, changes, photos, remove } from "./photos.js";
import { saveAll, saveJson, savePicture } from "./saving.js";
import { stage } from "./stage.js";

export const title = "Predict";

const byTouch = matchMedia("(pointer: coarse)").matches; // there is nothing to drop from

let chosen = null; // the photo that is shown large, also after another view

export async function render(root, params, signal) {
  const live = params.path[0] === "live";
  const place = h("div");
  const ways = h("div", { class: "ways" });
  const model = h("span");
  fill(
    root,
    h("h1", null, "What does this face show?"),
    h(
      "div",
      { class: "sources-row" },
      h("nav", { class: "sources", "aria-label": "From where" }, source("#/predict", "photo", "Photos", !live), source("#/predict/live", "live", "Live camera", live)),
      ways,
    ),
    place,
    h("p", { class: "quiet caution" }, model, "An answer is a guess at the word that people would give to this picture of a face. It is not what a person feels."),
  );
  tellModel(model, signal);
  await (live ? renderLive(place, signal) : renderPhotos(place, ways, signal));
}

const source = (href, sign, name, on) => h("a", { href, "aria-current": on && "page" }, icon(sign), name);

/** Say which model answers; the view does without if the server will not tell. */
async function tellModel(line, signal) {
  const { models, in_use: name } = await api("/v1/models", { signal }).catch(() => ({ models: [] }));
  if (!name) return;
  const accuracy = models.find((facts) => facts.name === name)?.scores?.test_accuracy;
  fill(line, "Answered by ", h("a", { href: "#/models" }, name), accuracy && `, right on ${percent(accuracy, 1)} of its test faces`, ". ");
}

function renderPhotos(root, corner, signal) {
  const ways = intake((files) => files.length && (chosen = add(files)[0], update()), signal);
  const start = h("div", { class: "start" });
  const progress = h("div", { class: "progress" });
  const thumbs = h("ol", { class: "thumbs", "aria-label": "Photos" });
  const large = h("section", { class: "large", "aria-label": "The chosen photo" });
  const news = h("p", { class: "unseen", role: "status" });
  const known = new Map(); // thumbnails stay the same elements, so that the focus does
  let shown = "";
  fill(root, start, progress, thumbs, large, news);
  changes.addEventListener("change", update, { signal });
  update();

  function update() {
    if (!photos.includes(chosen)) chosen = photos[0] ?? null;
    fill(start, !photos.length && welcome(ways));
    if (photos.length) fill(corner, ways.choose, ways.photograph);
    fill(progress, photos.length > 1 && overview());
    updateThumbs();
    const now = chosen ? `${chosen.url} ${chosen.state}` : "";
    if (now === shown) return;
    shown = now;
    if (chosen) stage(large, chosen, actions(chosen));
    else fill(large);
    if (chosen?.state === "done") fill(news, `${chosen.name}: ${chosen.faces.length ? `${count(chosen.faces.length, "face")}: ${tally(chosen.faces)}` : "no face was found"}`);
  }

  function overview() {
    const done = answered();
    const faces = photos.flatMap((photo) => photo.faces);
    const failed = photos.filter((photo) => photo.state === "failed").length;
    const words = done < photos.length ? `${done} of ${count(photos.length, "photo")}` : count(photos.length, "photo");
    return [
      h("p", null, h("strong", null, words), `, ${count(faces.length, "face")}`, faces.length > 0 && `: ${tally(faces)}`, failed > 0 && h("span", { class: "failed" }, `, ${failed} not read`)),
      done < photos.length && h("progress", { max: photos.length, value: done, "aria-label": "Photos answered" }),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", class: "quiet-button", disabled: !done, onclick: () => saveAll(photos) }, icon("download"), "All as JSON"),
        h("button", { type: "button", class: "quiet-button", onclick: () => remove([...photos]) }, icon("trash"), "Remove all"),
      ),
    ];
  }

  function updateThumbs() {
    thumbs.hidden = photos.length < 2;
    for (const [photo, thumb] of known) {
      if (photos.includes(photo)) continue;
      thumb.element.remove();
      known.delete(photo);
    }
    for (const photo of photos) {
      if (!known.has(photo)) {
        known.set(photo, thumbnail(photo, () => ((chosen = photo), update())));
        thumbs.append(known.get(photo).element);
      }
      known.get(photo).update(photo === chosen);
    }
  }

  function actions(photo) {
    const done = photo.state === "done";
    return h(
      "div",
      { class: "actions" },
      done && photo.faces.length > 0 && h("button", { type: "button", onclick: () => savePicture(photo) }, icon("download"), "Picture"),
      done && h("button", { type: "button", onclick: () => saveJson(photo) }, icon("download"), "JSON"),
      h("button", { type: "button", class: "quiet-button", "aria-label": `Remove ${photo.name}`, onclick: () => remove([photo]) }, icon("trash")),
    );
  }
}

const welcome = (ways) =>
  h(
    "div",
    { class: "welcome" },
    icon("photo"),
    h("h2", null, byTouch ? "Begin with a photo" : "Drop photos here"),
    h("p", { class: "quiet" }, byTouch ? "or with as many as you like" : "or paste them, or choose as many as you like"),
    h("div", { class: "actions" }, ways.choose, ways.photograph),
    h("p", { class: "quiet small" }, "Photos go to this server only, which forgets them once it has answered."),
  );

/** A small picture that chooses a photo, with how far it is. */
function thumbnail(photo, onchoose) {
  const mark = h("span", { class: "mark" });
  const image = h("img", { src: photo.url, alt: "", loading: "lazy", decoding: "async", onerror: () => image.remove() });
  const button = h("button", { type: "button", onclick: onchoose }, image, mark);
  const update = (on) => {
    const faces = count(photo.faces.length, "face");
    const words = { waiting: "waits", sent: "is looked at", failed: "could not be read", done: faces }[photo.state];
    const signs = { waiting: "", sent: h("span", { class: "spinner" }), failed: icon("warning"), done: photo.faces.length };
    button.setAttribute("aria-label", `${photo.name}: ${words}`);
    button.setAttribute("aria-current", on);
    button.dataset.state = photo.state;
    fill(mark, signs[photo.state]);
  };
  return { element: h("li", null, button), update };
}
