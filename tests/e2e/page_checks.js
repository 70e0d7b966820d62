// What a person who cannot see well, or uses no mouse, would stumble over on the page as it is now.
// Evaluates to a list of sentences; [] is right.
(() => {
  const found = [];
  const visible = element => element.checkVisibility({ visibilityProperty: true }) &&
    element.getClientRects().length > 0;
  const told = element => `<${element.tagName.toLowerCase()}${element.id ? ` id=${element.id}` : ""}> ` +
    `"${(element.textContent || element.value || "").trim().slice(0, 40)}"`;

  // Names of everything that can be used or means something.
  const text_of_ids = ids => (ids || "").split(/\s+/).filter(Boolean)
    .map(id => document.getElementById(id)?.textContent ?? "").join(" ").trim();
  function name_of(element) {
    const label = text_of_ids(element.getAttribute("aria-labelledby")) || element.getAttribute("aria-label");
    if (label) return label;
    if (element.labels?.length) return Array.from(element.labels, one => one.textContent).join(" ").trim();
    if (element.tagName === "IMG") return element.alt;
    return (element.innerText || element.title || "").trim();
  }
  const things = "a[href], button, input, select, textarea, summary, video, progress, dialog[open], nav, [role=img], [role=region]";
  for (const element of document.querySelectorAll(things)) {
    if (visible(element) && !element.closest("[aria-hidden=true]") && !name_of(element)) found.push(`no name: ${told(element)}`);
  }
  for (const image of document.querySelectorAll("img")) {
    if (!image.hasAttribute("alt")) found.push(`no alt: ${told(image)}`);
  }

  // The document's own order.
  const ids = Array.from(document.querySelectorAll("[id]"), element => element.id);
  for (const id of new Set(ids.filter((one, at) => ids.indexOf(one) !== at))) found.push(`id twice: ${id}`);
  for (const kind of ["for", "aria-labelledby", "aria-describedby", "aria-controls", "list"]) {
    for (const element of document.querySelectorAll(`[${kind}]`)) {
      for (const id of element.getAttribute(kind).split(/\s+/)) {
        if (!document.getElementById(id)) found.push(`${kind} names nothing: ${told(element)}`);
      }
    }
  }
  if (!document.documentElement.lang) found.push("no language");
  if (!document.title) found.push("no title");
  const main_headings = Array.from(document.querySelectorAll("h1")).filter(visible);
  if (main_headings.length !== 1) found.push(`${main_headings.length} main headings`);
  let level = 1;
  for (const heading of Array.from(document.querySelectorAll("h1, h2, h3, h4")).filter(visible)) {
    const now = Number(heading.tagName[1]);
    if (now > level + 1) found.push(`a level of headings is left out: ${told(heading)}`);
    level = now;
  }
  for (const list of document.querySelectorAll("ul")) {
    for (const child of list.children) if (child.tagName !== "LI") found.push(`not of a list: ${told(child)}`);
  }

  // Contrast (WCAG 2.1: 4.5 for text, 3 for large text and for the edges of what can be used).
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
    .getContext("2d", { willReadFrequently: true });
  function colour(text) {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = text;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  }
  const over = (top, ground) => [0, 1, 2].map(n => top[n] * top[3] + ground[n] * (1 - top[3])).concat(1);
  function ground_of(element) {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const layer = colour(getComputedStyle(at).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reduceRight((ground, layer) => over(layer, ground), colour("Canvas"));
  }
  function light(of) {
    const [r, g, b] = of.map(value => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }
  function contrast(a, b) {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  }
  function need(element, wanted, is, what) {
    if (is < wanted) found.push(`${what} ${is.toFixed(2)} < ${wanted}: ${told(element)}`);
  }
  const opacity_of = element => {
    let all = 1;
    for (let at = element; at; at = at.parentElement) all *= Number(getComputedStyle(at).opacity);
    return all;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !visible(element) || element.closest("option, script, noscript, :disabled")) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ground = ground_of(element), ink = colour(style.color);
    ink[3] *= opacity_of(element);
    need(element, large ? 3 : 4.5, contrast(over(ink, ground), ground), "contrast of text");
  }
  for (const field of document.querySelectorAll("input[type=text], input[type=number], input[type=search], select")) {
    if (!visible(field)) continue;
    const style = getComputedStyle(field), ground = ground_of(field.parentElement);
    need(field, 3, contrast(over(colour(style.borderTopColor), ground), ground), "contrast of an edge");
    need(field, 4.5, contrast(colour(style.color), ground_of(field)), "contrast of a field");
    const hint = getComputedStyle(field, "::placeholder");
    need(field, 4.5, contrast(over(colour(hint.color), ground_of(field)), ground_of(field)), "contrast of a hint");
  }

  // Room for a finger, and nothing beside the screen.
  for (const element of document.querySelectorAll("a[href], button, select, summary, input:not([type=file])")) {
    if (!visible(element) || element.closest("p, footer, .skip") || element.matches(".skip, .box, .rows a")) continue;
    const { width, height } = element.getBoundingClientRect();
    if (width < 24 || height < 24) found.push(`small: ${told(element)} ${Math.round(width)}x${Math.round(height)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push("wider than the screen");
  return found;
})()
