// Files that are chosen, dropped (with the contents of folders) or pasted. `path` of a file is relative
// to what was dropped, because a folder's name may be a person's. An unreadable file is in the list too,
// with the reason in `lost`; on_files(files, left_out) also gets the names of hidden and system files.

const with_path = (file, path, lost = "") => Object.assign(file, { path, lost });
const lost = (path, why) => with_path(new File([], path.split("/").pop() || path), path, why);
const others = ["Thumbs.db", "desktop.ini", "__MACOSX"];
const is_meant = file => !file.path.split("/").some(name => name.startsWith(".") || others.includes(name));

async function files_of(entry, path, found) {
  const mine = path + entry.name;
  try {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => { entry.file(resolve, reject); });
      found.push(with_path(file, mine));
      return;
    }
    const reader = entry.createReader();
    for (;;) {  // a reader returns a hundred entries at a time
      const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
      if (some.length === 0) return;
      for (const one of some) await files_of(one, `${mine}/`, found);
    }
  } catch {
    found.push(lost(mine, entry.isFile ? "The file cannot be read" : "The folder cannot be read"));
  }
}

async function dropped(transfer) {
  // Collect all entries first: after an await the transfer is empty.
  const entries = Array.from(transfer.items ?? [], item => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return Array.from(transfer.files, file => with_path(file, file.name));
  const found = [];
  for (const entry of entries) await files_of(entry, "", found);
  return found;
}

function hand_over(files, on_files) {
  const meant = files.filter(is_meant), left_out = files.filter(file => !is_meant(file));
  on_files(meant, left_out.map(file => file.path));
}

export function chooser(input, on_files) {
  input.addEventListener("change", () => {
    const files = Array.from(input.files, file => with_path(file, file.webkitRelativePath || file.name));
    input.value = "";
    if (files.length > 0) hand_over(files, on_files);
  });
}

/** `area` accepts drops; `mark` is highlighted meanwhile. */
export function dropzone(area, mark, on_files) {
  let depth = 0;  // dragenter and dragleave also fire for children
  const show = () => mark.classList.toggle("over", depth > 0);
  area.addEventListener("dragenter", () => { depth += 1; show(); });
  area.addEventListener("dragleave", () => { depth -= 1; show(); });
  area.addEventListener("drop", async event => {
    depth = 0;
    show();
    hand_over(await dropped(event.dataTransfer), on_files);
  });
}

/** The current bytes of a file, or null if it was moved or locked since it was chosen. */
export async function bytes_of(file) {
  try {
    return new Blob([await file.arrayBuffer()], { type: file.type });
  } catch {
    return null;
  }
}

// A photo dropped outside an area must not make the browser leave the page.
for (const kind of ["dragover", "drop"]) {
  addEventListener(kind, event => event.preventDefault());
}
