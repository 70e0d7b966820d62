// The start of the page: the views, which one is shown, and when all data is loaded again. Each view
// owns its section; service.js owns the line in the header.
import { collection } from "./api.js";
import { by_id } from "./element.js";
import { compare_view } from "./views/compare.js";
import { jobs_view } from "./views/jobs.js";
import { live_view } from "./views/live.js";
import { login_view } from "./views/login.js";
import { keep_focus } from "./focus.js";
import { load_people } from "./people_cache.js";
import { ask_session, on_session, session } from "./session.js";
import { people_view } from "./views/people.js";
import "./views/model.js";
import "./views/pictures.js";
import "./views/recognize.js";
import "./views/teach.js";
import { on_back, watch } from "./service.js";

const views = { recognise: {}, compare: compare_view, people: people_view, live: live_view, jobs: jobs_view,
  login: login_view };
let shown = "", closed = [];  // closed: dialogs that were open when the session ended

function show_view() {
  const wanted = location.hash.slice(1);
  const there = Object.hasOwn(views, wanted) && wanted !== "login";
  const name = session.asks ? "login" : there ? wanted : "recognise";
  if (name === shown) return;
  views[shown]?.hide?.();
  for (const other of Object.keys(views)) by_id(`view-${other}`).hidden = other !== name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = name === "login" ? "Log in – Vultus" : `${name[0].toUpperCase()}${name.slice(1)} – Vultus`;
  if (shown) scrollTo(0, 0);
  shown = name;
  views[name].show?.();
  if (document.activeElement === document.body && name !== "login") by_id("main").focus({ preventScroll: true });
}

if (collection !== "default") {
  by_id("collection").textContent = collection;
  by_id("collection").hidden = false;
}
document.querySelector(".skip").addEventListener("click", event => {
  event.preventDefault();  // the URL names the view
  by_id("main").focus();
});
addEventListener("hashchange", show_view);
on_session(() => {
  if (session.asks) {
    for (const dialog of document.querySelectorAll("dialog[open]")) {
      if (dialog.id === "person") closed.push(dialog);  // with its typed text
      dialog.close();
    }
  }
  show_view();
  if (session.asks) return;
  for (const dialog of closed.splice(0)) if (!dialog.open) dialog.showModal();
  load_people();
});
on_back(load_people);
keep_focus();
await ask_session();
if (!shown) {  // no answer yet
  show_view();
  load_people();
}
watch().catch(console.error);
