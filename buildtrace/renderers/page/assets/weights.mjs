// The table of weights, which fills as they are made.

import { count, make } from "./dom.mjs";
import { weightMade } from "./graph.mjs";

const MOST_ROWS = 400; // rows at once; a button brings the rest

/** How much is made at a position: {made, of, parameters, frozen, all}. */
export function totals(weights, places, timeline, position) {
  const sum = { made: 0, of: places.length, parameters: 0, frozen: 0, all: 0 };
  for (const place of places) {
    const weight = weights[place];
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
    const last = make("tr", {}, make("td", { colspan: 8 }, button));
    button.addEventListener("click", () => {
      last.remove();
      this.add(left);
      this.mark();
    });
    this.body.append(last);
  }

  rowOf(weight) {
    const { data } = this.page;
    const build = data.calls[weight.build];
    const caller = (build ?? data.calls[weight.call])?.caller;
    const cut = weight.path.lastIndexOf("/") + 1;
    const name = [make("span.owner", {}, weight.path.slice(0, cut)), weight.path.slice(cut)];
    const first =
      weight.call === null
        ? make("span", {}, ...name)
        : make(
            "button.link",
            {
              type: "button",
              "data-call": weight.call,
              "data-end": "1",
              title: "Go to the call that made it",
            },
            ...name,
          );
    const by =
      build &&
      make("button.link", { type: "button", "data-call": weight.build }, data.functions[build.function].name);
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, first),
      make("td.shape", {}, weight.shape),
      make("td.number", {}, weight.parameters.toLocaleString("en")),
      make("td", {}, weight.trainable ? "" : "frozen"),
      make("td", {}, weight.initializer),
      make("td.shape", {}, build?.in ?? ""),
      make("td", {}, by ?? ""),
      make("td", {}, caller ? `${data.files[caller[0]].name}:${caller[1]}` : ""),
      make("td.quiet", {}, [weight.dtype, weight.more].filter(Boolean).join(", ")),
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
