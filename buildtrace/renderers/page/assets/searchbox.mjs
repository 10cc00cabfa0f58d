// The search box: type, choose from the list, and be there.

import { make } from "./dom.mjs";
import { nextTarget, search } from "./find.mjs";

const MOST_FOUND = 12;

export class SearchBox {
  constructor(page, { input, list }) {
    Object.assign(this, { page, input, list, found: [], chosen: 0 });
    input.addEventListener("input", () => this.look());
    input.addEventListener("focus", () => {
      input.select();
      this.look();
    });
    input.addEventListener("blur", () => this.close());
    input.addEventListener("keydown", (event) => this.pressed(event));
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the focus stays where it is
      const item = event.target.closest("[role=option]");
      if (item) this.take(Number(item.dataset.place));
    });
  }

  open(entries) {
    this.entries = entries;
  }

  look() {
    this.found = search(this.entries, this.input.value, MOST_FOUND);
    this.chosen = 0;
    this.show();
  }

  show() {
    const nothing = this.input.value.trim() && !this.found.length;
    this.list.replaceChildren(
      ...this.found.map((entry, place) =>
        make(
          `li.${entry.kind}`,
          {
            role: "option",
            id: `found-${place}`,
            "data-place": place,
            "aria-selected": String(place === this.chosen),
          },
          make("span.kind", {}, entry.kind),
          make("span.text", {}, entry.text),
          make("span.note", {}, entry.note),
        ),
      ),
    );
    if (nothing) this.list.append(make("li.quiet", {}, "Nothing is called that."));
    this.list.hidden = !this.list.children.length;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    if (this.found.length) this.input.setAttribute("aria-activedescendant", `found-${this.chosen}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  take(place) {
    const entry = this.found[place];
    if (!entry) return;
    const id = nextTarget(entry.targets, this.page.timeline, this.page.position);
    this.page.go(id, entry.kind === "weight");
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
  }

  pressed(event) {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move && this.found.length) {
      this.chosen = (this.chosen + move + this.found.length) % this.found.length;
      this.show();
    } else if (event.key === "Enter") {
      this.take(this.chosen);
      this.input.blur(); // the keys are the page's again
    } else if (event.key === "Escape") {
      if (this.list.hidden) this.input.blur();
      this.close();
    } else {
      return;
    }
    event.preventDefault();
  }
}
