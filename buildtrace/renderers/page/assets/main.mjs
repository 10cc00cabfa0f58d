// The page: one position in one chapter of the build, and all panes show it.

import { Bar } from "./bar.mjs";
import { unpack } from "./data.mjs";
import { byId } from "./dom.mjs";
import { entriesOf } from "./find.mjs";
import { findingsByCall, listenToFindings } from "./findings.mjs";
import { Folds } from "./folds.mjs";
import { GraphPane } from "./graph.mjs";
import { Hall } from "./hall.mjs";
import { pressed } from "./keys.mjs";
import { showNext, showNow, showStack } from "./now.mjs";
import { SearchBox } from "./searchbox.mjs";
import { Source } from "./source.mjs";
import { Story } from "./story.mjs";
import { Timeline, fragmentOf, fromFragment, within } from "./steps.mjs";
import { Tree } from "./tree.mjs";
import { Weights } from "./weights.mjs";

const NARROW = 1100; // on a desk that is narrower, the tree of calls is out of the way at first

class Page {
  constructor(data) {
    this.data = data;
    this.position = 0;
    this.wantsBeats = true; // steps go from beat to beat, else by calls
    this.waiting = [];
    this.findings = findingsByCall(data.findings);
    this.chapters = data.chapters.map((chapter) => ({
      ...chapter,
      has: within(chapter.calls, data.calls.length),
    }));
    this.pictures = data.chapters.map((_, place) =>
      document.querySelector(`#plain [data-picture="${place}"] svg`),
    );
    this.tree = new Tree(this, byId("tree"));
    this.source = new Source(this, {
      user: byId("user"),
      whose: byId("whose"),
      head: byId("source-head"),
      box: byId("source"),
      line: byId("line"),
    });
    this.graph = new GraphPane(this, { box: byId("graph"), note: byId("graph-note"), every: byId("every") });
    this.bar = new Bar(this, {
      bar: byId("bar"),
      slider: byId("slider"),
      map: byId("map"),
      head: byId("head"),
      marks: byId("marks"),
      beats: byId("beats"),
      by: byId("by"),
      count: byId("count"),
      pace: byId("pace"),
    });
    this.weights = new Weights(this, {
      body: byId("weights"),
      summary: byId("weights-sum"),
      drawer: byId("drawer"),
    });
    this.search = new SearchBox(this, { input: byId("search"), list: byId("found") });
  }

  /** Show a chapter, at its beginning. */
  open(place) {
    this.chapter = place;
    const chapter = this.chapters[place];
    chapter.timeline ??= new Timeline(this.data.calls, chapter.has);
    chapter.folds ??= new Folds(chapter.timeline, this.data.hidden);
    chapter.story ??= new Story(chapter.timeline, chapter.beats, (id) => this.data.calls[id].landmark);
    const { timeline, folds, story } = chapter;
    Object.assign(this, { timeline, folds, story, position: 0, frame: -1 });
    this.byBeats = this.wantsBeats && story.length > 0;
    byId("chapter").value = String(place);
    byId("chapter-note").textContent = chapter.note;
    this.tree.open(this.timeline, this.folds);
    this.folded();
    this.bar.open(timeline, story, this.data);
    this.weights.open(chapter);
    this.search.open(entriesOf(this.data, chapter.has));
    this.drawn = undefined;
    this.show();
  }

  /** Go to a position of this chapter. */
  move(position) {
    this.position = Math.max(0, Math.min(position, this.timeline.length));
    this.show();
  }

  /** Where a step leads: to the next beat, or call by call. */
  next(direction, byBeats = this.byBeats) {
    if (!byBeats) return this.timeline.next(this.position, direction, (id) => this.folds.seen(id));
    const beat = this.story.next(this.position, direction);
    return beat?.position ?? (direction > 0 ? this.position : 0);
  }

  step(direction, byBeats = this.byBeats) {
    const there = this.next(direction, byBeats);
    const { id } = this.timeline.at(there);
    if (id >= 0) this.reveal(id);
    this.move(there);
  }

  /** Have steps go by beats or by calls. */
  stepBy(what) {
    this.wantsBeats = what === "beats";
    this.byBeats = this.wantsBeats && this.story.length > 0;
    this.show();
  }

  over(direction) {
    this.move(this.timeline.over(this.position, direction, (id) => this.folds.seen(id)));
  }

  /** Go to the beginning or the end of a call, opening what hides it. */
  go(id, ended = false) {
    if (!this.timeline.has(id)) {
      const place = this.chapters.findIndex((chapter) => chapter.has(id));
      if (place < 0) return;
      this.open(place);
    }
    this.reveal(id);
    this.move(ended ? this.timeline.ends[id] : this.timeline.begins[id]);
  }

  /** Open what hides a call in the tree. */
  reveal(id) {
    if (this.folds.seen(id)) return;
    this.folds.reveal(id);
    this.tree.refold();
    this.folded();
  }

  /** Go to the build of a node's layer, or to what first happened to it. */
  goToNode({ layer, seen }) {
    const { calls, landmarks } = this.data;
    const build = calls.findIndex(
      (call, id) =>
        call.layer === layer &&
        layer !== null &&
        this.timeline.has(id) &&
        landmarks[call.landmark]?.name === "Layer.build",
    );
    const id = build >= 0 ? build : seen;
    if (id !== null) this.go(id);
  }

  nameOf(id) {
    return this.data.functions[this.data.calls[id].function].name;
  }

  /** Show the source of another function on the stack. */
  choose(place) {
    this.frame = place;
    showStack(this, byId("stack"), this.stack);
    this.source.show(this.stack, place);
    this.settle();
    byId("stack").querySelector("[aria-pressed=true]").focus({ preventScroll: true });
  }

  /** Something was folded or unfolded: offer what makes sense now. */
  folded() {
    const { first, closed, hidden } = this.folds;
    byId("unfold").hidden = !closed.size && !hidden.size;
    byId("fold").hidden = !first.length && !closed.size;
  }

  /** Have all panes show where the build is. */
  show() {
    const { timeline, position } = this;
    this.stack = timeline.stack(position);
    this.frame = this.stack.length - 1;
    this.openGraph();
    const { id, ended } = timeline.at(position);
    showNow(this, byId("now"), timeline);
    showNext(this, byId("next"));
    if (this.data.failure !== null) this.showFailure(ended && id === this.data.failure);
    showStack(this, byId("stack"), this.stack);
    this.source.show(this.stack, this.frame);
    this.tree.move();
    this.weights.move();
    this.bar.move();
    this.graph.move(timeline); // last, so that what it moves costs no other pane a layout
    this.settle();
    this.remember();
  }

  /** The failure is told whole where it happens, and elsewhere in a line that leads there. */
  showFailure(here) {
    byId("failure").hidden = !here;
    byId("failed").hidden = here;
  }

  /** Show a finding: in the panel, or where the failure is told. */
  find(number) {
    const box = document.querySelector(`#app [data-finding="${number}"]`);
    if (box.closest("#failure")) return this.go(this.data.failure, true);
    for (let at = box.querySelector("details"); at; at = at.parentElement.closest("details")) at.open = true;
    return box.querySelector("summary").focus();
  }

  /** Do this when all panes are changed: to ask where things are before that takes a layout each. */
  after(work) {
    this.waiting.push(work);
  }

  settle() {
    for (const work of this.waiting.splice(0)) work();
  }

  /** Have the graph of this chapter, or where it has none, that of the model being built. */
  openGraph() {
    let place = this.chapter;
    const { id } = this.timeline.at(this.position);
    if (!this.chapters[place].graphs.length) {
      const has = (chapter) => chapter.graphs.length && (id < 0 || chapter.has(id));
      const other = this.chapters.findIndex(has);
      place = other >= 0 ? other : (this.drawn ?? place);
    }
    if (place !== this.drawn) this.graph.open(this.chapters[place], place);
    this.drawn = place;
  }

  /** Keep the position in the address: later, since browsers stop pages that do this too often. */
  remember() {
    clearTimeout(this.remembering);
    this.remembering = setTimeout(() => {
      try {
        history.replaceState(null, "", `#${fragmentOf(this.timeline, this.position)}`);
      } catch {
        // A page inside of another has no address of its own.
      }
    }, 120);
  }

  /** Go where the address says; whether it says anything. */
  recall() {
    const found = fromFragment(this.data.calls, location.hash.slice(1));
    if (!found) return false;
    if (found.id < 0) this.move(0);
    else this.go(found.id, found.ended);
    return true;
  }

  /** Listen to what is not inside of a pane. */
  listen() {
    byId("chapter").addEventListener("change", (event) => this.open(Number(event.target.value)));
    byId("unfold").addEventListener("click", () => this.fold("openAll"));
    byId("fold").addEventListener("click", () => this.fold("reset"));
    for (const button of document.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => this.graph.zoomBy(Number(button.dataset.zoom)));
    }
    listenToFindings(this, byId("app"));
    for (const tab of document.querySelectorAll(".tabs button")) {
      tab.addEventListener("click", () => this.turnTo(tab));
    }
    new ResizeObserver(() => this.graph.scale()).observe(byId("graph"));
    window.addEventListener("hashchange", () => this.recall());
    byId("next").addEventListener("click", () => this.step(1));
    byId("by").addEventListener("click", ({ target }) => target.dataset.by && this.stepBy(target.dataset.by));
    byId("help").addEventListener("click", () => byId("keys").showModal());
    byId("calls").addEventListener("click", () => this.showCalls(byId("panes").classList.contains("no-calls")));
    this.hall = new Hall(byId("hall"), () => this.show());
    document.addEventListener("keydown", (event) => pressed(this, event));
  }

  fold(how) {
    this.folds[how]();
    this.tree.refold();
    this.tree.move();
    this.settle();
    this.folded();
  }

  /** On a small screen, one pane at a time. */
  turnTo(tab) {
    byId("panes").dataset.shown = tab.dataset.pane;
    for (const other of document.querySelectorAll(".tabs button")) {
      other.setAttribute("aria-pressed", String(other === tab));
    }
    this.show();
  }

  /** Show the tree of calls, or have its room for the graph. */
  showCalls(shown) {
    byId("panes").classList.toggle("no-calls", !shown);
    byId("calls").setAttribute("aria-expanded", String(shown));
  }
}

async function start() {
  const data = await unpack(byId("data").textContent);
  byId("app").hidden = false;
  const page = new Page(data);
  document.documentElement.classList.add("live");
  page.listen();
  page.showCalls(innerWidth >= NARROW || innerWidth < innerHeight);
  const failing = data.chapters.findIndex(
    (_, place) => data.failed !== null && page.chapters[place].has(data.failed),
  );
  page.open(Math.max(0, failing));
  byId("plain").remove();
  if (!page.recall() && data.failed !== null) page.go(data.failed, true);
  document.documentElement.dataset.ready = "true";
  performance.mark("buildtrace-ready");
}

start();
