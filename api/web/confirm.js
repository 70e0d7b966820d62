// A confirmation before an irreversible action: a word must be typed.
import { by_id, by_prefix } from "./element.js";

const dialog = by_id("confirm"), part = by_prefix("confirm");
let wanted = "";

/** True if the user typed the word and confirmed; false after Escape or Cancel. */
export function confirmed(title, text, word, yes) {
  wanted = word;
  part("title").textContent = title;
  part("text").textContent = text;
  part("wanted").textContent = word;
  part("word").value = "";
  part("yes").textContent = yes;
  part("yes").disabled = true;
  dialog.returnValue = "no";
  dialog.showModal();
  part("word").focus();
  return new Promise(resolve => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

part("word").addEventListener("input", () => { part("yes").disabled = part("word").value !== wanted; });
part("no").addEventListener("click", () => dialog.close("no"));
