// Recognise: one photo in, boxes and names on it out. A new photo takes the place of one that is
// still waited for; that job is cancelled.
import { address, follow, request, submit } from "./api.js";
import { distance_of, draw_boxes, name_of } from "./boxes.js";
import { dropzone } from "./dropzone.js";
import { status } from "./service.js";
import { count, failure_of, refusal_of, show_error, show_progress, state_of } from "./words.js";

const part = name => document.getElementById(`recognise-${name}`);
const words = { known: "known", unknown: "nobody you taught", ambiguous: "not sure" };
let current = null;   // AbortController of the photo in hand
let shown = null;     // the result on the page

function face_row(face, index) {
  const row = document.createElement("li");
  const name = document.createElement("span");
  const says = document.createElement("span");
  row.dataset.status = face.status;
  name.className = "name";
  name.textContent = name_of(face);
  says.className = "quiet";
  const distance = face.distance === null ? "" : `, distance ${distance_of(face)}`;
  says.textContent = words[face.status] + distance;
  row.append(name, says);
  row.addEventListener("pointerenter", () => draw(index));
  row.addEventListener("pointerleave", () => draw());
  return row;
}

function draw(marked) {
  const photo = part("photo");
  if (shown && photo.clientWidth > 0) draw_boxes(part("boxes"), photo, shown, marked);
}

function show_result(result) {
  shown = result;
  part("faces").replaceChildren(...result.faces.map(face_row));
  const { faces, gallery, timing_ms, truncated } = result;
  const found = faces.length === 0 ? "No face found" : count(faces.length, "face", "faces");
  part("footer").textContent = found + (truncated ? " (the largest; there are more)" : "") +
    `, ${Math.round(timing_ms.total)} ms, ` +
    `compared with ${count(gallery.people, "person", "people")}`;
  draw();
}

function show_photo(file) {
  const photo = part("photo");
  if (photo.src) URL.revokeObjectURL(photo.src);
  shown = null;
  part("faces").replaceChildren();
  part("footer").textContent = "";
  part("boxes").width = 0;
  part("result").hidden = true;
  photo.onload = () => { part("result").hidden = false; draw(); };
  photo.onerror = () => { part("result").hidden = true; };
  photo.src = URL.createObjectURL(file);
  photo.alt = `Photo ${file.name}`;
  part("drop").classList.add("compact");
}

async function recognise(file, signal) {
  const tell = text => { if (!signal.aborted) show_progress(part("progress"), text); };
  const on_wait = failure => tell(`${failure.title}; trying again …`);
  const body = new FormData();
  body.append("file", file);
  const options = { detector: part("detector").value, min_face_px: part("min-face").value };
  tell("Sending the photo …");
  const target = address("/api/recognize", options);
  const accepted = await submit("POST", target, { body, signal, on_wait });
  const cancel = () => request("DELETE", accepted.links.self).catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  const on_job = now => tell(state_of(now, status));
  const job = await follow(accepted, { signal, on_job, on_wait });
  signal.removeEventListener("abort", cancel);
  if (job.state !== "succeeded") throw failure_of(job);
  return job.result;
}

async function take([file]) {
  current?.abort();
  const mine = current = new AbortController();
  show_error(part("error"), null);
  show_progress(part("progress"), "");
  const refused = refusal_of(file);
  if (refused) return show_error(part("error"), `${file.name}: ${refused}`);
  if (!part("min-face").reportValidity()) return;
  show_photo(file);
  try {
    const result = await recognise(file, mine.signal);
    if (mine === current) show_result(result);
  } catch (failure) {
    if (mine === current) show_error(part("error"), failure);
  }
  if (mine === current) show_progress(part("progress"), "");
}

new ResizeObserver(() => draw()).observe(part("photo"));
dropzone(part("drop"), part("file"), take);
