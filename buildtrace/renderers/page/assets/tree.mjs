// The tree of calls. However many there are, only the rows in sight are elements.

import { atWork } from "./data.mjs";
import { center, count, functionName, make } from "./dom.mjs";
import { findingBadges } from "./findings.mjs";

const MORE = 6; // rows made above and below those in sight

export class Tree {
  /** `page` has `data`, `go(id)` and `position`; `box` scrolls. */
  constructor(page, box) {
    Object.assign(this, { page, box });
    this.list = make("div.rows", { role: "none" });
    this.box.replaceChildren(this.list);
    this.made = new Map();
    this.cursor = -1;
    this.box.addEventListener("scroll", () => this.draw(), { passive: true });
    this.list.addEventListener("click", (event) => this.clicked(event));
    this.box.addEventListener("keydown", (event) => this.pressed(event));
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  /** Show another chapter. */
  open(timeline, folds) {
    Object.assign(this, { timeline, folds, cursor: -1 });
    this.refold();
  }

  /** The rows are others now; they are drawn when the page shows where it is. */
  refold() {
    this.rowHeight ??= this.measure();
    this.list.style.height = `${this.folds.rows.length * this.rowHeight}px`;
    this.made.clear();
    this.list.replaceChildren();
  }

  measure() {
    const probe = this.list.appendChild(make("div.row"));
    const height = probe.getBoundingClientRect().height;
    probe.remove();
    return height || 28;
  }

  /** Show the page's position. */
  move() {
    this.current = this.folds.rowFor(this.timeline.at(this.page.position).id);
    this.cursor = this.current;
    this.page.after(() => {
      if (this.current >= 0) center(this.box, this.current * this.rowHeight, this.rowHeight);
      else this.box.scrollTop = 0;
      this.draw();
    });
  }

  draw() {
    if (!this.folds) return;
    const first = Math.max(0, Math.floor(this.box.scrollTop / this.rowHeight) - MORE);
    const sight = Math.ceil(this.box.clientHeight / this.rowHeight) + 2 * MORE;
    const last = Math.min(this.folds.rows.length, first + sight);
    for (const [number, row] of this.made) {
      if (number < first || number >= last) {
        row.element.remove();
        this.made.delete(number);
      }
    }
    for (let number = first; number < last; number++) this.drawRow(number);
    const focused = this.made.get(this.cursor);
    if (focused) this.box.setAttribute("aria-activedescendant", focused.element.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  drawRow(number) {
    const state = this.stateOf(number);
    const old = this.made.get(number);
    if (old && old.state === state) return;
    const row = this.folds.rows[number];
    const element = row.gap ? this.gapRow(row) : this.callRow(row);
    element.id = `row-${number}`;
    element.dataset.row = number;
    element.style.top = `${number * this.rowHeight}px`;
    element.style.setProperty("--depth", Math.min(row.depth, 24));
    element.setAttribute("role", "treeitem");
    element.setAttribute("aria-level", row.depth + 1);
    if (number === this.current) element.setAttribute("aria-current", "step");
    element.classList.toggle("current", number === this.current);
    element.classList.toggle("cursor", number === this.cursor && number !== this.current);
    if (old) old.element.replaceWith(element);
    else this.list.append(element);
    this.made.set(number, { state, element });
  }

  stateOf(number) {
    const row = this.folds.rows[number];
    const { position } = this.page;
    const marks = `${number === this.current}${number === this.cursor}`;
    if (!row.gap) return this.timeline.state(row.id, position) + marks;
    const first = this.timeline.begins[row.gap[0]];
    const last = this.timeline.ends[row.gap[row.gap.length - 1]];
    return (position < first ? "todo" : position < last ? "open" : "done") + marks;
  }

  gapRow(row) {
    const state = this.stateOf(this.folds.rowOf[row.gap[0]]).replace(/true|false/g, "");
    const text = `… ${count(row.count, "call")} more`;
    return make(`div.row.gap.${state}`, { title: "Show them" }, make("span.fold", {}, "+"), text);
  }

  callRow({ id, closed }) {
    const { data, position } = this.page;
    const call = data.calls[id];
    const { name } = data.functions[call.function];
    const state = this.timeline.state(id, position);
    const inner = this.timeline.children[id].length;
    const parts = [functionName(name)];
    let title = name;
    if (atWork(data, call)) {
      const [layer, className] = atWork(data, call);
      parts.push(make("span.layer", {}, layer));
      title += ` · ${layer} (${className})`;
    }
    if (state !== "todo") parts.push(...pieces(call.row, state === "done"));
    parts.push(...findingBadges(this.page.findings.get(id)));
    if (closed) parts.push(make("span.inside", {}, `${count(this.folds.sizes[id] - 1, "call")} inside`));
    const fold = make("span.fold", { "aria-hidden": "true" }, inner ? (closed ? "▸" : "▾") : "");
    const element = make(`div.row.${state}.${call.step}`, { title }, fold, ...parts);
    if (inner) element.setAttribute("aria-expanded", String(!closed));
    if (call.error && state === "done") {
      element.classList.add(call.error.swallowed ? "swallowed" : "failed");
    }
    return element;
  }

  clicked(event) {
    const element = event.target.closest(".row");
    if (!element) return;
    const number = Number(element.dataset.row);
    if (event.target.closest(".fold") || this.folds.rows[number].gap) this.toggle(number);
    else this.page.go(this.folds.rows[number].id);
    this.box.focus({ preventScroll: true });
  }

  toggle(number) {
    const row = this.folds.rows[number];
    if (row.gap) this.folds.openGap(row.gap);
    else if (this.timeline.children[row.id].length) this.folds.toggle(row.id);
    this.current = this.folds.rowFor(this.timeline.at(this.page.position).id);
    this.cursor = number;
    this.refold();
    this.draw();
    this.page.folded();
  }

  pressed(event) {
    const { length } = this.folds.rows;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12 };
    if (event.key in moves && !event.shiftKey) {
      this.cursor = Math.max(0, Math.min(length - 1, this.cursor + moves[event.key]));
      center(this.box, this.cursor * this.rowHeight, this.rowHeight);
      this.draw();
    } else if (event.key === "Enter" && this.cursor >= 0) {
      const row = this.folds.rows[this.cursor];
      if (row.gap) this.toggle(this.cursor);
      else this.page.go(row.id);
    } else if ((event.key === "+" || event.key === "-") && this.cursor >= 0) {
      const row = this.folds.rows[this.cursor];
      if (row.gap ? event.key === "+" : row.closed === (event.key === "+")) this.toggle(this.cursor);
    } else {
      return;
    }
    event.preventDefault();
  }
}

/** What a row says of a call that has begun: some of it while it is open, and all once it is over. */
function pieces(row = [], over) {
  return row
    .map(([look, text, before, title]) => [look, over ? text : before, title])
    .filter(([, text]) => text)
    .map(([look, text, title]) => make(`span.${look}`, { title: title || undefined }, text));
}
