// Files from wherever they come: chosen, dropped (folders are opened), pasted. A file keeps the path
// below what was dropped in `path`, because a folder's name may be a person's.

const with_path = (file, path) => Object.assign(file, { path });

async function files_of(entry, path, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => { entry.file(resolve, reject); });
    found.push(with_path(file, path + file.name));
    return;
  }
  const reader = entry.createReader();
  for (;;) {  // a reader gives a hundred at a time
    const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (some.length === 0) return;
    for (const one of some) await files_of(one, `${path}${entry.name}/`, found);
  }
}

async function dropped(transfer) {
  // All entries first: after a wait the transfer is empty.
  const entries = Array.from(transfer.items ?? [], item => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return Array.from(transfer.files, file => with_path(file, file.name));
  const found = [];
  for (const entry of entries) await files_of(entry, "", found);
  return found;
}

/** Without what file managers leave in folders. */
const visible = files => files.filter(file => !file.name.startsWith(".") && file.name !== "Thumbs.db");

export function chooser(input, on_files) {
  input.addEventListener("change", () => {
    const files = Array.from(input.files, file => with_path(file, file.webkitRelativePath || file.name));
    input.value = "";
    if (files.length > 0) on_files(visible(files));
  });
}

/** `area` takes drops; `mark` shows where they would go. */
export function dropzone(area, mark, on_files) {
  let depth = 0;  // dragenter and dragleave come for every child
  const show = () => mark.classList.toggle("over", depth > 0);
  area.addEventListener("dragenter", () => { depth += 1; show(); });
  area.addEventListener("dragleave", () => { depth -= 1; show(); });
  area.addEventListener("drop", async event => {
    depth = 0;
    show();
    const files = visible(await dropped(event.dataTransfer));
    if (files.length > 0) on_files(files);
  });
}

// A photo dropped beside an area must not make the browser leave the page.
for (const kind of ["dragover", "drop"]) {
  addEventListener(kind, event => event.preventDefault());
}
