// The graph pane: which picture is shown, how big, and which part of it.

import { make } from "./dom.mjs";
import { listenToGestures } from "./gestures.mjs";
import { LayerCard } from "./layercard.mjs";
import { Picture } from "./picture.mjs";
import { firstView, inBounds, sidesBeyond, wholeView, withInSight, zoomed } from "./view.mjs";

const TWICE = 400; // milliseconds between the clicks of a double one
const NEAR = 8; // pixels between them
const LABELED = 0.5; // pictures that are smaller have no labels but names

export class GraphPane {
  constructor(page, { box, note, every }) {
    Object.assign(this, { page, box, note, every, pictures: new Map(), whole: false });
    const stage = box.parentElement;
    this.card = new LayerCard(page, stage.querySelector(".layer-card"), {
      goTo: (node) => this.goTo(node),
      closed: () => this.unchosen(),
    });
    every.addEventListener("click", () => {
      this.whole = !this.whole;
      this.block = undefined;
      this.open(this.chapter, this.place);
      this.move(this.timeline);
      this.page.settle();
    });
    listenToGestures(box, this);
    // The second click of two may be on the card, or on what came to be where the first was.
    stage.addEventListener("click", (event) => this.clickedTwice(event), { capture: true });
    box.addEventListener("click", (event) => this.clicked(event));
    box.addEventListener("keydown", (event) => this.pressed(event));
    box.addEventListener("focusin", ({ target }) => {
      if (target.matches(".node:focus-visible")) this.show(this.picture.pieceAt(target));
    });
    stage.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.card.box.hidden) return;
      this.card.close();
      event.preventDefault();
    });
  }

  /** Show a chapter's graph. */
  open(chapter, place) {
    if (place !== this.place) this.block = undefined;
    Object.assign(this, { chapter, place });
    const { graphs, missing } = chapter;
    const level = this.whole && graphs.length > 1 ? 1 : 0;
    this.every.hidden = graphs.length < 2;
    this.every.textContent = level ? "Folded" : "Every layer";
    this.every.setAttribute("aria-pressed", String(level === 1));
    const before = this.picture;
    this.lit = undefined;
    this.picture = graphs.length ? this.pictureOf(place, level) : undefined;
    if (this.picture !== before) this.card.close();
    this.measure(); // before the picture is there: afterwards it takes a layout
    if (!this.picture) this.box.replaceChildren(make("p.quiet", {}, missing));
    else if (this.box.firstElementChild !== this.picture.canvas) this.box.replaceChildren(this.picture.canvas);
    this.note.textContent = this.picture ? this.picture.parts.notes.join(" · ") : "";
    this.note.title = this.note.textContent;
    this.refit();
  }

  pictureOf(place, level) {
    const block = level ? undefined : this.block;
    const key = `${place}.${level}.${block}`;
    if (!this.pictures.has(key)) {
      const graph = this.chapter.graphs[level];
      const parts = block === undefined ? graph : graph.opens[block];
      const svg = parts.svg ? parsed(parts.svg) : this.page.pictures[place];
      this.pictures.set(key, svg && new Picture(this.page, svg, parts));
    }
    return this.pictures.get(key);
  }

  // -- which part of the picture is in sight ------------------------------------------------------

  /** The pane has another size. */
  scale() {
    this.measure();
    this.refit();
    const last = this.picture?.shown ?? this.picture?.pieces[0];
    this.show(this.chosen ?? this.lit ?? last, false);
  }

  /** Have a piece in sight, also where a step has made the pane another size. */
  keepUp(piece) {
    const before = this.room;
    this.measure();
    const same = before && before.width === this.room?.width && before.height === this.room.height;
    if (!same) this.refit();
    this.show(piece, same);
  }

  measure() {
    const { clientWidth: width, clientHeight: height } = this.box;
    this.room = width && height ? { width, height } : undefined;
  }

  refit() {
    const { picture, room } = this;
    if (!picture || !room) return;
    if (picture.zoom === "own") this.look(inBounds(picture.view, picture.size, room));
    else if (picture.zoom === "whole" || this.overview) this.look(wholeView(picture.size, room));
    else this.look(firstView(picture.size, room, () => picture.rectangles()));
  }

  /** The buttons: 0 has all of the picture in sight, another factor zooms. */
  zoomBy(factor) {
    if (factor) {
      this.zoomAt(factor, { x: this.box.clientWidth / 2, y: this.box.clientHeight / 2 });
    } else if (this.picture) {
      this.picture.zoom = "whole";
      this.scale();
    }
  }

  zoomAt(factor, point) {
    this.own((view, size) => zoomed(view, factor, point, size, this.room));
  }

  pan(dx, dy) {
    this.own((view, size) => inBounds({ ...view, x: view.x + dx, y: view.y + dy }, size, this.room));
  }

  /** From now on the view is the reader's own; it only moves on to keep up with the build. */
  own(change) {
    if (!this.picture?.view || !this.room) return;
    this.picture.zoom = "own";
    this.look(change(this.picture.view, this.picture.size));
  }

  look(view, glides = false) {
    const { canvas } = this.picture;
    this.picture.view = view;
    canvas.classList.toggle("glides", glides);
    canvas.classList.toggle("small", view.scale < LABELED);
    canvas.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    this.box.dataset.more = sidesBeyond(view, this.picture.size, this.room).join(" ");
  }

  /** Have a piece of the picture in sight. */
  show(piece, glides = true) {
    const { picture, room } = this;
    const rectangle = piece && picture?.view && room && picture.rectangleOf(piece);
    if (!rectangle) return;
    picture.shown = piece;
    const view = withInSight(picture.view, rectangle, picture.size, room);
    if (view.x !== picture.view.x || view.y !== picture.view.y) this.look(view, glides);
  }

  move(timeline) {
    this.timeline = timeline;
    this.lit = this.picture?.move(timeline);
    this.card.move();
    const overview = this.isOverview();
    if (overview !== this.overview) {
      this.overview = overview;
      this.refit();
    }
    const start = this.page.position === 0 ? this.picture?.pieces[0] : undefined;
    this.page.after(() => this.keepUp(this.lit ?? start));
  }

  /** Whether a step is about the model as a whole: its graph is mapped, or the story is over. */
  isOverview() {
    const { page, timeline } = this;
    const { id, ended } = timeline.at(page.position);
    if (this.lit || !ended) return false;
    return page.data.calls[id].step === "graph" || page.next(1) === page.position;
  }

  /** Open a folded block in its place, or fold it again. */
  turn(id) {
    const { view, blocks, parts } = this.picture;
    const from = this.picture.placeOf(blocks.get(id));
    const { opens } = this.chapter.graphs[0];
    this.block = parts.closes ? undefined : id;
    const turned = parts.closes ? Object.keys(opens).find((one) => opens[one].closes === id) : opens[id].closes;
    this.open(this.chapter, this.place);
    const { picture, room } = this;
    const element = picture.blocks.get(turned);
    const to = picture.placeOf(element);
    const { scale } = view;
    const moved = { scale, x: view.x + scale * (from.x - to.x), y: view.y + scale * (from.y - to.y) };
    picture.zoom = "own";
    if (room) this.look(inBounds(moved, picture.size, room));
    this.lit = picture.move(this.timeline);
    element.focus({ preventScroll: true });
  }

  // -- which layer is chosen ----------------------------------------------------------------------

  /** Show the card of a piece. */
  choose(piece) {
    this.chosen = piece;
    this.from = piece.box;
    this.card.open(this.picture, piece.nodes);
    this.scale();
  }

  unchosen() {
    this.chosen = undefined;
    this.from?.focus({ preventScroll: true });
    this.scale();
  }

  /** Go to the build of a node's layer; where nothing is built for it, to its own call. */
  goTo(node) {
    if (node.again && node.seen !== null) this.page.go(node.seen);
    else if (node.seen === null && node.after !== undefined) this.page.go(node.after, true);
    else this.page.goToNode(node);
  }

  clicked(event) {
    const block = this.picture?.blockAt(event.target);
    if (block !== undefined) {
      if (event.detail < 2) this.turn(block);
      return;
    }
    const piece = this.picture?.pieceAt(event.target);
    if (!piece?.nodes.length) return;
    this.choose(piece);
    this.clickedAt = { time: event.timeStamp, x: event.clientX, y: event.clientY };
  }

  clickedTwice(event) {
    const { time, x, y } = this.clickedAt ?? {};
    const again = event.detail && event.timeStamp - time < TWICE;
    if (!again || Math.hypot(event.clientX - x, event.clientY - y) > NEAR || !this.chosen) return;
    this.clickedAt = undefined;
    event.stopPropagation();
    this.goTo(this.chosen.nodes[0]);
  }

  pressed(event) {
    if (!this.picture || event.ctrlKey) return;
    const block = event.target === this.box ? undefined : this.picture.blockAt(event.target);
    if (block !== undefined && (event.key === "Enter" || event.key === " ")) {
      this.turn(block);
      event.preventDefault();
      return;
    }
    const { boxes } = this.picture;
    const place = boxes.indexOf(event.target.closest(".node"));
    if (place < 0) return;
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") this.choose(this.picture.pieceAt(event.target));
    else if (move) boxes[place + move]?.focus({ preventScroll: true });
    else return;
    event.preventDefault();
  }
}

function parsed(markup) {
  const page = new DOMParser().parseFromString(markup, "text/html");
  return document.importNode(page.querySelector("svg"), true);
}
