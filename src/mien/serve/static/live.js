/** The camera, live: frames go to the server scaled down, and what comes back is drawn over the picture. */

import { api, Problem } from "./api.js";
import { cameras, isMirror, openCamera } from "./camera.js";
import { colour } from "./colours.js";
import { fill, h, icon, trouble } from "./dom.js";
import { activate, Box, Card } from "./faces.js";
import { sentence } from "./photo-view.js";
import { SECONDS, Timeline } from "./timeline.js";
import { Tracker } from "./tracking.js";

const LONG = 480; // pixels of a sent frame's long side
const QUALITY = 0.8; // of its JPEG
const AT_ONCE = 2; // frames on their way: the next is sent while the server looks at one
const INTERVAL = 50; // ms between frames, on average, whatever the camera's rate
const BUSY = 400; // ms of rest after the server was too busy
const HALF_LIFE = 0.2; // seconds over which a face's probabilities are averaged
const SPAN = 2; // seconds over which rate and latency are shown
const DRAWN = 120; // ms between two pictures of the timeline, which is long work where no GPU draws it
const [FAST, LARGE] = ["fast", "best"]; // bundled models: on many machines only the first keeps up with a camera

export async function renderLive(root, signal) {
  const place = h("div", { class: "live" });
  fill(root, place);
  const start = () => run(place, signal, start);
  fill(
    place,
    h(
      "div",
      { class: "welcome" },
      icon("live"),
      h("h2", null, "Look into the camera"),
      h("p", { class: "quiet" }, "Boxes and bars follow every face, many times a second."),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", class: "primary", onclick: start }, icon("live"), "Start the camera"),
      ),
      h("p", { class: "quiet small" }, "Frames are scaled down here and go to this server only, which keeps none."),
    ),
  );
}

async function run(place, signal, again) {
  const closing = new AbortController();
  const close = () => closing.abort();
  signal.addEventListener("abort", close);
  const screen = new Screen(close, closing.signal);
  fill(place, screen.element);
  try {
    screen.offer(await api("/v1/models", { signal: closing.signal }));
    await watch(screen, closing.signal);
  } catch (error) {
    if (signal.aborted) return;
    if (!closing.signal.aborted)
      fill(place, trouble(sentence(error.message), h("button", { type: "button", onclick: again }, "Try again")));
    else renderLive(place.parentElement, signal);
  } finally {
    closing.abort();
    signal.removeEventListener("abort", close);
  }
}

/** Show one camera after another, as they are chosen, until `signal` ends. */
async function watch(screen, signal) {
  let device = "";
  while (true) {
    const changing = new AbortController();
    const both = AbortSignal.any([signal, changing.signal]);
    const track = await openCamera(screen.video, both, device);
    screen.opened(track, await cameras(), (other) => ((device = other), changing.abort()));
    try {
      await send(screen, both);
    } catch (error) {
      if (!changing.signal.aborted) throw error;
    }
    signal.throwIfAborted();
  }
}

/** Send frames as fast as the server answers; ends by what went wrong, or when `signal` does. */
function send(screen, signal) {
  const { video } = screen;
  const canvas = h("canvas");
  const pen = canvas.getContext("2d", { alpha: false });
  let [sent, shown, underway, notBefore] = [0, 0, 0, 0];
  let [before, seen] = [null, []]; // when the last frame was taken, in seconds; the faces of the last answer
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    video.requestVideoFrameCallback(frame);

    function frame(now) {
      if (signal.aborted) return;
      video.requestVideoFrameCallback(frame);
      if (underway >= AT_ONCE || now < notBefore) return;
      notBefore = Math.max(notBefore, now - INTERVAL) + INTERVAL;
      look(++sent).catch(reject);
    }

    async function look(number) {
      underway++;
      const taken = performance.now();
      const scale = Math.min(1, LONG / Math.max(video.videoWidth, video.videoHeight));
      const size = [Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale)];
      if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
      pen.drawImage(video, 0, 0, ...size);
      try {
        const known = query(taken / 1000, before, seen, screen.fast);
        before = taken / 1000;
        const content = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
        const { results } = await api(`/v1/predict/frame?${known}`, { body: content, signal });
        if (number < shown || signal.aborted) return; // a later frame was quicker
        shown = number;
        const { faces } = results[0];
        seen = faces;
        screen.update(faces, size, taken / 1000);
      } catch (error) {
        if (!(error instanceof Problem && error.status === 429)) throw error;
        notBefore = performance.now() + BUSY;
      } finally {
        underway--;
      }
    }
  });
}

/** The query about the frame before: the server looks for faces where they were, and remembers nothing itself. */
function query(time, before, faces, fast) {
  const words = new URLSearchParams({ time, fast });
  if (before !== null) words.set("before", before);
  for (const { box, roll } of faces) words.append("face", [...box, roll].join());
  return words;
}

/** What is seen: the camera's picture with boxes, cards, the timeline, and how fast all of it is. */
class Screen {
  constructor(onstop, signal) {
    this.video = h("video", { muted: true, playsinline: true, "aria-label": "What the camera sees" });
    this.view = h("div", { class: "photo viewfinder" }, this.video);
    this.cards = h("ol", { class: "cards" });
    this.nobody = h("p", { class: "quiet looking" }, "Looking for faces");
    this.rate = h("output", { class: "rate tabular", "aria-live": "off" });
    this.choice = h("span");
    this.model = h("select", { "aria-label": "Model" });
    this.news = h("p", { class: "unseen", role: "status" });
    this.canvas = h("canvas", { class: "timeline", role: "img", "aria-label": "Timeline" });
    this.legend = h("ul", { class: "legend", "aria-label": "Colours" });
    this.element = h(
      "div",
      null,
      h(
        "div",
        { class: "live-head" },
        h("button", { type: "button", onclick: onstop }, icon("stop"), "Stop"),
        this.choice,
        h("label", { class: "quiet" }, "Model ", this.model),
        this.rate,
      ),
      h("div", { class: "photo-view beside" }, this.view, h("div", { class: "side" }, this.nobody, this.cards)),
      h("h2", { class: "timeline-title" }, "Timeline"),
      this.canvas,
      h(
        "p",
        { class: "axis quiet", "aria-hidden": "true" },
        h("span", null, `${SECONDS} seconds ago`),
        h("span", null, "now"),
      ),
      this.legend,
      this.news,
    );
    this.tracker = new Tracker(HALF_LIFE);
    this.timeline = new Timeline(this.canvas);
    this.shown = new Map(); // a face's number: its box and card
    this.answers = []; // [when shown, latency], ms
    [this.announced, this.drawn] = [0, 0];
    addEventListener("themechange", () => this.timeline.recolour(), { signal });
  }

  /** Let the model be chosen: the one in use, unless that is the large bundled one; or the fast one. */
  offer({ models, in_use: now }) {
    const names = [...new Set([now, ...models.map(({ name }) => name).filter((name) => name === FAST)])];
    const first = names.includes(FAST) && ["", LARGE].includes(now) ? FAST : now;
    fill(
      this.model,
      names.filter(Boolean).map((name) => h("option", { value: name, selected: name === first }, name)),
    );
    this.now = now;
  }

  /** Whether the fast model is to predict, and is not the one in use. */
  get fast() {
    return this.model.value === FAST && this.now !== FAST;
  }

  opened(track, known, onchoose) {
    this.mirror = isMirror(track);
    this.view.classList.toggle("mirrored", this.mirror);
    this.view.style.setProperty("--width", this.video.videoWidth);
    this.view.style.setProperty("--height", this.video.videoHeight);
    const own = track.getSettings().deviceId;
    const options = known.map(({ id, name }) => h("option", { value: id, selected: id === own }, name));
    const select = h("select", { "aria-label": "Camera", onchange: () => onchoose(select.value) }, options);
    fill(this.choice, known.length > 1 && select);
  }

  /** Show the faces of a frame of so many pixels, taken at a time in seconds. */
  update(detected, [width, height], time) {
    const now = performance.now();
    const faces = this.tracker.follow(time, detected);
    this.#faces(faces, width, height);
    this.timeline.add(time, faces);
    if (now > this.drawn + DRAWN || !this.drawn) {
      this.drawn = now;
      this.timeline.draw(time);
    }
    this.answers = [...this.answers.filter(([when]) => when > now - 1000 * SPAN), [now, now - 1000 * time]];
    const latencies = this.answers.map(([, latency]) => latency).sort((one, other) => one - other);
    this.begun ??= now;
    const rate = this.answers.length / Math.min(Math.max((now - this.begun) / 1000, 0.5), SPAN);
    fill(
      this.rate,
      h("strong", null, rate.toFixed(0)),
      " frames/s, ",
      h("strong", null, latencies[latencies.length >> 1].toFixed(0)),
      " ms behind",
    );
    if (now > this.announced + 1000 * SPAN) this.#announce(faces, now);
  }

  #faces(faces, width, height) {
    this.nobody.hidden = faces.length > 0;
    for (const [track, { box, card }] of this.shown) {
      if (faces.some((face) => face.track === track)) continue;
      box.element.remove();
      card.element.remove();
      this.shown.delete(track);
    }
    for (const face of faces) {
      const [x, y, wide, high] = face.box;
      const left = this.mirror ? width - x - wide : x;
      const { box, card } = this.shown.get(face.track) ?? this.#add(face.track);
      box.update({ ...face, box: [left, y, wide, high] }, width, height);
      card.update(face);
    }
    if (faces.length && !this.legend.children.length) {
      fill(
        this.legend,
        Object.keys(faces[0].probabilities).map((name) =>
          h("li", null, h("span", { class: "swatch", style: { background: colour(name) } }), name),
        ),
      );
    }
  }

  #add(track) {
    const active = (on) => activate(this.#of("box"), this.#of("card"), track, on);
    const both = { box: new Box(track, active), card: new Card(track, active) };
    both.box.element.addEventListener("click", () => both.card.element.focus());
    this.view.append(both.box.element);
    this.cards.append(both.card.element);
    this.shown.set(track, both);
    return both;
  }

  #of(part) {
    return new Map([...this.shown].map(([track, both]) => [track, both[part]]));
  }

  /** Announce the emotions to screen readers, not more often than one can listen. */
  #announce(faces, now) {
    this.announced = now;
    this.canvas.setAttribute("aria-label", this.timeline.words());
    const words = faces.length ? faces.map((face) => `face ${face.track} ${face.emotion}`).join(", ") : "no face";
    if (this.news.textContent !== words) this.news.textContent = words;
  }
}
