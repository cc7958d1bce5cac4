/** The view Predict: photos, and at #/predict/live the camera. */

import { api } from "./api.js";
import { fill, h, icon, percent } from "./dom.js";
import { Gallery } from "./gallery.js";
import { renderLive } from "./live.js";

export const title = "Predict";

const CAUTION =
  "An answer is a guess at the word that people would give to this picture of a face. " +
  "It is not what a person feels.";

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
      h(
        "nav",
        { class: "sources", "aria-label": "From where" },
        source("#/predict", "photo", "Photos", !live),
        source("#/predict/live", "live", "Live camera", live),
      ),
      ways,
    ),
    place,
    h("p", { class: "quiet caution" }, model, CAUTION),
  );
  tellModel(model, signal);
  await (live ? renderLive(place, signal) : new Gallery(place, ways, signal).update());
}

const source = (href, sign, name, on) => h("a", { href, "aria-current": on && "page" }, icon(sign), name);

/** Name the model in use; the view does without where the server does not answer. */
async function tellModel(line, signal) {
  const { models, in_use: name } = await api("/v1/models", { signal }).catch(() => ({ models: [] }));
  if (!name) return;
  const accuracy = models.find((facts) => facts.name === name)?.scores?.test_accuracy;
  fill(
    line,
    "Answered by ",
    h("a", { href: "#/models" }, name),
    accuracy && `, correct on ${percent(accuracy, 1)} of its test faces`,
    ". ",
  );
}
