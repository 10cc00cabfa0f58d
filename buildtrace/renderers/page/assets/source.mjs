// The source pane: the function that runs with its line marked, and the user's own line.

import { center, count, functionName, make } from "./dom.mjs";
import { docstringIn, highlight } from "./python.mjs";

const AROUND = 2; // lines of the user's file in sight before and after the marked one
const LONG = 2; // a docstring of more lines is folded

/** The line that a function on the stack is at: the one that made the next call, if it is known. */
export function lineAt(functions, calls, stack, place) {
  const known = functions[calls[stack[place]].function];
  const next = calls[stack[place + 1]];
  const { at } = next ?? {};
  const last = known.line + (known.code ? known.code.split("\n").length : 0);
  return at !== undefined && at >= known.line && at < last ? at : known.definition;
}

/** The name of the file that a function is in. */
function fileOf(known) {
  return known.place.replace(/:\d+$/, "");
}

/** The line of a function that raised, if the trace has it: that of a function of the user's. */
export function raisedIn(known, raised) {
  if (!raised || raised[0] !== known.file) return undefined;
  const last = known.line + known.code.split("\n").length;
  return raised[1] >= known.line && raised[1] < last ? raised[1] : undefined;
}

export class Source {
  /** Two boxes that scroll, for the user's file and for the function; and one line for a hall. */
  constructor(page, parts) {
    Object.assign(this, { page, ...parts }); // user, whose, head, box, line
    this.functions = new Map();
    this.files = new Map();
  }

  /** Show the function of one call of the stack. */
  show(stack, place) {
    const { data } = this.page;
    const call = data.calls[stack[place]];
    const { ended } = this.page.timeline.at(this.page.position);
    this.line.replaceChildren();
    this.showUser(call, ended && place === stack.length - 1);
    if (!call) {
      this.head.replaceChildren();
      this.box.replaceChildren(make("p.quiet.not-yet", {}, "No function of Keras is running yet."));
      return;
    }
    const known = data.functions[call.function];
    this.whose.textContent = known.file === undefined ? "Keras" : "Your function";
    this.head.className = `${this.head.className.split(" ")[0]} ${call.step}`;
    const where = make("span.place", { title: known.module }, known.place);
    this.head.replaceChildren(functionName(known.name), where);
    if (known.missing) {
      this.box.replaceChildren(make("p.quiet", {}, `No source: ${known.missing}.`));
      return;
    }
    const block = this.blockOf(call.function, this.functions, () => blockFrom([known], known.more));
    const inner = place < stack.length - 1;
    const raised = ended && !inner ? raisedIn(known, call.raised) : undefined;
    const line = raised ?? lineAt(data.functions, data.calls, stack, place);
    this.fill(this.box, block, line, inner);
    if (!this.line.firstChild) this.tell(`${fileOf(known)}:${line}`, block.lines.get(line));
  }

  /** The one line that there is room for in a hall. */
  tell(place, line) {
    if (!line) return;
    const pieces = [...line.childNodes].map((node) => node.cloneNode(true));
    if (pieces.length) pieces[0].textContent = pieces[0].textContent.trimStart();
    this.line.replaceChildren(make("span.place", {}, place), make("code", {}, ...pieces));
  }

  /** The user's line that led to a call; where an exception ended that, the line that raised it. */
  showUser(call, ended) {
    const { files } = this.page.data;
    const location = call && ((ended && call.raised) || call.caller);
    if (!call && this.showStart()) return;
    if (!location) {
      const why = call
        ? "It is not known which of your lines led here."
        : "Your code has not called Keras yet.";
      this.user.replaceChildren(make("p.quiet", {}, why));
      return;
    }
    const [place, line] = location;
    const file = files[place];
    this.user.dataset.caller = `${file.name}:${line}`;
    if (!file.pieces.length) {
      const name = make("strong", {}, `${file.name}:${line}`);
      this.user.replaceChildren(
        make("p.quiet", {}, name, " (this page does not have its source)"),
      );
      return;
    }
    const block = this.blockOf(place, this.files, () => blockFrom(file.pieces, 0));
    this.fill(this.user, block, line, false);
    if (ended && call.raised) this.tell(`${file.name}:${line}`, block.lines.get(line));
  }

  /** Before the build: the user's code, of which nothing has run. */
  showStart() {
    const { data, timeline } = this.page;
    const first = data.calls[timeline.roots[0]]?.caller;
    const pieces = first && data.files[first[0]].pieces;
    if (!pieces?.length) return false;
    this.fill(this.user, this.blockOf(first[0], this.files, () => blockFrom(pieces, 0)), undefined, false);
    this.user.scrollTop = 0;
    return true;
  }

  blockOf(key, cache, build) {
    if (!cache.has(key)) cache.set(key, build());
    return cache.get(key);
  }

  /** Put a block of lines into a box and mark one of them. */
  fill(box, block, line, inner) {
    if (box.firstChild !== block.element) {
      box.replaceChildren(block.element);
      block.top = undefined;
    }
    if (block.marked) block.marked.classList.remove("marked", "inner");
    block.marked = block.lines.get(line);
    for (const old of box.querySelectorAll("[aria-current]")) old.removeAttribute("aria-current");
    if (!block.marked) return;
    block.marked.classList.add("marked");
    block.marked.classList.toggle("inner", inner);
    block.marked.setAttribute("aria-current", "location");
    const { marked } = block;
    this.page.after(() => {
      const height = marked.offsetHeight;
      const around = box === this.user ? AROUND * height : height;
      center(box, marked.offsetTop - around, height + 2 * around);
    });
  }
}

/** Lines of code with their numbers, from pieces of consecutive lines. */
function blockFrom(pieces, more) {
  const element = make("ol.code", {});
  const lines = new Map();
  pieces.forEach(({ line, code }, n) => {
    if (n) element.append(make("li.cut", { "aria-hidden": "true" }, "⋯"));
    highlight(code).forEach((tokens, offset) => {
      const item = make("li", { "data-line": line + offset });
      for (const [kind, text] of tokens) item.append(kind ? make(`span.py-${kind}`, {}, text) : text);
      if (!tokens.length) item.append("\n");
      lines.set(line + offset, item);
      element.append(item);
    });
  });
  const [known] = pieces;
  if (known?.definition !== undefined) foldDocstring(known, lines);
  if (more) element.append(make("li.cut", {}, `⋯ ${more} more lines`));
  return { element, lines, marked: undefined };
}

/** Have a row in the place of a function's long docstring, which brings it back. */
function foldDocstring({ line, code }, lines) {
  const [first, last] = docstringIn(code) ?? [0, 0];
  if (last - first < LONG) return;
  const folded = [];
  for (let n = first; n <= last; n++) folded.push(lines.get(line + n));
  const button = make("button.link", { type: "button", "aria-expanded": "false" });
  const show = (shown) => {
    for (const item of folded) item.hidden = !shown;
    button.textContent = shown ? "fold the docstring" : `⋯ docstring, ${count(folded.length, "line")}`;
    button.setAttribute("aria-expanded", String(shown));
  };
  button.addEventListener("click", () => show(folded[0].hidden));
  show(false);
  folded[0].before(make("li.cut.doc", {}, button));
}
