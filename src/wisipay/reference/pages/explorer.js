// Reads the OpenAPI document, shows one operation at a time, signs its request (v2) and shows the answer.

import { sign } from "/docs/signing.js";

const byId = (id) => document.getElementById(id);
const SIGNED = ["x-merchant-id", "x-timestamp", "x-signature"];
let isChosen = false;
const LONGEST_PATTERN = 40; // longer ones list control characters, which tell a reader nothing

function make(tag, { text, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  if (text !== undefined) element.textContent = text;
  element.append(...children.filter(Boolean));
  return element;
}

function prose(text) {
  return text.split("`").map((part, place) => (place % 2 ? make("code", { text: part }) : part));
}

function resolve(spec, schema) {
  return schema.$ref ? spec.components.schemas[schema.$ref.split("/").pop()] : schema;
}

function kindOf(spec, schema) {
  const plain = resolve(spec, schema);
  const choices = plain.oneOf || plain.anyOf;
  if (plain.enum) return plain.enum.join(" · ");
  if (choices && !plain.properties) return choices.map((each) => kindOf(spec, each)).join(" or ");
  return plain.const === undefined ? plain.type || "" : JSON.stringify(plain.const);
}

function bounds(schema) {
  const told = [];
  if (schema.minLength !== undefined || schema.maxLength !== undefined) told.push(`${schema.minLength || 0} to ${schema.maxLength ?? "any number of"} characters`);
  if (schema.minimum !== undefined) told.push(`at least ${schema.minimum}`);
  if (schema.maximum !== undefined) told.push(`at most ${schema.maximum}`);
  if (schema.pattern && schema.pattern.length <= LONGEST_PATTERN) told.push(`\`${schema.pattern}\``);
  return told.join("; ");
}

function fieldRows(spec, schema, prefix, depth) {
  const plain = resolve(spec, schema);
  return Object.entries(plain.properties || {}).flatMap(([name, field]) => {
    const inside = resolve(spec, field);
    const list = inside.type === "array" && inside.items;
    const row = make("tr", {}, make("td", {}, make("code", { text: prefix + name })), make("td", { text: (plain.required || []).includes(name) ? "yes" : "no" }),
      make("td", { text: list ? "list" : kindOf(spec, field) }), make("td", {}, ...prose([inside.description || field.description, bounds(field)].filter(Boolean).join("; "))));
    return [row, ...(depth ? fieldRows(spec, list || inside, `${prefix}${name}${list ? "[]" : ""}.`, depth - 1) : [])];
  });
}

function fieldTable(spec, schema) {
  const rows = fieldRows(spec, schema, "", 3);
  const head = make("tr", {}, ...["field", "needed", "type", "what it is"].map((text) => make("th", { scope: "col", text })));
  return rows.length ? make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)) : null;
}

function examplesOf(content) {
  return Object.entries(Object.values(content || {})[0]?.examples || {});
}

function answers(spec, responses) {
  return Object.entries(responses).map(([status, response]) => {
    const content = Object.values(response.content || {})[0];
    const examples = examplesOf(response.content).map(([name, example]) =>
      make("div", {}, make("p", { class: "quiet", text: `${name}: ${example.summary || ""}` }), make("pre", { text: JSON.stringify(example.value, null, 2) })));
    return make("details", {}, make("summary", {}, ...prose(`${status} ${response.description}`)), content?.schema ? fieldTable(spec, content.schema) : null, ...examples);
  });
}

function curl(method, url, headers, body) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const parts = [`curl -sS -X ${method} ${quoted(url)}`, ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`)];
  return [...parts, ...(body ? [`--data-binary ${quoted(body)}`] : [])].join(" \\\n  ");
}

async function send(form, method, template, result, button) {
  const values = Object.fromEntries(new FormData(form));
  const place = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(values[`path.${name}`] || ""));
  const query = Object.entries(values).filter(([name, value]) => name.startsWith("query.") && value)
    .map(([name, value]) => `${name.slice("query.".length)}=${encodeURIComponent(value)}`);
  const path = query.length ? `${place}?${query.join("&")}` : place;
  const body = values.body || "";
  const timestamp = String(Date.now());
  const headers = { "x-merchant-id": byId("merchant-id").value.trim(), "x-timestamp": timestamp };
  button.disabled = true;
  try {
    const { message, signature } = await sign(byId("secret").value, method, path, body, timestamp);
    headers["x-signature"] = signature;
    if (method === "POST") headers["content-type"] = "application/json";
    for (const [name, value] of Object.entries(values)) {
      if (name.startsWith("header.") && value) headers[name.slice("header.".length)] = value;
    }
    const began = performance.now();
    const answer = await fetch(path, { method, headers, body: method === "POST" ? body : undefined, cache: "no-store" });
    const text = await answer.text();
    const took = Math.round(performance.now() - began);
    let shown = text;
    try {
      shown = JSON.stringify(JSON.parse(text), null, 2);
    } catch { /* an answer that is not JSON is shown as it is */ }
    const told = `${answer.status} in ${took} ms, request ${answer.headers.get("x-request-id") || ""}`;
    result.replaceChildren(
      make("h3", { text: "Answer" }), make("p", { class: answer.ok ? "status" : "status bad", text: told }), make("pre", { text: shown }),
      make("details", {}, make("summary", { text: "What was signed and sent" }), make("pre", { text: message }), make("pre", { text: curl(method, location.origin + path, headers, body) })),
    );
    byId("live").textContent = told;
  } catch (error) {
    const words = window.isSecureContext ? String(error) : "Browsers sign only on https or on this machine: open this page by https or by 127.0.0.1.";
    result.replaceChildren(make("p", { class: "status bad", text: words }));
    byId("live").textContent = words;
  } finally {
    button.disabled = false;
  }
}

function parameterField(parameter) {
  const { schema, required, description } = parameter;
  const name = `${parameter.in}.${parameter.name}`;
  const choices = schema.enum ? ["", ...schema.enum].map((value) => make("option", { value, text: value || "not given" })) : null;
  const field = choices ? make("select", { name }, ...choices)
    : make("input", { name, value: required ? schema.examples?.[0] : "", required, spellcheck: "false" });
  const note = [description, schema.default === undefined ? "" : `${schema.default} where it is not given`, bounds(schema)].filter(Boolean).join("; ");
  return make("label", { text: parameter.name }, field, make("span", { class: "note" }, ...prose(note)));
}

function requestForm(spec, path, method, operation) {
  const form = make("form", { class: "fields", autocomplete: "off" });
  for (const parameter of operation.parameters || []) {
    if (SIGNED.includes(parameter.name)) continue;
    form.append(parameterField(parameter));
  }
  const examples = examplesOf(operation.requestBody?.content);
  if (operation.requestBody) {
    const fresh = (value) => JSON.stringify("orderId" in value ? { ...value, orderId: `TRY-${Date.now()}` } : value, null, 2);
    const area = make("textarea", { name: "body", spellcheck: "false" });
    area.value = fresh(examples[0]?.[1].value || {});
    const choice = make("select", {}, ...examples.map(([name, example], place) => make("option", { value: place, text: example.summary || name })));
    choice.addEventListener("change", () => {
      area.value = fresh(examples[Number(choice.value)][1].value);
    });
    form.append(make("label", { text: "Example" }, choice), make("label", { text: "Body, signed and sent as it stands here" }, area));
  }
  const button = make("button", { class: "send", text: "Sign and send" });
  const result = make("section", { "aria-label": "Answer" });
  form.append(button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, method, path, result, button);
  });
  return [make("h3", { text: "Try it" }), form, result];
}

function show(spec, path, method, operation, isCallback) {
  const main = byId("operation");
  const content = Object.values(operation.requestBody?.content || {})[0];
  const table = content?.schema ? fieldTable(spec, content.schema) : null;
  main.replaceChildren(...[
    make("h2", { text: operation.summary || path }), make("p", {}, make("span", { class: "method", text: method }), make("code", { text: isCallback ? "to your callback URL" : path })),
    operation.description ? make("p", { class: "quiet", text: operation.description }) : null,
    ...(isCallback ? examplesOf(operation.requestBody.content).map(([, example]) => make("pre", { text: JSON.stringify(example.value, null, 2) })) : requestForm(spec, path, method, operation)),
    table ? make("h3", { text: "Body" }) : null, table,
    make("h3", { text: isCallback ? "What your answer means" : "Answers" }), ...answers(spec, operation.responses),
  ].filter(Boolean));
  if (isChosen) main.focus();
  isChosen = true; // what is shown first was chosen by nobody, and must not scroll the keys out of sight
}

async function begin() {
  const spec = await (await fetch("/schema/openapi.json")).json();
  const groups = new Map();
  const add = (path, item, isCallback) => {
    for (const [method, operation] of Object.entries(item)) {
      const tag = operation.tags?.[0] || "health";
      groups.set(tag, [...(groups.get(tag) || []), { path, method: method.toUpperCase(), operation, isCallback }]);
    }
  };
  for (const [path, item] of Object.entries(spec.paths)) if (path.startsWith("/api/")) add(path, item, false);
  for (const [name, item] of Object.entries(spec.webhooks || {})) add(name, item, true);
  document.title = spec.info.title;
  byId("title").textContent = spec.info.title;
  byId("about").textContent = spec.info.description || "";
  const nav = byId("operations");
  for (const [tag, operations] of groups) {
    nav.append(make("h2", { text: tag }));
    for (const { path, method, operation, isCallback } of operations) {
      const button = make("button", { type: "button" }, make("span", { class: "method", text: method }), ` ${operation.summary || path}`);
      button.addEventListener("click", () => {
        nav.querySelector("[aria-current]")?.removeAttribute("aria-current");
        button.setAttribute("aria-current", "true");
        show(spec, path, method, operation, isCallback);
      });
      nav.append(button);
    }
  }
  nav.querySelector("button")?.click();
}

begin().catch((error) => byId("operation").replaceChildren(make("p", { class: "status bad", text: `The document could not be read: ${error}` })));
