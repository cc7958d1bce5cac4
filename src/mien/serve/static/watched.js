/** Events of the server's for as long as somebody looks. */

import { events } from "./api.js";

/** Server-sent events while the page is to be seen: browsers allow few lines to a server, and hidden tabs keep none. */
export async function* watched(path, signal) {
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
