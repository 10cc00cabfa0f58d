// For a projector: the sentence, the graph and one line of source, all large.

const LOW = matchMedia("(min-width: 720px) and (max-height: 620px)");

export class Hall {
  /** `button` switches; `shown` is called when the page has another size. */
  constructor(button, shown) {
    Object.assign(this, { button, shown });
    button.addEventListener("click", () => this.toggle());
    LOW.addEventListener("change", () => this.set(LOW.matches));
    this.set(LOW.matches);
  }

  toggle() {
    this.set(!this.on);
  }

  set(on) {
    const changes = this.on !== undefined && this.on !== on;
    this.on = on;
    document.documentElement.classList.toggle("hall", on);
    this.button.setAttribute("aria-pressed", String(on));
    if (changes) this.shown();
  }
}
