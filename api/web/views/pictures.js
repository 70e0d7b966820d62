// Whether the collection keeps pictures of the faces that it is taught: a box beside the photos. While the
// collection has made no choice, the box is neither on nor off.
import { collection, request } from "../api.js";
import { confirmed } from "../confirm.js";
import { by_prefix, say } from "../element.js";
import { load_people } from "../people_cache.js";
import { on_session } from "../session.js";
import { count, show_error } from "../words.js";

const part = by_prefix("pictures");
const target = `/api/collections/${encodeURIComponent(collection)}/pictures`;
let rule = { keep: null, pictures: 0 };

function show() {
  part("keep").checked = rule.keep ?? false;
  part("keep").indeterminate = rule.keep === null;
  say(part("says"), rule.keep === null ? "Not chosen: the workers' setting applies." :
    rule.keep ? `${count(rule.pictures, "picture", "pictures")} stored.` : "Only numbers are stored.");
}

async function attempt(step) {
  try {
    await step();
    show_error(part("error"), null);
  } catch (failure) {
    show_error(part("error"), failure);
  }
  show();
}

const look = () => attempt(async () => { rule = await request("GET", target); });

part("keep").addEventListener("change", () => attempt(async () => {
  const keep = part("keep").checked;
  const text = `${count(rule.pictures, "picture", "pictures")} of faces will be removed. The faces stay, but without ` +
    "their photos they cannot be moved to another network.";
  if (!keep && rule.pictures > 0 && !await confirmed("Remove the pictures?", text, "remove", "Remove")) return;
  rule = await request("POST", target, { body: new URLSearchParams({ keep }) });
  load_people();
}));

on_session(() => { if (document.body.classList.contains("may-admin")) look(); });
