// The grid of people. What was changed shows at once and is sent five seconds later, unless it is
// taken back; until the service has done it, the change is laid over the list.
import { address, collection, follow, submit } from "./api.js";
import { confirmed } from "./confirm.js";
import { by_prefix, h, say } from "./element.js";
import { show_person } from "./person.js";
import { picture_of } from "./picture.js";
import { load_people, on_people, roster } from "./roster.js";
import { later } from "./toast.js";
import { count, failure_of, show_error } from "./words.js";

const part = by_prefix("people");
const changes = new Set();  // {label, to, faces}: faces of label get another name, or go (to "")

/** The list as it will be: label → {count, waits, shown}; shown: the row whose picture it has. */
function people_soon() {
  const people = new Map(roster.rows.map(row => [row.label,
    { count: row.count, waits: false, shown: row.picture_face_id && row }]));
  for (const { label, to, faces } of changes) {
    const from = people.get(label);
    if (!from) continue;
    const moved = Math.min(faces ?? from.count, from.count);
    if (moved === from.count) people.delete(label);
    else people.set(label, { ...from, count: from.count - moved, waits: true });
    if (to) {
      const there = people.get(to);
      people.set(to, { count: moved + (there?.count ?? 0), waits: true, shown: there?.shown || from.shown });
    }
  }
  return people;
}

const initials = label => Array.from(label.trim()).length < 2 ? label :
  label.trim().split(/\s+/).slice(0, 2).map(word => Array.from(word)[0]).join("").toUpperCase();

/** A tint of one's own, the same every time. */
function avatar_of(label) {
  const made = h("span", { class: "avatar", text: initials(label), "aria-hidden": "true" });
  const sum = Array.from(label).reduce((all, letter) => (all * 31 + letter.codePointAt(0)) % 360, 7);
  made.style.setProperty("--hue", sum);
  return made;
}

/** A picture is asked for under the name that the service knows, whatever the name will be. */
function face_of(label, shown) {
  if (!shown) return avatar_of(label);
  return picture_of(shown.label, shown.picture_face_id, `Face of ${label}`, () => avatar_of(label));
}

function card_of([label, { count: faces, waits, shown }]) {
  const open = () => { if (!waits) show_person(label, change); };
  return h("li", {}, h("button", { type: "button", class: "person", "data-waits": waits && "",
    "aria-disabled": waits && "true", on: { click: open } },
    face_of(label, shown),
    h("span", { class: "name", text: label }),
    h("span", { class: "quiet", text: waits ? "one moment …" : count(faces, "photo", "photos") })));
}

function show() {
  const wanted = part("find").value.trim().toLocaleLowerCase();
  const all = [...people_soon()].sort((a, b) => a[0].localeCompare(b[0]));
  const found = all.filter(([label]) => label.toLocaleLowerCase().includes(wanted));
  part("list").replaceChildren(...found.map(card_of));
  part("empty").hidden = all.length > 0 || roster.failure !== null;
  part("none").hidden = found.length > 0 || all.length === 0;
  part("find").hidden = all.length === 0;
  part("clear").hidden = all.length === 0;
  part("more").hidden = !roster.more;
  say(part("count"), roster.people === 0 ? "Everybody whom this collection knows." :
    `${count(roster.people, "person", "people")}, ${count(roster.faces, "photo", "photos")}.`);
  show_error(part("error"), roster.failure);
}

async function send(method, target, keepalive = false) {
  let failure = null;
  try {
    const job = await follow(await submit(method, target, { keepalive }));
    if (job.state !== "succeeded") failure = failure_of(job);
  } catch (caught) {
    failure = caught;
  }
  await load_people();
  if (failure) show_error(part("error"), failure);
}

/** Shows a change now and sends it later. {text, method, target, label, to, faces} */
function change(wanted) {
  const forget = () => { changes.delete(wanted); show(); };
  changes.add(wanted);
  show();
  later(wanted.text, async leaving => {
    await send(wanted.method, wanted.target, leaving);
    forget();
  }, forget);
}

on_people(show);
part("find").addEventListener("input", show);
part("more").addEventListener("click", () => load_people(true));
part("clear").addEventListener("click", async () => {
  const text = `${count(roster.people, "person", "people")} and ` +
    `${count(roster.faces, "photo", "photos")} will be forgotten. This cannot be undone.`;
  if (!await confirmed("Clear everyone?", text, collection, "Clear everyone")) return;
  await send("POST", address("/api/clear"));
});
