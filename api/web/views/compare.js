// Compare: two photos, or a photo and a person, with `durable=false`: nothing is stored. All faces of both
// are compared; the nearest two decide, and have a box in colour.
import { address, request } from "../api.js";
import { bytes_of, chooser, dropzone } from "../dropzone.js";
import { by_id, by_prefix, h, say } from "../element.js";
import { taught, told } from "../people_cache.js";
import { place } from "./stage.js";
import { count, refusal_of, show_error } from "../words.js";

const part = by_prefix("compare");
let asked = null;  // AbortController of the comparison

const sides = ["First photo", "Second photo"].map((title, index) => {
  const file = h("input", { type: "file", id: `compare-file-${index}`, accept: by_id("recognize-file").accept });
  const photo = h("img", { alt: "", on: { error: () => { photo.hidden = true; } } });
  const boxes = h("div", { class: "boxes" });
  const picture = h("div", { class: "picture", hidden: "" }, h("div", { class: "frame" }, photo, boxes));
  const drop = h("div", { class: "drop" }, h("label", { class: "button" }, file, `Choose the ${title.toLowerCase()}`));
  const card = h("div", { class: "card" }, h("h2", { text: title }), drop, picture);
  const take = files => {  // a second one is of the other side
    for (const [at, one] of files.slice(0, 2).entries()) show_photo(sides[(index + at) % 2], one);
  };
  chooser(file, take);
  dropzone(card, drop, take);
  part("sides").append(card);
  return { file: null, url: "", photo, boxes, picture };
});

function show_photo(side, file) {
  forget();
  URL.revokeObjectURL(side.url);
  Object.assign(side, { file, url: URL.createObjectURL(file) });
  side.picture.hidden = side.photo.hidden = false;
  Object.assign(side.photo, { src: side.url, alt: `Photo ${file.name}` });
  if (side === sides[1]) part("person").value = "";
}

/** Nothing is said about photos that are no longer those. */
function forget() {
  asked?.abort();
  show_error(part("error"), null);
  part("result").hidden = true;
  for (const side of sides) side.boxes.replaceChildren();
}

function show_faces({ boxes }, { image, faces }, nearest, same) {
  boxes.replaceChildren(...faces.map(({ box }, index) => {
    const status = index !== nearest ? "unknown" : same ? "known" : "ambiguous", text = `Face ${index + 1}`;
    const made = h("div", { class: "box", role: "img", "data-status": status,
      "aria-label": index === nearest ? `${text}, compared` : text }, h("span", { text }));
    place(made, box, image);
    return made;
  }));
}

const number = value => value === null ? "–" : value.toFixed(2);

function show({ same, compared, photos, person, ...answer }) {
  photos.forEach((photo, index) => show_faces(sides[index], photo, compared?.[index ? "other_face" : "face"], same));
  part("says").dataset.is = same ? "known" : "ambiguous";
  say(part("says"), (same ? "The same person" : "Not the same person") + (person ? `: ${told(person)}` : ""));
  const rate = answer.false_match_rate;
  const rows = [["similarity (the same from 0.5)", number(answer.similarity)],
    [`distance (the same up to ${number(answer.distance_max)})`, number(answer.distance)],
    ["different people taken for the same", rate === null ? "–" : `${+(100 * rate).toPrecision(2)} %`],
    ["compared", count(answer.comparisons, "pair of faces", "pairs of faces")]];
  part("numbers").replaceChildren(...rows.map(([text, value]) => h("div", {}, h("dt", { text }), h("dd", { text: value }))));
}

async function compare(signal) {
  const name = part("person").value.trim(), body = new FormData();
  const wanted = name ? sides.slice(0, 1) : sides;
  if (wanted.some(side => !side.file)) throw "Choose two photos, or a photo and a person";
  for (const { file } of wanted) {
    const bytes = await bytes_of(file), refused = refusal_of(file) || (bytes ? "" : "The file cannot be read");
    if (refused) throw `${file.name}: ${refused}`;
    body.append("file", bytes, file.name);
  }
  if (name) body.append("person", taught(name)[1]);
  show(await request("POST", address("/api/verify", { durable: false }), { body, signal }));
}

part("form").addEventListener("submit", async event => {
  event.preventDefault();
  forget();
  const { signal } = asked = new AbortController();
  part("numbers").replaceChildren();
  part("says").dataset.is = "";
  say(part("says"), "Comparing …");
  part("result").hidden = false;
  try {
    await compare(signal);
    part("result").scrollIntoView({ block: "nearest" });
  } catch (failure) {
    if (signal.aborted) return;
    forget();
    show_error(part("error"), failure);
  }
});
part("person").addEventListener("input", forget);

export const compare_view = { hide: () => asked?.abort() };
