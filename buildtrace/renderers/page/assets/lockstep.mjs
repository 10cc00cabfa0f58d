// The page of two builds: one row is the current one, and both sides show where they are.

import { cardOf, cardOfFold } from "./both.mjs";
import { unpack } from "./data.mjs";
import { byId, center } from "./dom.mjs";
import { Rows, places, rowOf } from "./rows.mjs";

class Lockstep {
  constructor(data) {
    this.data = data;
    this.box = byId("rows");
    this.lines = [...this.box.querySelectorAll("tr[data-state]")];
    this.names = [...this.box.querySelectorAll("th strong")].map((name) => name.textContent);
    this.folds = [...this.box.querySelectorAll("tbody.fold")];
    const numberOf = (line) => Number(line.id.slice("row-".length));
    const folds = this.folds.map(({ nextElementSibling: { rows } }) => [
      numberOf(rows[0]),
      numberOf(rows[rows.length - 1]),
    ]);
    this.rows = new Rows(this.lines.map((line) => line.dataset.state), folds);
    this.row = 0;
  }

  /** Make a row the current one, or the fold that it is in; `open` opens that. */
  go(row, open = false) {
    if (open && this.rows.hiding(row) !== undefined) this.fold([this.rows.hiding(row)], false);
    this.row = this.rows.stop(row);
    this.show();
  }

  /** Fold or unfold these. */
  fold(folds, closed) {
    for (const fold of folds) {
      if (closed) this.rows.closed.add(fold);
      else this.rows.closed.delete(fold);
      this.folds[fold].nextElementSibling.hidden = closed;
      this.folds[fold].querySelector("button").setAttribute("aria-expanded", String(!closed));
    }
    const { closed: left } = this.rows;
    byId("unfold").hidden = !this.folds.length;
    byId("unfold").setAttribute("aria-pressed", String(!left.size));
  }

  /** Turn a fold over, and go to it. */
  turn(fold) {
    this.fold([fold], !this.rows.closed.has(fold));
    this.go(this.rows.folds[fold][0]);
  }

  /** Have the table, the card and the controls show where both sides are. */
  show() {
    const { data, row, rows } = this;
    const fold = rows.hiding(row);
    const at = places(data.rows, row);
    this.mark(fold === undefined ? this.lines[row] : this.folds[fold].rows[0], fold === undefined ? at : []);
    const text = fold === undefined ? "" : this.folds[fold].textContent.trim();
    const card = text ? cardOfFold(data, this.names, text, rows.folds[fold]) : cardOf(data, this.names, row, at);
    byId("card").replaceChildren(...card);
    byId("card").scrollTop = 0;
    const last = text ? rows.folds[fold][1] : row;
    const number = last > row ? `${row + 1}–${last + 1}` : String(row + 1);
    byId("count").textContent = `${number} / ${rows.length}`;
    byId("slider").value = row;
    byId("slider").setAttribute("aria-valuetext", `${number} of ${rows.length}: ${text || data.rows[row].means}`);
    for (const button of byId("bar").querySelectorAll("[data-do]")) {
      const direction = /first|back/.test(button.dataset.do) ? -1 : 1;
      const find = button.dataset.do.startsWith("difference") ? "nextDifference" : "next";
      button.setAttribute("aria-disabled", String(rows[find](row, direction) === row));
    }
    this.remember();
  }

  /** Mark the current line, and on each side the call that it is at. */
  mark(line, at) {
    for (const old of this.box.querySelectorAll("[aria-current]")) old.removeAttribute("aria-current");
    for (const old of this.box.querySelectorAll("[data-at]")) delete old.dataset.at;
    line.setAttribute("aria-current", "true");
    at.forEach((place, side) => {
      if (place) this.lines[place.row].cells[2 * side].dataset.at = place.how;
    });
    const head = this.box.querySelector("thead").offsetHeight;
    const top = line.getBoundingClientRect().top - this.box.getBoundingClientRect().top;
    center(this.box, top + this.box.scrollTop - head / 2, line.offsetHeight + head / 2);
  }

  /** Keep the row in the address: later, since browsers stop pages that do this too often. */
  remember() {
    clearTimeout(this.remembering);
    this.remembering = setTimeout(() => {
      try {
        history.replaceState(null, "", `#row-${this.row}`);
      } catch {
        // A page inside of another has no address of its own.
      }
    }, 120);
  }

  /** Go where the address says. */
  recall() {
    const row = rowOf(location.hash, this.rows.length);
    if (row !== undefined) this.go(row, true);
  }

  does = {
    first: () => this.go(0),
    last: () => this.go(this.rows.length - 1),
    back: () => this.go(this.rows.next(this.row, -1)),
    forward: () => this.go(this.rows.next(this.row, 1)),
    "difference-back": () => this.go(this.rows.nextDifference(this.row, -1)),
    difference: () => this.go(this.rows.nextDifference(this.row, 1)),
  };

  listen() {
    for (const button of byId("bar").querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => this.does[button.dataset.do]());
    }
    byId("slider").addEventListener("input", (event) => this.go(Number(event.target.value)));
    byId("unfold").addEventListener("click", () => {
      this.fold(this.folds.keys(), !this.rows.closed.size);
      this.go(this.row);
    });
    byId("page").addEventListener("click", (event) => this.clicked(event));
    document.addEventListener("keydown", (event) => this.pressed(event));
    window.addEventListener("hashchange", () => this.recall());
  }

  clicked(event) {
    const { target } = event;
    const link = target.closest("a[href]");
    const row = link ? rowOf(link.hash, this.rows.length) : undefined;
    const fold = this.folds.indexOf(target.closest("tbody"));
    if (row !== undefined) {
      event.preventDefault();
      this.go(row, true);
    } else if (fold >= 0) this.turn(fold);
    else if (target.closest("tr[data-state]")) this.go(this.lines.indexOf(target.closest("tr")));
  }

  pressed(event) {
    const { target, key, shiftKey } = event;
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[key] ?? this.upOrDown(key, target);
    const fold = this.rows.hiding(this.row);
    if (direction) this.go(this.rows[shiftKey ? "nextDifference" : "next"](this.row, direction));
    else if (key === "Home") this.does.first();
    else if (key === "End") this.does.last();
    else if (key === "Enter" && fold !== undefined && !target.closest("a, button, summary")) this.turn(fold);
    else return;
    event.preventDefault();
  }

  /** Up and down step as well, but scroll what can be read beside the rows. */
  upOrDown(key, target) {
    return target.closest("#changes, #card") ? undefined : { ArrowUp: -1, ArrowDown: 1 }[key];
  }
}

async function start() {
  const page = new Lockstep(await unpack(byId("data").textContent));
  document.documentElement.classList.add("live");
  if (page.rows.length) {
    for (const part of ["bar", "card"]) byId(part).hidden = false;
    for (const fold of page.folds) fold.hidden = false;
    page.fold(page.folds.keys(), true);
    page.listen();
    page.go(0);
    page.recall();
  }
  document.documentElement.dataset.ready = "true";
}

start();
