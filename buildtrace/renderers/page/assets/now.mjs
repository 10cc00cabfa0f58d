// What has just happened, in words; and the call stack.

import { functionName, make, proseOf } from "./dom.mjs";
import { findingLines } from "./findings.mjs";
import { lineAt } from "./source.mjs";

/** The words for a position: {verb, summary, article, facts: [[label, text, look, when]]}. */
function words(data, timeline, position) {
  const { id, ended } = timeline.at(position);
  if (id < 0) {
    const summary = timeline.length
      ? "Nothing has run yet: every layer is a ghost. Step forward to see the build happen."
      : "No build was recorded.";
    return { verb: "Before", summary, article: "", facts: [] };
  }
  const call = data.calls[id];
  const row = data.landmarks[call.landmark];
  const facts = (call.card ?? []).filter(([, , , when]) => ended || when === "open");
  const failed = ended && call.error;
  const verb = failed
    ? call.error.swallowed
      ? "Raised, and was caught:"
      : "Failed:"
    : ended
      ? "Done:"
      : "Enter";
  return { verb, summary: row?.summary ?? "", article: row?.article ?? "", facts };
}

/** The card that says where the build is. */
export function showNow(page, box, timeline) {
  const { data, position } = page;
  const { id, ended } = timeline.at(position);
  const call = data.calls[id];
  const said = words(data, timeline, position);
  const title = make("h2", {}, make("span.verb", {}, said.verb));
  if (call) {
    title.append(" ", functionName(data.functions[call.function].name));
    if (call.layer !== undefined) {
      const [name, className] = data.layers[call.layer];
      title.append(" ", make("span.layer", {}, name, make("small", {}, ` ${className}`)));
    }
    title.prepend(make("span.chip", {}, call.step), " ");
    if (call.thread) title.append(" ", make("small", {}, `thread ${call.thread}`));
  }
  const facts = make("dl.facts");
  for (const [label, text, look] of said.facts) {
    facts.append(make(`div.${look}`, {}, make("dt", {}, label), make("dd", {}, text)));
  }
  const failed = call && ended ? call.error : undefined;
  const parts = [title];
  if (failed) parts.push(make("pre.message", {}, `${failed.type}: ${failed.message}`));
  if (failed && id === data.failed && data.comparison.length) parts.push(comparison(data.comparison));
  parts.push(...findingLines(page.findings.get(id)));
  parts.push(make("p.summary", {}, ...proseOf(said.summary)));
  if (said.article) parts.push(make("p.article", {}, ...proseOf(said.article)));
  if (said.facts.length) parts.push(facts);
  box.replaceChildren(...parts);
  box.className = `now ${call ? call.step : ""} ${failed ? (failed.swallowed ? "swallowed" : "failed") : ""}`;
}

/** What the layer got, beside what it takes and the build that settled that. */
function comparison(rows) {
  const list = make("dl.compare");
  for (const { label, text, call, lines } of rows) {
    const value = make("dd", {}, text);
    for (const [place, code] of lines) value.append(make("span.quiet", {}, `${place}  ${code}`));
    if (call !== undefined) {
      value.append(" ", make("button", { type: "button", "data-go": call, "data-end": 1 }, "Show that build"));
    }
    list.append(make("div", {}, make("dt", {}, label), value));
  }
  return list;
}

/** The stack, innermost first; each function can be chosen to see its source. */
export function showStack(page, box, stack) {
  const { data } = page;
  const rows = stack.map((id, place) => {
    const call = data.calls[id];
    const known = data.functions[call.function];
    const line = lineAt(data.functions, data.calls, stack, place);
    const file = known.place.replace(/:\d+$/, "");
    const button = make(
      `button.frame.${call.step}`,
      {
        type: "button",
        "aria-pressed": String(place === page.frame),
        title: `${known.name} at ${file}:${line}`,
      },
      functionName(known.name),
      make("span.layer", {}, call.layer === undefined ? "" : data.layers[call.layer][0]),
      make("span.place", {}, file ? `${file}:${line}` : ""),
    );
    button.addEventListener("click", () => page.choose(place));
    return make("li", {}, button);
  });
  box.replaceChildren(...rows.reverse());
}
