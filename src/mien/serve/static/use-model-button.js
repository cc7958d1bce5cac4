/** A button that puts a finished run or a model to use, and shows how that goes. */

import { api, pause } from "./api.js";
import { fill, h, icon } from "./dom.js";

const EVERY = 1000; // ms between two questions while a run is exported

/**
 * A button that makes the server predict with something else.
 *
 * @param {string} label
 * @param {{run?: string, model?: string}} choice a run as STUDY/RUN, or a model's name
 * @param {AbortSignal} signal
 * @param {() => void} [done] called when it is in use
 */
export function useModelButton(label, choice, signal, done) {
  const status = h("span", { class: "quiet", role: "status" });
  const button = h("button", { onclick: change }, icon("face"), label);
  return h("span", { class: "actions use-model" }, button, status);

  async function change() {
    button.disabled = true;
    fill(status, choice.run ? "Exporting the run; this takes some seconds …" : "Loading …");
    try {
      let now = await api("/v1/models/in-use", { method: "PUT", body: choice, signal });
      while (now.state === "exporting") {
        await pause(EVERY, signal);
        now = await api("/v1/models/in-use", { signal });
      }
      if (now.state === "failed") throw new Error(now.reason);
      fill(status, icon("check"), "In use. ", h("a", { href: "#/predict" }, "Predict with it"));
      done?.();
    } catch (error) {
      if (signal.aborted) return;
      fill(status, h("span", { class: "went-wrong" }, error.message));
    } finally {
      button.disabled = false;
    }
  }
}
