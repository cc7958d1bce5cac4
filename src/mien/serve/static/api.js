/** Requests to the server: JSON, bytes and events, with the token where one is needed, and problems as errors. */

import { h } from "./dom.js";

const TOKEN = "mien-token";
const PATIENCE = 5; // how often a request that a busy server refuses is repeated
const RECONNECT = 2000; // ms

/** What the server refused, from its problem body (RFC 9457); status 0: it does not answer. */
export class Problem extends Error {
  constructor(status, title, detail) {
    super(detail || title);
    this.name = "Problem";
    this.status = status;
    this.title = title;
  }
}

/**
 * Send a request; gives the JSON of the answer, null where that has none.
 *
 * @param {string} path such as `/v1/models`
 * @param {Object} options `method`; `body`: FormData, a Blob, or an object that is sent as JSON; `signal`, which ends it;
 *   `patient`: repeat the request where the server is too busy.
 * @throws {Problem}
 */
export async function api(path, options = {}) {
  const response = await send(path, { ...options, accept: "application/json" });
  return response.status === 204 ? null : response.json();
}

/** A file of the server's as a Blob: pictures come this way, as `<img src>` cannot carry a token. */
export const blob = async (path, signal) => (await send(path, { signal, accept: "*/*" })).blob();

/**
 * Server-sent events, for ever: a broken line is picked up again. Ends when `signal` does.
 *
 * @yields {{event: string, data: *, id: string}} data is read as JSON
 */
export async function* events(path, signal) {
  let last = "";
  while (!signal.aborted) {
    try {
      const headers = last ? { "Last-Event-ID": last } : {};
      const response = await send(path, { signal, headers, accept: "text/event-stream" });
      for await (const event of parsed(response.body)) {
        last = event.id || last;
        yield event;
      }
    } catch (error) {
      if (signal.aborted) return;
      const passing = error instanceof Problem ? error.status === 0 || error.status >= 500 : error instanceof TypeError;
      if (!passing) throw error;
    }
    await pause(RECONNECT, signal).catch(() => {});
  }
}

/** Wait so many milliseconds, or until `signal` ends it by its error. */
export const pause = (ms, signal) =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      signal?.aborted ? reject(signal.reason) : resolve();
    }
  });

async function send(path, { method, body, signal, patient, headers, accept }) {
  const plain = body && !(body instanceof FormData || body instanceof Blob);
  const ready = {
    method: method ?? (body ? "POST" : "GET"),
    body: plain ? JSON.stringify(body) : body,
    signal,
  };
  for (let tried = 0; ; tried++) {
    const token = sessionStorage.getItem(TOKEN);
    ready.headers = { Accept: accept, ...headers };
    if (plain) ready.headers["Content-Type"] = "application/json";
    if (token) ready.headers.Authorization = `Bearer ${token}`;
    const response = await fetch(path, ready).catch((error) => {
      if (signal?.aborted) throw error;
      throw new Problem(0, "No answer", "The server does not answer. Is mien serve still running?");
    });
    if (response.ok) return response;
    if (response.status === 401) await askForToken(token, signal);
    else if (patient && response.status === 429 && tried < PATIENCE) await pause(waitOf(response), signal);
    else throw await problemOf(response);
  }
}

const waitOf = (response) => 1000 * Math.min(Number(response.headers.get("Retry-After")) || 1, 10);

async function problemOf(response) {
  const problem = await response.json().catch(() => ({}));
  return new Problem(
    response.status,
    problem.title ?? response.statusText,
    problem.detail ?? problem.title ?? `The server answered ${response.status}.`,
  );
}

let asking = null;

/** Ask for the token once, however many requests wait for it; `wrong` is the one that was just refused. */
async function askForToken(wrong, signal) {
  if (sessionStorage.getItem(TOKEN) !== wrong) return; // given meanwhile
  asking ??= tokenDialog(wrong).finally(() => (asking = null));
  await asking;
  signal?.throwIfAborted();
}

function tokenDialog(wrong) {
  return new Promise((resolve, reject) => {
    const field = h("input", {
      id: "token",
      type: "password",
      autocomplete: "off",
      required: true,
      "aria-describedby": "token-hint",
    });
    const hint = wrong ? "That is not the token. " : "";
    const dialog = h(
      "dialog",
      { class: "dialog", "aria-labelledby": "token-title" },
      h(
        "form",
        { method: "dialog", class: "stack" },
        h("h2", { id: "token-title" }, "This server asks for a token"),
        h(
          "p",
          { id: "token-hint", class: "quiet" },
          `${hint}It is what mien serve was started with. It is stored until this tab is closed.`,
        ),
        h("label", { for: "token" }, "Token"),
        field,
        h(
          "div",
          { class: "actions" },
          h("button", { class: "primary" }, "Go on"),
          h("button", { value: "cancel", formnovalidate: true }, "Cancel"),
        ),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue === "cancel" || !field.value) {
        reject(
          new Problem(
            401,
            "A token is needed",
            "This server answers only to those who know its token. Reload the page to enter it.",
          ),
        );
        return;
      }
      sessionStorage.setItem(TOKEN, field.value.trim());
      resolve();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

async function* parsed(stream) {
  let rest = "";
  for await (const text of pieces(stream.pipeThrough(new TextDecoderStream()))) {
    const blocks = (rest + text).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = { event: "message", data: [], id: "" };
      for (const line of block.split("\n")) {
        const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
        if (name === "data") fields.data.push(value);
        else if (name === "event" || name === "id") fields[name] = value;
      }
      if (fields.data.length) yield { ...fields, data: JSON.parse(fields.data.join("\n")) };
    }
  }
}

// Safari's streams cannot be iterated over.
async function* pieces(stream) {
  const reader = stream.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    reader.cancel().catch(() => {});
  }
}
