// Builds elements. Text goes in as text, never as markup.

/** h("p", { class: "quiet", text: "…", on: { click } }, child, …); false and null set nothing. */
export function h(tag, settings = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(settings)) {
    if (name === "text") made.textContent = value;
    else if (name === "on") {
      for (const [kind, listener] of Object.entries(value)) made.addEventListener(kind, listener);
    } else if (value !== null && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter(child => child));
  return made;
}

export const by_id = id => document.getElementById(id);
/** by_prefix("stage")("photo") is the element of id stage-photo. */
export const by_prefix = prefix => name => by_id(`${prefix}-${name}`);

/** Replaces text only when it is new, so that a screen reader does not say it twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
