// Stores changes that were not sent yet (pending.js) in localStorage, one entry for each, so that tabs do
// not overwrite one another's. Without localStorage they exist while the page is open.
const prefix = "vultus-change:";
const memory = new Map();

function read(key) {
  try {
    return memory.get(key) ?? localStorage.getItem(key);
  } catch {
    return null;
  }
}

export const is_change = key => key === null || key.startsWith(prefix);

export function change_of(id) {
  try {
    return JSON.parse(read(prefix + id));
  } catch {
    return null;
  }
}

export function put_change(one) {
  const text = JSON.stringify(one);
  try {
    localStorage.setItem(prefix + one.id, text);
    memory.delete(prefix + one.id);
  } catch {
    memory.set(prefix + one.id, text);
  }
}

export function remove_change(id) {
  memory.delete(prefix + id);
  try { localStorage.removeItem(prefix + id); } catch { /* no localStorage */ }
}

/** All changes, the oldest first. */
export function kept_changes() {
  const keys = new Set(memory.keys());
  try { for (const key of Object.keys(localStorage)) keys.add(key); } catch { /* no localStorage */ }
  return [...keys].filter(is_change).map(key => change_of(key.slice(prefix.length)))
    .filter(one => one?.id && one.method && String(one.target).startsWith("/api/"))
    .sort((a, b) => a.at - b.at || a.id.localeCompare(b.id));
}
