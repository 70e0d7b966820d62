// The dialog of one person: rename, merge, delete one photo or all of them.
import { address, request } from "../api.js";
import { by_id, by_prefix, h, renew } from "../element.js";
import { picture_of } from "../picture.js";
import { path_of, people_cache, whom } from "../people_cache.js";
import { count, quality_note, show_error } from "../words.js";

const dialog = by_id("person"), part = by_prefix("person");
const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
let shown = "", change = () => {};

const is_known = label => people_cache.rows.some(row => row.label === label);
const faces_of = label => people_cache.rows.find(row => row.label === label)?.count ?? 0;

function leave(wanted) {
  dialog.close();
  change(wanted);
}

function photo_row(face, index, all) {
  const label = shown, name = `Photo ${index + 1}`;
  const remove = () => leave({ text: `${name} of ${label} is deleted`, wish: `Delete a photo of ${label}`,
    method: "DELETE", label, to: "", faces: 1, target: address(`${path_of(label)}/${face.face_id}`) });
  const { left, right } = face.box ?? {};
  const size = right > left ? `, face of ${right - left + 1} pixels` : "";
  const when = face.created_at ? `taught ${time.format(new Date(face.created_at))}` : "";
  const shown_as = face.picture && picture_of(label, face.face_id, `${name} of ${label}`, () => "");
  return h("li", { "data-key": face.face_id, "data-picture": face.picture ? "" : null }, shown_as,
    h("span", { class: "name", text: name }), h("span", { class: "quiet", text: when + size + quality_note(face.quality_score) }),
    h("span", { class: "end" }, h("button", { type: "button", class: "small", text: "Delete", "data-needs": "admin",
      "aria-label": `Delete photo ${index + 1} of ${all.length}`, on: { click: remove } })));
}

export async function show_person(label, on_change) {
  shown = label;
  change = on_change;
  part("title").textContent = label;
  part("name").value = label;
  part("other").value = "";
  show_error(part("error"), null);
  part("photos").replaceChildren(h("li", {}, h("span", { class: "none", text: "Loading …" })));
  dialog.showModal();
  part("title").focus();
  try {
    const { faces } = await request("GET", address(path_of(label)));
    if (shown === label) renew(part("photos"), faces.map(photo_row), part("title"));
  } catch (failure) {
    if (shown !== label) return;
    part("photos").replaceChildren();
    show_error(part("error"), failure);
  }
}

part("rename").addEventListener("submit", event => {
  event.preventDefault();
  const label = shown, to = part("name").value.trim();
  if (!to || to === label) return dialog.close();
  if (is_known(to)) {
    part("other").value = to;
    part("other").focus();
    return show_error(part("error"), `${to} already exists. If both are the same person, press Merge.`);
  }
  leave({ text: `${label} is now ${to}`, wish: `Rename ${label} to ${to}`, method: "POST", label, to,
    target: address("/api/rename", { ...whom(label), label_to: to }) });
});

part("merge").addEventListener("submit", event => {
  event.preventDefault();
  const label = shown, to = part("other").value.trim();
  if (to === label) return show_error(part("error"), "Same name. Choose another person.");
  if (!is_known(to) && !people_cache.more) {  // people that are not loaded yet: the service decides
    return show_error(part("error"), `No person named ${to}. Choose a person from the list.`);
  }
  leave({ text: `${label} is merged with ${to}`, wish: `Merge ${label} with ${to}`, method: "POST", label, to,
    target: address("/api/merge", { ...whom(label), ...whom(to, "_to") }) });
});

part("delete").addEventListener("click", () => {
  const label = shown, photos = count(faces_of(label), "photo", "photos");
  leave({ text: `${label} is deleted, ${photos}`, wish: `Delete ${label}`, method: "DELETE", label, to: "",
    target: whom(label).label === undefined ? address(path_of(label).replace(/\/faces$/, "")) :
      address("/api/faces", { label }) });
});
part("close").addEventListener("click", () => dialog.close());
// A click outside the dialog closes it.
dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
