// The page of the HTTP API: every call of openapi.json, with a form that sends it. Needs no other server
// and no inline style or script. A key is kept in the form only.
import { h, by_id } from "./element.js";

const root = new URL(".", document.baseURI);
const shown_bytes = 100_000;
let csrf = "";  // of a login, if there is one

/** Replaces a reference by what it refers to. */
function whole(described, api) {
  while (described?.$ref) described = described.$ref.slice(2).split("/").reduce((at, name) => at?.[name], api);
  return described ?? {};
}

/** A control for a value; its name is prefixed with where it goes: path, query, header or body. */
function control(where, name, described, required, api) {
  const schema = whole(described.schema ?? described, api);
  const array = schema.type === "array", one = array ? whole(schema.items, api) : schema;
  const file = one.format === "binary" || Boolean(one.contentMediaType);
  const settings = { name: `${where}:${name}`, required };
  const choices = one.enum ?? (one.type === "boolean" ? ["true", "false"] : null);
  const made = choices && !array
    ? h("select", settings, h("option", { value: "", text: "" }), ...choices.map(value => h("option", { value, text: value })))
    : h("input", { ...settings, type: file ? "file" : "text", multiple: file && array,
      placeholder: schema.default === undefined ? null : String(schema.default) });
  const text = described.description ?? schema.description ?? "";
  return h("label", {}, h("span", {}, h("code", { text: name }), required ? ", required" : ""), made, h("small", { text }));
}

/** The controls of the body: the fields of a form that are not in the query already, or JSON. */
function body_controls(call, taken, api) {
  const content = whole(call.requestBody, api).content ?? {};
  const form = content["multipart/form-data"];
  if (form) {
    const schema = whole(form.schema, api);
    return Object.entries(schema.properties ?? {}).filter(([name]) => !taken.has(name))
      .map(([name, described]) => control("form", name, described, false, api));
  }
  if (!content["application/json"]) return [];
  return [h("label", {}, h("span", { text: "JSON" }), h("textarea", { name: "json:body", rows: 4, spellcheck: "false" }))];
}

/** Where the filled form leads: the URL and the options of fetch. */
function request_of(form, method, path) {
  const query = new URLSearchParams(), headers = {}, parts = new FormData();
  let body = null, fields = 0;
  for (const [name, value] of new FormData(form)) {
    const [where, key] = [name.slice(0, name.indexOf(":")), name.slice(name.indexOf(":") + 1)];
    const empty = value instanceof File ? !value.name : value === "";
    if (where === "path") path = path.replace(`{${key}}`, encodeURIComponent(value));
    else if (empty) continue;
    else if (where === "query") query.append(key, value);
    else if (where === "header") headers[key] = value;
    else if (where === "json") [body, headers["Content-Type"]] = [value, "application/json"];
    else fields = parts.append(key, value) ?? fields + 1;
  }
  const key = by_id("key").value.trim();
  if (key) headers.Authorization = `Bearer ${key}`;
  else if (csrf && method !== "GET") headers["X-CSRF-Token"] = csrf;
  const url = new URL(path.slice(1), root);
  url.search = query;
  return [url, { method, headers, body: fields ? parts : body, cache: "no-store" }];
}

/** The answer as text: status, some fields, and JSON with indents; of a picture or a stream only its type. */
async function told(answer) {
  const fields = ["Content-Type", "Location", "Retry-After", "RateLimit"].filter(name => answer.headers.has(name))
    .map(name => `${name}: ${answer.headers.get(name)}`);
  const type = answer.headers.get("Content-Type") ?? "", head = [`${answer.status} ${answer.statusText}`, ...fields, ""];
  if (!/json|text\/(plain|html)/.test(type)) return (await answer.body?.cancel(), head.join("\n"));
  const text = await answer.text();
  try { head.push(JSON.stringify(JSON.parse(text), null, 2)); } catch { head.push(text); }
  return head.join("\n").slice(0, shown_bytes);
}

function call_of(path, method, call, shared, api) {
  const known = [...shared, ...(call.parameters ?? [])].map(one => whole(one, api)).filter(one => one.in !== "cookie");
  const answer = h("pre", { hidden: "", tabindex: "0", "aria-live": "polite" });
  const form = h("form", { on: { submit: async event => {
    event.preventDefault();
    answer.hidden = false;
    answer.textContent = "…";
    try { answer.textContent = await told(await fetch(...request_of(form, method, path))); }
    catch (why) { answer.textContent = `No answer: ${why.message}`; }
  } } }, ...known.map(one => control(one.in, one.name, one, one.in === "path", api)),
  ...body_controls(call, new Set(known.map(one => one.name)), api),
  path === "/api/live" ? null : h("button", { text: "Send" }));
  return h("details", { id: call.operationId }, h("summary", {}, h("code", { text: `${method} ${path}` }), ` ${call.summary ?? ""}`),
    h("p", { class: "about", text: call.description ?? "" }), form, answer);
}

async function show() {
  const api = await (await fetch(new URL("openapi.json", root))).json();
  for (const tag of api.tags) {
    const calls = Object.entries(api.paths).flatMap(([path, all]) => Object.entries(all)
      .filter(([, call]) => call.tags?.includes(tag.name))
      .map(([method, call]) => call_of(path, method.toUpperCase(), call, all.parameters ?? [], api)));
    by_id("calls").append(h("h2", { text: tag.name }), h("p", { class: "quiet", text: tag.description ?? "" }), ...calls);
  }
  const open = location.hash && by_id(location.hash.slice(1));
  if (open) open.open = true;
  const session = await fetch(new URL("api/session", root)).then(answer => answer.json()).catch(() => null);
  csrf = session?.csrf ?? "";
}

show().catch(why => by_id("calls").append(h("p", { text: `The document cannot be read: ${why.message}` })));
