// The card of the current row: how the two calls compare, and what each of them does.

import { functionName, make, proseOf } from "./dom.mjs";

const HOW = { here: "", elsewhere: "in another row: ", still: "still at " };

/** The card's contents for a row; `names` are those of the builds, `at` where each side is. */
export function cardOf(data, names, row, at) {
  const { means, differs } = data.rows[row];
  const head = make("p.means", {}, make("b", {}, means));
  const facts = differs.map(([fact, left, right]) => factOf(fact, left, right));
  const sides = at.map((place, side) => sideOf(data, names[side], place, side));
  return [head, ...(facts.length ? [make("dl.differs", {}, ...facts)] : []), ...sides];
}

/** The card's contents for equal rows that are folded. */
export function cardOfFold(data, names, text, [first, last]) {
  const head = make("p.means", {}, make("b", {}, text), " (Enter shows them)");
  const sides = names.map((name, side) => {
    const calls = data.rows.slice(first, last + 1).map(({ sides: both }) => both[side]);
    const [from, to] = [calls.find(Boolean), calls.findLast(Boolean)];
    const title = make("h3", {}, make("small", {}, name), " ");
    if (from) title.append(functionName(from.name), " … ", functionName(to.name));
    return make("div.side", {}, title);
  });
  return [head, ...sides];
}

function factOf(fact, left, right) {
  return make("div", {}, make("dt", {}, fact), make("dd", {}, left, make("i", {}, " ≠ "), right));
}

function sideOf(data, name, place, side) {
  const box = make("div.side");
  const title = make("h3", {}, make("small", {}, name), " ");
  box.append(title);
  const call = place && data.rows[place.row].sides[side];
  box.dataset.how = place?.how ?? "none";
  if (!call) {
    title.append(make("span.quiet", {}, "has not begun"));
    return box;
  }
  box.classList.add(call.step);
  title.append(make("span.quiet", {}, HOW[place.how]));
  if (place.how === "elsewhere") title.append(make("a", { href: `#row-${place.row}` }, functionName(call.name)));
  else title.append(functionName(call.name));
  if (call.layer) {
    const [layer, className] = call.layer;
    title.append(" ", make("span.layer", {}, layer, make("small", {}, ` ${className}`)));
  }
  if (place.how === "still") return box;
  const [summary, alone] = data.sentences[call.says];
  box.append(make("p.says", {}, ...proseOf(summary)));
  if (alone) box.append(make("p.alone", {}, ...proseOf(alone)));
  const facts = [call.flow ?? "", ...(call.makes ?? []).map((text) => `makes ${text}`)].filter(Boolean);
  if (facts.length) box.append(make("p.shape", {}, facts.join(" · ")));
  if (call.error) box.append(make("p.error", {}, call.error));
  if (call.line !== undefined) box.append(lineOf(data.lines[call.line]));
  return box;
}

/** The user's line, in its place. */
function lineOf({ place, code }) {
  const box = make("div.line", {}, make("span.place", {}, place));
  const shown = code.filter(({ meant }) => meant);
  const lines = shown.map(({ number, pieces }) => {
    const item = make("li.marked", { "data-line": number });
    for (const [kind, text] of pieces) item.append(kind ? make(`span.py-${kind}`, {}, text) : text);
    return item;
  });
  if (lines.length) box.append(make("ol.code", {}, ...lines));
  return box;
}
