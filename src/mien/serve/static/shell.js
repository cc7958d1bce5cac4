/**
 * The frame of the page: its views, each at an address behind the #, and light or dark.
 *
 * A view is a module in VIEWS that exports
 *   title   its name, for the tab;
 *   async render(root, params, signal)   fills `root`, an h1 first.
 * `params.path` are the parts of the address after the view's name, decoded (`#/studies/seed` gives ["seed"]);
 * `params.query` is a URLSearchParams of what stands after `?`. `signal` ends when the view is left: give it to every
 * request and listener. What `render` throws is shown in the view's place.
 */

import { fill, h, icon, trouble } from "./dom.js";

const VIEWS = {
  predict: () => import("./predict.js"),
  studies: () => import("./studies.js"),
  data: () => import("./data.js"),
  models: () => import("./models.js"),
};
const THEME = "mien-theme";

const main = document.querySelector("main");
let leaving = new AbortController();

/** What the address says: the view's name, and its params. */
function address() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/").filter(Boolean).map(decoded);
  return { name: name ?? "predict", params: { path: rest, query: new URLSearchParams(query) } };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function show(first) {
  leaving.abort();
  const own = (leaving = new AbortController());
  const { name, params } = address();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!Object.hasOwn(VIEWS, name)) {
    fill(
      main,
      h("h1", null, "Nothing is here"),
      h("p", null, "No view has this address. ", h("a", { href: "#/predict" }, "Predict"), " is where to begin."),
    );
    return;
  }
  const root = h("div", { class: `view view-${name}` });
  fill(main, root);
  if (!first) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
  try {
    const view = await VIEWS[name]();
    if (own.signal.aborted) return;
    document.title = `${view.title} · mien`;
    await view.render(root, params, own.signal);
  } catch (error) {
    if (own.signal.aborted) return;
    console.error(error);
    if (!root.querySelector("h1")) root.prepend(h("h1", null, name[0].toUpperCase() + name.slice(1)));
    root.append(trouble(error.message, h("button", { onclick: () => show(false) }, "Try again")));
  }
}

const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

function themeButton(button) {
  const label = () => {
    fill(button, icon(isDark() ? "sun" : "moon"));
    button.setAttribute("aria-label", isDark() ? "Switch to light" : "Switch to dark");
  };
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(THEME, theme);
    label();
    dispatchEvent(new Event("themechange")); // what is drawn on a canvas is drawn anew
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    label();
    dispatchEvent(new Event("themechange"));
  });
  label();
}

const chosen = localStorage.getItem(THEME);
if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
themeButton(document.querySelector(".theme"));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // its #main would be taken for a view
  main.focus();
});
addEventListener("hashchange", () => show(false));
show(true);
