// Where the page starts. recognise, teach and people each own their card; service owns the line in
// the header and says when to ask again.
import { collection } from "./api.js";
import { refresh_people } from "./people.js";
import "./recognise.js";
import { on_back, watch } from "./service.js";
import "./teach.js";

if (collection !== "default") {
  const tag = document.getElementById("collection");
  tag.textContent = collection;
  tag.hidden = false;
}
on_back(refresh_people);
refresh_people();
watch();
