// Recognize: a list of photos with one row each; a few are processed at a time. The selected one is shown
// on the stage.
import { address, follow, request, submit } from "../api.js";
import { take_photo } from "./camera.js";
import { bytes_of, chooser, dropzone } from "../dropzone.js";
import { by_id, by_prefix, h, say } from "../element.js";
import { status } from "../service.js";
import { name_of, on_again, show_photo, show_stage } from "./stage.js";
import { count, failure_of, refusal_of, state_of, wait_of, words_of } from "../words.js";

const part = by_prefix("recognize");
const at_once = 3;
const photos = [];
let chosen = null, busy = 0;

function people_in(result) {
  if (result.faces.length === 0) return "No face found";
  const named = result.faces.filter(face => face.status !== "unknown");
  const known = [...new Set(named.map(name_of))], rest = result.faces.length - named.length;
  if (known.length === 0) return count(rest, "unknown face", "unknown faces");
  return known.join(", ") + (rest ? ` and ${rest} unknown` : "");
}

function show_row(photo, state, text, share) {
  photo.state = state;
  photo.says = text;
  photo.button.dataset.state = state;
  say(photo.line, text);
  photo.bar.hidden = state !== "waiting";
  if (share !== undefined) photo.bar.value = share;
  if (photo === chosen) show_stage(photo);
}

async function recognize(photo) {
  const { signal } = photo.controller;
  const on_wait = failure => show_row(photo, "waiting", wait_of(failure));
  show_row(photo, "waiting", "Sending …", 0.2);
  const { from, name } = photo.file, bytes = from || await bytes_of(photo.file), body = new FormData();
  if (!bytes) throw "The file cannot be read";
  if (from) body.append("url", from);
  else body.append("file", bytes, name);
  // The browser sees the photo of a URL as the service drew it.
  const target = address("/api/recognize", from ? { ...photo.options, annotate: true } : photo.options);
  const accepted = await submit("POST", target, { body, signal, on_wait });
  const cancel = () => request("DELETE", accepted.links.self).catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  const share = { pending: 0.45, delayed: 0.45, running: 0.75 };
  const on_job = now => show_row(photo, "waiting", state_of(now, status), share[now.state]);
  const job = await follow(accepted, { signal, on_job, on_wait });
  signal.removeEventListener("abort", cancel);
  if (job.state !== "succeeded") throw failure_of(job);
  photo.result = job.result;
  if (from && job.links.image) photo.row.querySelector("img").src = photo.url = job.links.image;
  show_row(photo, "done", people_in(job.result));
}

async function work() {
  const photo = photos.find(one => one.state === "queued");
  if (!photo || busy >= at_once) return;
  busy += 1;
  try {
    await recognize(photo);
  } catch (failure) {
    if (!photo.controller.signal.aborted) show_row(photo, "failed", words_of(failure));
  }
  busy -= 1;
  work();
}

function choose(photo) {
  chosen?.button.removeAttribute("aria-current");
  chosen = photo;
  photo?.button.setAttribute("aria-current", "true");
  show_photo(photo);
}

function remove(photo) {
  photo.controller.abort();
  const at = photos.indexOf(photo);
  photos.splice(at, 1);
  photo.row.remove();
  URL.revokeObjectURL(photo.url);
  if (photos.length === 0) part("board").dataset.empty = "";
  if (photo === chosen) choose(photos[at] ?? photos[at - 1] ?? null);
  (chosen?.button ?? part("file")).focus();
}

function row_of(photo) {
  photo.line = h("span", { class: "says", role: "status", text: "Queued" });
  photo.bar = h("progress", { max: 1, value: 0.05, "aria-label": `Progress of ${photo.file.name}` });
  photo.button = h("button", { type: "button", class: "photo", on: { click: () => choose(photo) } },
    h("img", { src: photo.url || null, alt: "", decoding: "async",
      on: { error: event => { event.target.style.visibility = "hidden"; } } }),
    h("span", { class: "name", text: photo.file.name }), photo.line, photo.bar);
  const close = h("button", { type: "button", class: "icon", "aria-label": `Remove ${photo.file.name}`,
    on: { click: () => remove(photo) } });
  close.innerHTML = '<svg aria-hidden="true"><use href="#i-close"/></svg>';
  return h("li", {}, photo.button, close);
}

function show_left_out(files, left_out) {
  const nothing = files.length + left_out.length === 0 ? "No files" : "";
  const says = left_out.length === 0 ? nothing :
    `Skipped, ${count(left_out.length, "hidden file", "hidden files")}: ${left_out.join(", ")}`;
  part("left-out").hidden = !says;
  say(part("left-out"), says);
}

function add(files, left_out = []) {
  show_left_out(files, left_out);
  if (!part("min-face").reportValidity() || files.length === 0) return;
  const options = { detector: part("detector").value, min_face_px: part("min-face").value };
  let first = null;
  for (const file of files) {
    const photo = { file, options, url: file.from ? "" : URL.createObjectURL(file), state: "queued", result: null };
    photo.controller = new AbortController();
    photo.row = row_of(photo);
    photos.push(photo);
    by_id("photos").append(photo.row);
    first ??= photo;
    const refused = refusal_of(file);
    if (refused) show_row(photo, "failed", refused);
    work();
  }
  delete part("board").dataset.empty;
  if (first) choose(first);
}

/** Processes a photo again, after a person was trained. */
on_again(photo => {
  if (photo.state === "queued" || photo.state === "waiting") return;
  photo.state = "queued";
  work();
});

by_id("recognize-by-url").addEventListener("submit", event => {
  event.preventDefault();
  add([{ from: part("url").value, name: part("url").value }]);
  part("url").value = "";
});
const view = by_id("view-recognise");
chooser(part("file"), add);
dropzone(view, part("drop"), add);
part("take").addEventListener("click", async () => {
  const file = await take_photo();
  if (file) add([file]);
});
addEventListener("paste", event => {
  const files = Array.from(event.clipboardData?.files ?? []);
  if (!view.hidden && files.length > 0) add(files);
});
// The up and down keys select photos.
by_id("photos").addEventListener("keydown", event => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const next = step && photos[photos.indexOf(chosen) + step];
  if (!next) return;
  event.preventDefault();
  choose(next);
  next.button.focus();
});
