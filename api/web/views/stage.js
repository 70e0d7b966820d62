// The stage: one photo with its faces as buttons over it. The service's coordinates are pixels of the
// upright picture, as browsers show it; boxes are positioned in per cent.
import { by_id, by_prefix, h, renew, say } from "../element.js";
import { follow_face, hide_face, show_face } from "./face.js";
import { told } from "../people_cache.js";
import { notice } from "../toast.js";
import { count, duration, show_error } from "../words.js";

const part = by_prefix("stage");
const names = {
  known: told,
  unknown: () => "Unknown",
  ambiguous: face => `${told(face)}?`,
};
const meanings = { known: "known", unknown: "unknown person", ambiguous: "ambiguous" };
let shown = null, marked = -1, again = () => {};

export const name_of = face => names[face.status](face);
export function on_again(listener) { again = listener; }

/** Shows another photo; null: none. */
export function show_photo(photo) {
  if (photo === shown) return;
  shown = photo;
  marked = -1;
  by_id("stage").hidden = !photo;
  hide_face();
  if (!photo) return;
  part("photo").alt = `Photo ${photo.file.name}`;
  part("title").textContent = photo.file.name;
  show_stage(photo);
}

/** Shows the current result of the photo. */
export function show_stage(photo) {
  if (photo !== shown) return;
  const { result, state, url } = photo;
  if (part("photo").getAttribute("src") !== url) part("photo").src = url;
  if (part("again") === document.activeElement && state !== "done" && state !== "failed") part("title").focus();
  part("again").disabled = state === "queued" || state === "waiting";
  part("copy").hidden = !result;
  show_error(part("error"), state === "failed" ? photo.says : null);
  part("photo").hidden = !url || state === "failed" && part("photo").naturalWidth === 0;
  if (!result || state !== "done") {
    if (!result) { part("boxes").replaceChildren(); part("faces").replaceChildren(); }
    return say(part("says"), state === "failed" ? "" : photo.says || "Queued");
  }
  const { faces, gallery, timing_ms, truncated } = result;
  const found = faces.length === 0 ? "No face found. A larger image or another detector may find more" :
    count(faces.length, "face", "faces") + (truncated ? " (largest only)" : "");
  say(part("says"), `${found}. Compared with ${count(gallery.people, "person", "people")} in ` +
    `${duration(timing_ms.total)}.`);
  renew(part("boxes"), faces.map(box_of), part("title"));
  renew(part("faces"), faces.map(chip_of), part("title"));
  if (marked >= 0) mark(follow_face(photo, marked), true);
}

/** Puts a box, with its tag inside the picture, where the service saw the face. */
export function place(box, { left, top, right, bottom }, { width, height }) {
  if (bottom > height * 0.9) box.classList.add("low");
  if (left > width * 0.7) box.classList.add("right");
  box.style.left = `${100 * left / width}%`;
  box.style.top = `${100 * top / height}%`;
  box.style.width = `${100 * (right - left + 1) / width}%`;
  box.style.height = `${100 * (bottom - top + 1) / height}%`;
}

function box_of(face, index) {
  const tag = h("span", { text: name_of(face), "aria-hidden": "true" });
  const box = h("button", { type: "button", class: "box", "data-status": face.status, "data-key": index,
    "aria-pressed": String(index === marked), "aria-label": `Face ${index + 1}: ${name_of(face)}, ${meanings[face.status]}`,
    on: { click: () => mark(index) } }, tag);
  place(box, face.box, shown.result.image);
  return box;
}

function chip_of(face, index) {
  const close = face.status === "unknown" || face.distance === null ? "" : ` ${face.distance.toFixed(2)}`;
  const chip = h("button", { type: "button", class: "dot", "data-is": face.status, "aria-pressed": String(index === marked),
    on: { click: () => mark(index) } });
  chip.append(h("span", { class: "name", text: name_of(face) }), close);
  return h("li", { "data-key": index }, chip);
}

function mark(index, again_shown = false) {
  marked = index;
  [...part("boxes").children].forEach((box, at) => box.setAttribute("aria-pressed", String(at === index)));
  [...part("faces").children].forEach((row, at) =>
    row.firstChild.setAttribute("aria-pressed", String(at === index)));
  if (index < 0) return hide_face();
  show_face(shown, index, part("photo"), { again_shown, on_learned: () => again(shown) });
}

async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = h("textarea");  // the clipboard API is missing over plain http
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

part("again").addEventListener("click", () => { if (shown) again(shown); });
part("copy").addEventListener("click", async () => {
  try {
    await copied(JSON.stringify(shown.result, null, 2));
    notice("Copied as JSON");
  } catch {
    notice("The browser refused the copy");
  }
});
