// The stored picture of a face (worker.keep_pictures) as an <img>; the element of `otherwise()` replaces
// it if it cannot be loaded, for instance because its face was removed.
import { address, base } from "./api.js";
import { h } from "./element.js";
import { path_of } from "./people_cache.js";

export function picture_of(label, face_id, alt, otherwise) {
  const path = `${path_of(label)}/${face_id}/picture`;
  const made = h("img", { class: "avatar", alt, width: 112, height: 112, loading: "lazy",
    on: { error: () => made.replaceWith(otherwise()) } });
  made.src = base + address(path);
  return made;
}
