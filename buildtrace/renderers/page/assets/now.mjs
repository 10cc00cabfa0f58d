// What has just happened, in words; and the call stack.

import { atWork } from "./data.mjs";
import { functionName, make, proseOf } from "./dom.mjs";
import { findingButtons } from "./findings.mjs";
import { lineAt } from "./source.mjs";
import { textOf } from "./story.mjs";

const LONG_SENTENCE = 90; // a sentence of more letters is less large in a hall
const NOTHING_YET = "Nothing is built yet: every layer is a ghost.";

/** The card that says where the build is: the sentence, and behind it what the call is. */
export function showNow(page, box, timeline) {
  const { data, position, story } = page;
  const { id, ended } = timeline.at(position);
  const call = data.calls[id];
  const beat = story.at(position);
  box.className = ["now", ...looksOf(call, ended)].join(" ");
  if (!call) {
    const says = timeline.length ? NOTHING_YET : data.nothing;
    fill(box, [make("h2.says", {}, says)]);
    return;
  }
  const title = titleOf(data, call, ended);
  const error = ended ? call.error : undefined;
  const long = beat && textOf(beat.says).length > LONG_SENTENCE;
  const parts = beat
    ? [make(`h2.says${long ? ".long" : ""}`, {}, ...sentenceOf(beat.says, error)), make("p.call", {}, ...title)]
    : [make("h2.says.call", {}, ...title)];
  // What the run failed of is told beside this, whole.
  if (error && id !== data.failure) parts.push(messageOf(data, call));
  if (ended && id === data.failure) {
    fill(box, parts);
    return;
  }
  const badges = findingButtons(page.findings.get(id));
  if (badges.length) parts.push(make("p.badges", {}, ...badges));
  fill(box, parts, data.landmarks[call.landmark], story.isNew(position), factsOf(call, ended));
}

/** `info` is of the landmark: in one line if that has been said before, and with none of it hidden. */
function fill(box, parts, info = {}, isNew = false, facts = []) {
  const { summary = "", article = "" } = info;
  // This stays: for a new `details`, a browser goes through all elements of the page.
  const about = box.querySelector(".about");
  for (const child of [...box.children]) if (child !== about) child.remove();
  about.hidden = !summary;
  about.open = isNew && summary !== "";
  about.querySelector(".summary").replaceChildren(...proseOf(summary));
  about.querySelector(".article").replaceChildren(...proseOf(article));
  about.before(...parts);
  about.after(...facts);
}

function looksOf(call, ended) {
  if (!call) return [];
  if (!ended || !call.error) return [call.step];
  return [call.step, call.error.swallowed ? "swallowed" : "failed"];
}

/** Which call it is, and whether it begins or ends. */
function titleOf(data, call, ended) {
  const verbs = { true: "Raised, and was caught:", false: "Failed:" };
  const verb = !ended ? "Enter" : call.error ? verbs[call.error.swallowed] : "Done:";
  const name = functionName(data.functions[call.function].name);
  const parts = [make("span.chip", {}, call.step), " ", make("span.verb", {}, verb), " ", name];
  if (atWork(data, call)) {
    const [layer, className] = atWork(data, call);
    parts.push(" ", make("span.layer", {}, layer, make("small", {}, ` ${className}`)));
  }
  if (call.thread) parts.push(" ", make("small", {}, `thread ${call.thread}`));
  return parts;
}

/** A sentence whose names, shapes and numbers look like what they are; its error stands elsewhere. */
function sentenceOf(says, error) {
  const told = error && `${error.type}: `;
  const left = says.filter((phrase) => !(told && phrase[1] === "error" && phrase[0].startsWith(told)));
  return left.map((phrase, n) => {
    if (typeof phrase !== "string") return make(`span.is-${phrase[1]}`, {}, phrase[0]);
    return n === left.length - 1 ? phrase.replace(/: $/, ".") : phrase; // nothing follows the colon
  });
}

/** The text of the exception; where it only comes through, the call that it is from. */
function messageOf(data, { error }) {
  const raised = data.calls[data.failure];
  if (!error.swallowed && raised && raised.error.message === error.message) {
    const { name } = data.functions[raised.function];
    const button = make("button", { type: "button", "data-go": data.failure, "data-end": 1 }, name);
    return make("p.through", {}, `${error.type}, out of `, button);
  }
  return make("pre.message", {}, `${error.type}: ${error.message}`);
}

/** What this call did. */
function factsOf(call, ended) {
  const facts = make("dl.facts");
  for (const [label, text, look, when] of call.card ?? []) {
    if (ended || when === "open") facts.append(make(`div.${look}`, {}, make("dt", {}, label), make("dd", {}, text)));
  }
  return facts.children.length ? [facts] : [];
}

/** The button that leads on, with what comes next. */
export function showNext(page, button) {
  const { data, timeline, position } = page;
  const there = page.next(1);
  button.disabled = there === position;
  const beat = page.story.at(there);
  const { id, ended } = timeline.at(there);
  const what = beat ? textOf(beat.says) : id < 0 ? "" : `${ended ? "end" : "beginning"} of ${page.nameOf(id)}`;
  const lead = position === 0 ? "Press → for the first step: " : "next: ";
  button.querySelector("span").textContent = button.disabled ? "This is the end of the story." : lead + what;
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
      make("span.layer", {}, atWork(data, call)?.[0] ?? ""),
      make("span.place", {}, file ? `${file}:${line}` : ""),
    );
    button.addEventListener("click", () => page.choose(place));
    return make("li", {}, button);
  });
  box.replaceChildren(...rows.reverse());
}
