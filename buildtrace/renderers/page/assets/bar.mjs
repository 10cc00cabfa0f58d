// The controls: buttons, the slider with the three steps on it, and the picture of the calls.

import { make } from "./dom.mjs";

const DEEPEST = 14; // levels of calls in the picture: the mapping of a big graph is far deeper
const PACES = { slow: 1600, normal: 800, fast: 250 };

export class Bar {
  constructor(page, { bar, slider, map, head, marks, count, pace }) {
    Object.assign(this, { page, bar, slider, map, head, marks, count, pace });
    this.playing = undefined;
    const actions = {
      first: () => page.move(0),
      back: () => page.step(-1),
      "over-back": () => page.over(-1),
      play: () => this.toggle(),
      over: () => page.over(1),
      forward: () => page.step(1),
      last: () => page.move(page.timeline.length),
    };
    for (const button of bar.querySelectorAll("button[data-do]")) {
      button.addEventListener("click", () => actions[button.dataset.do]());
    }
    slider.addEventListener("input", () => page.move(Number(slider.value)));
    map.addEventListener("pointerdown", (event) => this.pointed(event));
    map.addEventListener("pointermove", (event) => event.buttons && this.pointed(event));
    const draw = () => this.draw();
    new ResizeObserver(draw).observe(map);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }

  pointed(event) {
    const { left, width } = this.map.getBoundingClientRect();
    const share = Math.max(0, Math.min(1, (event.clientX - left) / width));
    this.page.move(Math.round(share * this.page.timeline.length));
  }

  /** Show another chapter: its length, and where its three steps are. */
  open(timeline, { parts, part_of_step: partOf, calls }) {
    this.timeline = timeline;
    this.slider.max = timeline.length;
    const { length } = timeline;
    this.stretches = timeline.stretches((id) => partOf[calls[id].step]);
    const buttons = Object.entries(parts).map(([part, title]) => {
      const first = this.stretches.find((one) => one.part === Number(part));
      const button = make(
        `button.mark.part-${part}`,
        { type: "button", disabled: !first, "data-part": part },
        make("b", {}, part),
        ` ${title}`,
      );
      if (first) button.addEventListener("click", () => this.page.move(first.from));
      return button;
    });
    this.marks.replaceChildren(...buttons);
    const bands = this.stretches.map(({ part, from, to }) => {
      const band = make(`i.part-${part}`);
      band.style.left = `${(100 * (from - 1)) / length}%`;
      band.style.width = `${(100 * (to - from + 1)) / length}%`;
      return band;
    });
    this.map.querySelector(".bands").replaceChildren(...bands);
    this.draw();
  }

  /** The calls as a picture: when they ran from left to right, how deep from top to bottom. */
  draw() {
    const canvas = this.map.querySelector("canvas");
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!this.timeline || !width) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const paint = canvas.getContext("2d");
    const colors = getComputedStyle(document.documentElement);
    const { calls, begins, ends, length } = this.timeline;
    const depths = depthsOf(this.timeline);
    const deepest = Math.min(Math.max(...depths.values(), 1) + 1, DEEPEST);
    const row = canvas.height / deepest;
    for (const [id, depth] of depths) {
      if (depth >= deepest) continue;
      paint.fillStyle = colors.getPropertyValue(`--${calls[id].step}`);
      const left = (canvas.width * (begins[id] - 1)) / length;
      const right = (canvas.width * ends[id]) / length;
      paint.fillRect(left, depth * row, Math.max(right - left - 0.5, 0.7), Math.max(row - 0.5 * ratio, 0.7));
    }
  }

  move() {
    const { position, timeline } = this.page;
    this.slider.value = position;
    const { id, ended } = timeline.at(position);
    const what = id < 0 ? "before the build" : `${ended ? "end" : "beginning"} of ${this.page.nameOf(id)}`;
    this.slider.setAttribute("aria-valuetext", `${position} of ${timeline.length}: ${what}`);
    this.head.style.left = `${(100 * position) / (timeline.length || 1)}%`;
    this.count.textContent = `${position.toLocaleString("en")} / ${timeline.length.toLocaleString("en")}`;
    const here = this.stretches.find(({ from, to }) => from <= position && position <= to);
    for (const mark of this.marks.children) {
      const on = here !== undefined && mark.dataset.part === String(here.part);
      if (on) mark.setAttribute("aria-current", "step");
      else mark.removeAttribute("aria-current");
    }
    for (const button of this.bar.querySelectorAll("button[data-do]")) {
      const back = ["first", "back", "over-back"].includes(button.dataset.do);
      const end = back ? position === 0 : position === timeline.length;
      button.setAttribute("aria-disabled", String(end && button.dataset.do !== "play"));
    }
    if (position === timeline.length) this.stop();
  }

  toggle() {
    if (this.playing) return this.stop();
    if (this.page.position === this.page.timeline.length) this.page.move(0);
    const tick = () => {
      this.playing = setTimeout(tick, PACES[this.pace.value]);
      this.page.step(1);
    };
    this.playing = setTimeout(tick, PACES[this.pace.value] / 2);
    return this.label();
  }

  stop() {
    clearTimeout(this.playing);
    this.playing = undefined;
    this.label();
  }

  label() {
    const button = this.bar.querySelector('[data-do="play"]');
    const text = this.playing ? "Pause" : "Play";
    button.setAttribute("aria-label", text);
    button.title = `${text} (space)`;
    this.bar.classList.toggle("playing", this.playing !== undefined);
  }
}

function depthsOf({ roots, children }) {
  const depths = new Map();
  const waiting = roots.map((id) => [id, 0]);
  while (waiting.length) {
    const [id, depth] = waiting.pop();
    depths.set(id, depth);
    for (const child of children[id]) waiting.push([child, depth + 1]);
  }
  return depths;
}
