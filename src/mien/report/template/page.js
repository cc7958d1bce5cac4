// Sorting by a column: a button in each heading of a table.sortable; numbers from the highest first, empty cells last.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      const numbers = heading.classList.contains("number");
      const now = heading.getAttribute("aria-sort");
      const up = now ? now === "descending" : !numbers;
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.value;
      const compare = (a, b) => (numbers ? a - b : a.localeCompare(b, "en", { numeric: true }));
      const rows = [...body.rows].sort((a, b) => {
        if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");
        return (up ? 1 : -1) * compare(key(a), key(b));
      });
      body.append(...rows);
    });
  });
}

// A link to something folded unfolds it.
function unfold() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let box = target.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", unfold);
unfold();

// A confusion matrix marks the cell whose faces are shown; Escape closes them.
function mark() {
  for (const link of document.querySelectorAll(".linked figure a")) {
    if (link.getAttribute("href") === location.hash) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}
addEventListener("hashchange", mark);
mark();
addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelector(".cell-faces:target .close")?.click();
});

// Paper cannot be unfolded.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const box of folded) box.open = true;
});
addEventListener("afterprint", () => {
  for (const box of folded) box.open = false;
});

// The contents list marks the part that is being read.
const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const parts = document.querySelectorAll("header[id], section[id]");
const seen = new Set();
const watch = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) seen[isIntersecting ? "add" : "delete"](target);
    const first = [...parts].find((part) => seen.has(part));
    for (const link of links.values()) link.removeAttribute("aria-current");
    if (first) links.get(first.id)?.setAttribute("aria-current", "true");
  },
  { rootMargin: "-15% 0px -70% 0px" },
);
for (const part of parts) watch.observe(part);
