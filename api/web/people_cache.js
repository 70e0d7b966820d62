// The list of people that all views share, and the suggestions of the name fields. Failed requests are
// repeated.
import { address, problem, request, wait_ms } from "./api.js";
import { by_id, h, renew } from "./element.js";

export const people_cache = { rows: [], people: 0, faces: 0, more: "", failure: null };
const listeners = new Set();
const fresh_ms = 5000;
let turn = 0, tries = 0, retry = 0, loaded_at = 0, loaded = [];  // loaded: as the service gave them

const row_of = label => people_cache.rows.find(row => row.label === label);

/** Several people of one name get their ids behind it: the list, the fields and the pending changes know them apart. */
function told_apart(rows) {
  const times = new Map();
  for (const { label } of rows) times.set(label, (times.get(label) ?? 0) + 1);
  return rows.map(row => times.get(row.label) > 1 && row.person_id ?
    { ...row, label: `${row.label} (${row.person_id})`, apart: true } : row);
}

/** The path of the faces of a person in the list. */
export function path_of(label) {
  const row = row_of(label);
  return row?.apart ? `/api/people/${encodeURIComponent(row.person_id)}/faces` : `/api/faces/${encodeURIComponent(label)}`;
}

/** How a request names a person in the list; end: "_to" for the second one. */
export function whom(label, end = "") {
  const row = row_of(label);
  return row?.apart ? { [`person_id${end}`]: row.person_id } : { [`label${end}`]: label };
}

/** How a train names whom it teaches: somebody in the list, or a new name. */
export function taught(name) {
  const row = row_of(name);
  return row?.apart ? ["person_id", row.person_id] : ["name", name];
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
    rows = told_apart(rows).sort((a, b) => a.label.localeCompare(b.label));
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
