// The list of people: names, number of faces, forget one, clear all.
import { address, follow, request, submit } from "./api.js";
import { confirmed } from "./confirm.js";
import { status } from "./service.js";
import { count, failure_of, show_error, show_progress, state_of } from "./words.js";

const part = name => document.getElementById(`people-${name}`);
let rows = [], next_page = "", asked = 0;

function row_of({ label, count: faces }) {
  const row = document.createElement("li");
  const name = document.createElement("span");
  const number = document.createElement("span");
  const button = document.createElement("button");
  name.className = "name";
  name.textContent = label;
  number.className = "quiet";
  number.textContent = count(faces, "face", "faces");
  button.type = "button";
  button.textContent = "Delete";
  button.setAttribute("aria-label", `Delete ${label}`);
  button.addEventListener("click", () => forget(label, faces));
  row.append(name, number, button);
  return row;
}

function show(page) {
  rows.sort((a, b) => a.label.localeCompare(b.label));
  part("list").replaceChildren(...rows.map(row_of));
  part("count").textContent = page.people_total === 0 ? "" :
    `${count(page.people_total, "person", "people")}, ${count(page.faces_total, "face", "faces")}`;
  part("empty").hidden = page.people_total > 0;
  part("clear").hidden = page.people_total === 0;
  part("more").hidden = !next_page;
}

async function load(more) {
  const turn = asked += 1;
  try {
    const options = { page_size: 200, ...(more && next_page ? { page_token: next_page } : {}) };
    const page = await request("GET", address("/api/faces", options));
    if (turn !== asked) return;  // a later question is on its way
    rows = more ? rows.concat(page.faces) : page.faces;
    next_page = page.next_page_token ?? "";
    show(page);
    show_error(part("error"), null);
  } catch (failure) {
    if (turn === asked) show_error(part("error"), failure);
  }
}

export const refresh_people = () => load(false);

async function change(method, target) {
  show_error(part("error"), null);
  const on_wait = failure => show_progress(part("progress"), `${failure.title}; trying again …`);
  let failure = null;
  try {
    const on_job = job => show_progress(part("progress"), state_of(job, status));
    const job = await follow(await submit(method, target, { on_wait }), { on_job, on_wait });
    if (job.state !== "succeeded") failure = failure_of(job);
  } catch (caught) {
    failure = caught;
  }
  show_progress(part("progress"), "");
  await load(false);
  if (failure) show_error(part("error"), failure);
}

async function forget(label, faces) {
  const text = `${count(faces, "face", "faces")} will be removed. This cannot be undone.`;
  if (!await confirmed(`Delete ${label}?`, text, "Delete")) return;
  await change("DELETE", address("/api/faces", { label }));
}

part("more").addEventListener("click", () => load(true));
part("clear").addEventListener("click", async () => {
  const text = "All names and faces of this collection will be removed. This cannot be undone.";
  if (!await confirmed("Clear everyone?", text, "Clear")) return;
  await change("POST", address("/api/clear"));
});
