// The grid of people. A change is sent after five seconds without "Undo" (pending.js); until the service
// has done it, the list shows it as pending.
import { address, collection } from "../api.js";
import { confirmed } from "../confirm.js";
import { by_prefix, h, renew, say } from "../element.js";
import { change, on_pending, pending } from "../pending.js";
import { show_person } from "./person.js";
import { picture_of } from "../picture.js";
import { load_people, on_people, refresh_people, people_cache } from "../people_cache.js";
import { count, show_error } from "../words.js";

const part = by_prefix("people");

/** The list after all pending changes: label → {count, waits, goes, shown}; shown: the row whose picture it has. */
function people_soon() {
  const people = new Map(people_cache.rows.map(row => [row.label,
    { count: row.count, waits: "", shown: row.picture_face_id && row }]));
  for (const { label, to, faces, everyone, state } of pending()) {
    if (state === "refused") continue;
    const waits = state === "waiting" ? "not saved yet" : "saving …";
    const goes = { waits: state === "waiting" ? "to be deleted" : "being deleted …", goes: true };
    if (everyone) for (const one of people.values()) Object.assign(one, goes);
    const from = people.get(label);
    if (!from) continue;
    const moved = Math.min(faces ?? from.count, from.count);
    if (moved < from.count) people.set(label, { ...from, count: from.count - moved, waits });
    else if (to) people.delete(label);
    else people.set(label, { ...from, ...goes });
    if (to) {
      const there = people.get(to);
      people.set(to, { count: moved + (there?.count ?? 0), waits, shown: there?.shown || from.shown });
    }
  }
  return people;
}

const initials = label => Array.from(label.trim()).length < 2 ? label :
  label.trim().split(/\s+/).slice(0, 2).map(word => Array.from(word)[0]).join("").toUpperCase();

/** A colour for the label, always the same. */
function avatar_of(label) {
  const made = h("span", { class: "avatar", text: initials(label), "aria-hidden": "true" });
  const sum = Array.from(label).reduce((all, letter) => (all * 31 + letter.codePointAt(0)) % 360, 7);
  made.style.setProperty("--hue", sum);
  return made;
}

/** Requests a picture under the name that the service still has, also if a rename is pending. */
function face_of(label, shown) {
  if (!shown) return avatar_of(label);
  return picture_of(shown.label, shown.picture_face_id, `Face of ${label}`, () => avatar_of(label));
}

function card_of([label, { count: faces, waits, goes, shown }]) {
  const open = () => { if (!waits) show_person(label, change); };
  return h("li", { "data-key": label }, h("button", { type: "button", class: "person", "data-waits": waits ? "" : null,
    "aria-disabled": waits ? "true" : null, on: { click: open } },
    face_of(label, shown),
    goes ? h("s", { text: label }) : h("span", { class: "name", text: label }),
    h("span", { class: "quiet", text: waits || count(faces, "photo", "photos") })));
}

function show() {
  const wanted = part("find").value.trim().toLocaleLowerCase();
  const all = [...people_soon()].sort((a, b) => a[0].localeCompare(b[0]));
  const found = all.filter(([label]) => label.toLocaleLowerCase().includes(wanted));
  renew(part("list"), found.map(card_of));
  part("empty").hidden = all.length > 0 || people_cache.failure !== null;
  part("none").hidden = found.length > 0 || all.length === 0;
  part("find").hidden = all.length === 0 && !wanted;
  part("clear").hidden = all.length === 0;
  part("more").hidden = !people_cache.more;
  say(part("count"), people_cache.people === 0 ? "All people in this collection." :
    `${count(people_cache.people, "person", "people")}, ${count(people_cache.faces, "photo", "photos")}.`);
  const refused = pending().filter(one => one.state === "refused").map(one => `Not done: ${one.wish}. ${one.why}`);
  show_error(part("error"), refused.join(" ") || people_cache.failure);
}

on_people(show);
on_pending(show);
part("find").addEventListener("input", show);
part("more").addEventListener("click", () => load_people(true));
part("clear").addEventListener("click", async () => {
  const text = `${count(people_cache.people, "person", "people")} and ` +
    `${count(people_cache.faces, "photo", "photos")} will be forgotten. This cannot be undone.`;
  if (!await confirmed("Clear everyone?", text, collection, "Clear everyone")) return;
  change({ wish: "Clear everyone", method: "POST", target: address("/api/clear"), label: "", to: "", everyone: true });
});
document.addEventListener("visibilitychange", refresh_people);

export const people_view = { show: refresh_people };
