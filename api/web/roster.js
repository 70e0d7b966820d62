// Who is known: the one list of people that all views share. It also feeds the names that the text
// fields offer.
import { address, request } from "./api.js";
import { by_id, h } from "./element.js";

export const roster = { rows: [], people: 0, faces: 0, more: "", failure: null };
const listeners = new Set();
let turn = 0;

export function on_people(listener) { listeners.add(listener); }

export async function load_people(more = false) {
  const mine = turn += 1;
  try {
    const token = more && roster.more ? { page_token: roster.more } : {};
    const page = await request("GET", address("/api/faces", { page_size: 500, ...token }));
    if (mine !== turn) return;  // a later question is on its way
    roster.rows = more ? roster.rows.concat(page.faces) : page.faces;
    roster.rows.sort((a, b) => a.label.localeCompare(b.label));
    Object.assign(roster, { people: page.people_total, faces: page.faces_total, failure: null });
    roster.more = page.next_page_token ?? "";
    by_id("names").replaceChildren(...roster.rows.map(row => h("option", { value: row.label })));
  } catch (failure) {
    if (mine !== turn) return;
    roster.failure = failure;
  }
  for (const listener of listeners) listener();
}
