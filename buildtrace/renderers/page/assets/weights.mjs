// The table of weights, which fills as they are made.

import { count, make } from "./dom.mjs";
import { weightMade } from "./progress.mjs";

const MOST_ROWS = 400; // rows at once; a button brings the rest

/** How much is made at a position, and kept in the end: {made, of, parameters, frozen, all}. */
export function totals(weights, places, timeline, position) {
  const sum = { made: 0, of: 0, parameters: 0, frozen: 0, all: 0 };
  for (const place of places) {
    const weight = weights[place];
    if (weight.replaced) continue;
    sum.of += 1;
    sum.all += weight.parameters;
    if (!weightMade(weight, timeline, position)) continue;
    sum.made += 1;
    sum.parameters += weight.parameters;
    if (!weight.trainable) sum.frozen += weight.parameters;
  }
  return sum;
}

export class Weights {
  constructor(page, { body, summary, drawer }) {
    Object.assign(this, { page, body, summary, drawer });
    drawer.addEventListener("toggle", () => this.fill());
    body.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-call]");
      if (button) page.go(Number(button.dataset.call), button.dataset.end === "1");
    });
  }

  open(chapter) {
    this.places = chapter.weights;
    this.rows = undefined;
    this.body.replaceChildren();
    this.drawer.hidden = !this.places.length;
    this.fill();
  }

  /** Make the rows when they are looked at. */
  fill() {
    if (!this.drawer.open || this.rows) return;
    this.rows = [];
    this.add(MOST_ROWS);
    this.mark();
  }

  add(most) {
    const from = this.rows.length;
    for (const place of this.places.slice(from, from + most)) {
      const row = this.rowOf(this.page.data.weights[place]);
      this.rows.push({ row, place });
      this.body.append(row);
    }
    const left = this.places.length - this.rows.length;
    if (!left) return;
    const button = make("button", { type: "button" }, `Show ${count(left, "more weight")}`);
    const last = make("tr", {}, make("td", { colspan: this.page.data.columns.length }, button));
    button.addEventListener("click", () => {
      last.remove();
      this.add(left);
      this.mark();
    });
    this.body.append(last);
  }

  rowOf({ cells }) {
    const { columns } = this.page.data;
    return make(
      "tr",
      {},
      ...cells.map((cell, place) => {
        const what = place ? "td" : "th";
        const look = columns[place] && `.${columns[place]}`;
        return make(`${what}${look}`, { scope: place ? undefined : "row" }, contentOf(cell));
      }),
    );
  }

  move() {
    const { data, timeline, position } = this.page;
    const sum = totals(data.weights, this.places, timeline, position);
    const frozen = sum.frozen ? `, ${sum.frozen.toLocaleString("en")} not trainable` : "";
    this.summary.textContent =
      `${sum.made.toLocaleString("en")} of ${sum.of.toLocaleString("en")} made · ` +
      `${sum.parameters.toLocaleString("en")} of ${count(sum.all, "parameter")}${frozen}`;
    this.mark();
  }

  mark() {
    if (!this.rows || !this.drawer.open) return;
    const { data, timeline, position } = this.page;
    for (const { row, place } of this.rows) {
      row.classList.toggle("todo", !weightMade(data.weights[place], timeline, position));
    }
  }
}

/** A cell's text, or what leads to the call that it names. */
function contentOf(cell) {
  if (typeof cell === "string") return cell;
  const { text, owner, call, ended, hint } = cell;
  const said = owner ? [make("span.owner", {}, owner), text] : [text];
  if (call === undefined) return make("span", {}, ...said);
  const to = { type: "button", "data-call": call, "data-end": ended && "1", title: hint };
  return make("button.link", to, ...said);
}
