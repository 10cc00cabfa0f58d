// The controls: buttons, the slider with the three steps on it, and the picture of the calls.

import { make } from "./dom.mjs";
import { readingTime } from "./story.mjs";

const DEEPEST = 14; // levels of calls in the picture: the mapping of a big graph is far deeper
const A_CALL = 800; // milliseconds that playing rests on a call

export class Bar {
  constructor(page, parts) {
    Object.assign(this, { page, ...parts });
    const { bar, slider, map } = parts;
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

  /** Show another chapter: its length, and where its three steps and its beats are. */
  open(timeline, story, { parts, part_of_step: partOf, calls }) {
    Object.assign(this, { timeline, story });
    this.slider.max = timeline.length;
    const { length } = timeline;
    this.stretches = timeline.stretches((id) => calls[id].part ?? partOf[calls[id].step]);
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
    this.ticks = story.beats.map(({ position, part }) => {
      const tick = make(`i.part-${part}`);
      tick.style.left = `${(100 * position) / length}%`;
      return tick;
    });
    this.beats.replaceChildren(...this.ticks);
    this.by.hidden = !story.length;
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
    const { byBeats } = this.page;
    this.count.textContent = byBeats
      ? this.story.where(position)
      : `${position.toLocaleString("en")} / ${timeline.length.toLocaleString("en")}`;
    for (const button of this.by.children) {
      button.setAttribute("aria-pressed", String(byBeats === (button.dataset.by === "beats")));
    }
    this.bar.classList.toggle("by-beats", byBeats);
    const told = this.story.told(position);
    this.ticks.forEach((tick, n) => tick.classList.toggle("told", n < told));
    const here = this.stretches.find(({ from, to }) => from <= position && position <= to);
    for (const mark of this.marks.children) {
      const on = here !== undefined && mark.dataset.part === String(here.part);
      if (on) mark.setAttribute("aria-current", "step");
      else mark.removeAttribute("aria-current");
    }
    for (const button of this.bar.querySelectorAll("button[data-do]")) {
      const back = ["first", "back", "over-back"].includes(button.dataset.do);
      const end = back ? position === 0 : button.dataset.do === "forward" ? this.atEnd() : position === timeline.length;
      button.setAttribute("aria-disabled", String(end && button.dataset.do !== "play"));
    }
    if (this.atEnd()) this.stop();
  }

  /** Whether no step leads on. */
  atEnd() {
    return this.page.next(1) === this.page.position;
  }

  /** Play, or stop; a beat stays as long as it takes to read. */
  toggle() {
    if (this.playing) return this.stop();
    if (this.atEnd()) this.page.move(0);
    const tick = () => {
      this.page.step(1);
      if (!this.atEnd()) this.playing = setTimeout(tick, this.rest());
    };
    this.playing = setTimeout(tick, A_CALL / 2);
    return this.label();
  }

  /** How long to stay here. */
  rest() {
    const beat = this.page.byBeats && this.story.at(this.page.position);
    return (beat ? readingTime(beat.says) : A_CALL) / Number(this.pace.value);
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
