// Making elements. Texts are only ever text: no name can become markup.

/** An element: `make("b.name", {title: "…"}, "text", child, …)`. */
export function make(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== "" && child !== null));
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}

/** The qualified name of a function, its last part set off. */
export function functionName(name) {
  const dot = name.lastIndexOf(".") + 1;
  return make("span.function", {}, make("span.owner", {}, name.slice(0, dot)), name.slice(dot));
}

/** A sentence with code in backticks, as nodes. */
export function proseOf(text) {
  return text.split("`").map((part, n) => (n % 2 ? make("code", {}, part) : part));
}

/** A number with its noun. */
export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** Bring a part of a scrolling box into its middle, if it is not well inside already. */
export function center(box, top, height) {
  const margin = Math.min(60, box.clientHeight / 4);
  const inside = top >= box.scrollTop + margin;
  if (inside && top + height <= box.scrollTop + box.clientHeight - margin) return;
  box.scrollTop = Math.max(0, top + height / 2 - box.clientHeight / 2);
}
