// The list of people that all views share, and the suggestions of the name fields. Failed requests are
// repeated.
import { address, problem, request, wait_ms } from "./api.js";
import { by_id, h, renew } from "./element.js";

export const people_cache = { rows: [], people: 0, faces: 0, more: "", failure: null };
const listeners = new Set();
const fresh_ms = 5000;
let turn = 0, tries = 0, retry = 0, loaded_at = 0, loaded = [];  // loaded: as the service gave them

const ids = new Map();  // how somebody is shown whose name others have too → person_id

/** A name of the service as the page shows it: with the id behind it where several people have it. */
export function told({ label, person_id, name_shared }) {
  if (!name_shared || !person_id) return label;
  const shown = `${label} (${person_id})`;
  ids.set(shown, person_id);
  return shown;
}

/** The path of the faces of a person. */
export function path_of(label) {
  return ids.has(label) ? `/api/people/${encodeURIComponent(ids.get(label))}/faces` : `/api/faces/${encodeURIComponent(label)}`;
}

/** How a request names a person; end: "_to" for the second one. */
export function whom(label, end = "") {
  return ids.has(label) ? { [`person_id${end}`]: ids.get(label) } : { [`label${end}`]: label };
}

/** How a train names whom it teaches: somebody who is there, or a new name. */
export function taught(name) {
  return ids.has(name) ? ["person_id", ids.get(name)] : ["name", name];
}

export function on_people(listener) { listeners.add(listener); }

function try_again(failure) {
  if (!(failure instanceof problem) || !failure.passing) return;
  retry = setTimeout(load_people, wait_ms(failure, tries += 1));
}

/** Loads as many as are shown, or one page more. */
export async function load_people(more = false) {
  const mine = turn += 1, next = more === true && people_cache.more, shown = people_cache.rows.length;
  clearTimeout(retry);
  try {
    let rows = next ? loaded : [], token = next ? people_cache.more : "", page;
    do {
      page = await request("GET", address("/api/faces", { page_size: 500, ...(token && { page_token: token }) }));
      if (mine !== turn) return;  // a later request is in progress
      rows = rows.concat(page.faces);
      token = page.next_page_token ?? "";
    } while (token && rows.length < shown);
    loaded = rows;
    rows = rows.map(row => ({ ...row, label: told(row) })).sort((a, b) => a.label.localeCompare(b.label));
    Object.assign(people_cache, { rows, people: page.people_total, faces: page.faces_total, failure: null, more: token });
    renew(by_id("names"), people_cache.rows.map(row => h("option", { value: row.label, "data-key": row.label })));
    tries = 0;
    loaded_at = performance.now();
  } catch (failure) {
    if (mine !== turn) return;
    people_cache.failure = failure;
    try_again(failure);
  }
  for (const listener of listeners) listener();
}

// Other clients change people too.
export function refresh_people() {
  if (!document.hidden && performance.now() - loaded_at > fresh_ms) load_people();
}
