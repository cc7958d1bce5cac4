/** The service's documents: openapi.json made readable. */

import { fill, h, trouble } from "./dom.js";

const THEME = "mien-theme";
const TITLES = { predict: "Predict", models: "Models", studies: "Studies", data: "Data", service: "The server" };

/** The part of the document that a schema refers to, or the schema itself. */
const resolved = (document_, schema = {}) =>
  schema.$ref ? schema.$ref.split("/").slice(1).reduce((part, key) => part[key], document_) : schema;

/** Text whose `words in backquotes` are code. */
const words = (text) => text.split("`").map((part, place) => (place % 2 ? h("code", null, part) : part));

/** The names of the schemas that a schema is made of, each once, itself left out. */
function parts(document_, schema, names = new Set()) {
  for (const [, name] of JSON.stringify(schema ?? {}).matchAll(/"#\/components\/schemas\/(\w+)"/g))
    if (!names.has(name)) parts(document_, document_.components.schemas[name], names.add(name));
  return names;
}

/** A schema in a word or two: `list of Face`, `text or nothing`. */
function kind(schema = {}) {
  const plain = { string: "text", integer: "whole number", number: "number", boolean: "true or false", null: "nothing", object: "object" };
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  if (schema.enum) return schema.enum.join(" or ");
  if (schema.items?.format === "binary") return "files";
  if (schema.type === "array") return `list of ${kind(schema.items)}`;
  if (schema.additionalProperties?.type) return `${kind(schema.additionalProperties)} by name`;
  return plain[schema.type] ?? "anything";
}

const table = (caption, rows) =>
  rows.length > 0 &&
  h("div", { class: "scroll" },
    h("table", null, h("caption", null, caption),
      h("tbody", null, rows.map(([name, type, text]) =>
        h("tr", null, h("th", { scope: "row" }, h("code", null, name)), h("td", { class: "kind" }, type), h("td", null, words(text)))))));

const fields = (schema) =>
  Object.entries(schema.properties ?? {}).map(([name, field]) => [name, kind(field), field.description ?? ""]);

/** A command that asks for it. */
function curl(method, path, operation) {
  const filled = path.replace(/{(\w+)}/g, (_, name) => {
    const known = operation.parameters.find((parameter) => parameter.name === name)?.schema.examples?.[0];
    return known ?? name.toUpperCase();
  });
  const needed = (operation.parameters ?? []).filter((parameter) => parameter.in === "query" && parameter.required);
  const query = needed.flatMap(({ name, schema }) => [schema.examples?.[0] ?? "VALUE"].flat().map((value) => `${name}=${value}`));
  const address = `${location.origin}${filled}${query.length ? `?${query.join("&")}` : ""}`;
  const content = operation.requestBody?.content ?? {};
  const words = ["curl"];
  if (method === "put") words.push("-X PUT");
  if (content["multipart/form-data"]) words.push("-F file=@photo.jpg");
  else if (content["image/jpeg"]) words.push("-H 'Content-Type: image/jpeg' --data-binary @photo.jpg");
  else if (content["application/json"]) words.push("--json '{\"model\": \"fast\"}'");
  return [...words, query.length ? `'${address}'` : address].join(" ");
}

function answers(document_, operation) {
  const [, done] = Object.entries(operation.responses).find(([status]) => status.startsWith("2"));
  const [type, content] = Object.entries(done.content ?? {})[0] ?? ["", {}];
  const schema = resolved(document_, content.schema);
  const refused = Object.entries(operation.responses).filter(([status]) => /^[45]\d\d$/.test(status));
  return [
    table(`Answer: ${schema.title ?? type}`, fields(schema)),
    [...parts(document_, schema)].map((name) => table(name, fields(document_.components.schemas[name]))),
    content.example && h("details", null, h("summary", null, "Example of an answer"),
      h("pre", { tabindex: "0" }, JSON.stringify(content.example, null, 2))),
    table("Refusals", refused.map(([status, one]) =>
      [status, one.description, Object.values(one.content ?? {})[0]?.example?.detail ?? ""])),
  ];
}

function described(document_, path, method, operation) {
  const body = Object.entries(operation.requestBody?.content ?? {});
  return h("article", { id: operation.operationId },
    h("h3", null, operation.summary),
    h("p", { class: "call" }, h("span", { class: `method ${method}` }, method.toUpperCase()), " ", h("code", null, path)),
    operation.description && h("p", null, words(operation.description)),
    h("pre", { tabindex: "0" }, curl(method, path, operation)),
    table("Parameters", (operation.parameters ?? []).map((one) => [one.name, kind(one.schema), one.description ?? ""])),
    body.map(([type, { schema }]) => table(`Body: ${type}`, fields(resolved(document_, schema)))),
    answers(document_, operation));
}

function render(main, document_) {
  const groups = new Map(Object.keys(TITLES).map((tag) => [tag, []]));
  for (const [path, operations] of Object.entries(document_.paths))
    for (const [method, operation] of Object.entries(operations)) groups.get(operation.tags[0]).push([path, method, operation]);
  const present = [...groups].filter(([, operations]) => operations.length);
  fill(main,
    h("nav", { "aria-label": "Routes" },
      present.map(([tag, operations]) => [h("h2", null, TITLES[tag]),
        h("ul", null, operations.map(([, , one]) => h("li", null, h("a", { href: `#${one.operationId}` }, one.summary))))])),
    h("div", { class: "routes" },
      h("h1", null, "The service"),
      document_.info.description.split("\n\n").map((text) => h("p", { class: "lead" }, words(text))),
      h("p", null, `mien ${document_.info.version}; for programs: `, h("a", { href: "/openapi.json" }, "openapi.json")),
      present.map(([tag, operations]) => h("section", { "aria-label": TITLES[tag] }, h("h2", null, TITLES[tag]),
        operations.map(([path, method, one]) => described(document_, path, method, one))))));
}

const chosen = localStorage.getItem(THEME);
if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
const main = document.querySelector("main");
try {
  render(main, await (await fetch("/openapi.json")).json());
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
} catch (error) {
  console.error(error);
  fill(main, trouble(`The documents cannot be shown: ${error.message}`));
}
