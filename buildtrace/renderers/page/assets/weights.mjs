// The tables of weights, and of what optimizers and metrics hold: they fill as that is made.

import { byId, count, make } from "./dom.mjs";
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
    Object.assign(this, { page, body, summary, drawer, held: byId("held") });
    drawer.addEventListener("toggle", () => this.fill());
    drawer.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-call]");
      if (button) page.go(Number(button.dataset.call), button.dataset.end === "1");
    });
  }

  open(chapter) {
    this.chapter = chapter;
    this.rows = undefined;
    this.body.replaceChildren();
    for (const body of this.held?.querySelectorAll("tbody") ?? []) body.remove();
    if (this.held) this.held.hidden = !chapter.held.length;
    this.body.parentElement.hidden = !chapter.weights.length;
    this.drawer.hidden = !chapter.weights.length && !chapter.held.length;
    this.fill();
  }

  /** Make the rows when they are looked at. */
  fill() {
    if (!this.drawer.open || this.rows) return;
    const { weights, columns, variables, variable_columns: looks } = this.page.data;
    this.rows = [];
    this.add(this.body, this.chapter.weights.map((place) => weights[place]), columns, "weight");
    for (const [title, places] of this.chapter.held) {
      const head = make("th.holder", { scope: "rowgroup", colspan: looks.length }, title);
      const body = make("tbody", {}, make("tr", {}, head));
      this.add(body, places.map((place) => variables[place]), looks, "variable");
      this.held.append(body);
    }
    this.mark();
  }

  /** Rows of what is in one body of a table; the first of many, and a button for the rest. */
  add(body, items, looks, noun, most = MOST_ROWS) {
    for (const item of items.slice(0, most)) {
      const row = rowOf(item, looks);
      this.rows.push({ row, item });
      body.append(row);
    }
    const left = items.slice(most);
    if (!left.length) return;
    const button = make("button", { type: "button" }, `Show ${count(left.length, `more ${noun}`)}`);
    const last = make("tr", {}, make("td", { colspan: looks.length }, button));
    button.addEventListener("click", () => {
      last.remove();
      this.add(body, left, looks, noun, left.length);
      this.mark();
    });
    body.append(last);
  }

  move() {
    const { data, timeline, position } = this.page;
    const { weights, besides } = this.chapter;
    const sum = totals(data.weights, weights, timeline, position);
    const frozen = sum.frozen ? `, ${sum.frozen.toLocaleString("en")} not trainable` : "";
    const made =
      `${sum.made.toLocaleString("en")} of ${sum.of.toLocaleString("en")} made · ` +
      `${sum.parameters.toLocaleString("en")} of ${count(sum.all, "parameter")}${frozen}`;
    this.summary.textContent = [weights.length ? made : "none", ...besides].join(" · ");
    this.mark();
  }

  mark() {
    if (!this.rows || !this.drawer.open) return;
    const { timeline, position } = this.page;
    for (const { row, item } of this.rows) {
      row.classList.toggle("todo", !weightMade(item, timeline, position));
    }
  }
}

function rowOf({ cells }, looks) {
  return make(
    "tr",
    {},
    ...cells.map((cell, place) => {
      const what = place ? "td" : "th";
      const look = looks[place] && `.${looks[place]}`;
      return make(`${what}${look}`, { scope: place ? undefined : "row" }, contentOf(cell));
    }),
  );
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
