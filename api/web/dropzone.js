// A place to drop files on, which is also the label of a file input: pointer, keyboard and drop all
// end in the same call.

export function dropzone(area, input, on_files) {
  const offer = files => { if (files.length > 0) on_files(Array.from(files)); };
  input.addEventListener("change", () => { offer(input.files); input.value = ""; });
  area.addEventListener("dragover", event => {
    event.preventDefault();
    area.classList.add("over");
  });
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", event => {
    event.preventDefault();
    area.classList.remove("over");
    offer(event.dataTransfer.files);
  });
}

// A photo dropped beside the area must not make the browser leave the page.
for (const kind of ["dragover", "drop"]) {
  window.addEventListener(kind, event => event.preventDefault());
}
