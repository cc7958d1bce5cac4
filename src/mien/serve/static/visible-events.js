/** Server-sent events, received only while the page is visible. */

import { events } from "./api.js";

/** Server-sent events while the page is visible: browsers allow few connections to a server, and hidden tabs hold none. */
export async function* visibleEvents(path, signal) {
  while (!signal.aborted) {
    const hidden = new AbortController();
    const look = () => document.hidden && hidden.abort();
    document.addEventListener("visibilitychange", look);
    look();
    yield* events(path, AbortSignal.any([signal, hidden.signal]));
    document.removeEventListener("visibilitychange", look);
    if (!signal.aborted) await seen(signal);
  }
}

const seen = (signal) =>
  new Promise((resolve) => {
    const look = () => (!document.hidden || signal.aborted) && resolve();
    document.addEventListener("visibilitychange", look, { signal });
    signal.addEventListener("abort", look);
    look();
  });
