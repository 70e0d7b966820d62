// Builds elements. Text is inserted as text, never as markup.

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

/** Replaces text only if it changed, so that a screen reader does not read it twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const usable = "a[href], button:not(:disabled), input, select, textarea";

/** Replaces the rows of a list, each with a data-key. Unchanged rows stay, and the focus stays at its row;
    if that is gone, it moves to `otherwise` or the row in its place. */
export function renew(list, rows, otherwise = null) {
  const at = document.activeElement, before = [...list.children];
  const line = before.findIndex(row => row.contains(at)), held = before[line];
  const place = held ? [...held.querySelectorAll(usable)].indexOf(at) : -1;
  const old = new Map(before.map(row => [row.dataset.key, row]));
  const wanted = rows.map(row => {
    const there = old.get(row.dataset.key);
    return there?.isEqualNode(row) ? there : row;
  });
  const stays = new Set(wanted);
  for (const row of before) if (!stays.has(row)) row.remove();
  wanted.forEach((row, index) => {
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
  if (!held || document.activeElement === at) return;
  const same = wanted.find(row => row.dataset.key === held.dataset.key);
  const row = same ?? (otherwise ? null : wanted[Math.min(line, wanted.length - 1)]);
  const things = row?.querySelectorAll(usable) ?? [];
  (things[place] ?? things[0] ?? otherwise)?.focus({ preventScroll: true });
}
