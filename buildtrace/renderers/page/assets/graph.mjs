// The graph pane. The picture is there from the beginning; the build fills it in.

import { make } from "./dom.mjs";

/** How far a node is at a position: `seen`, and which part of its weights is made (0 to 1). */
export function nodeState(node, timeline, weights, position) {
  if (node.seen === null || !timeline.has(node.seen)) return { seen: true, full: 1 };
  if (timeline.begins[node.seen] > position) return { seen: false, full: 0 };
  if (!node.weights.length) return { seen: true, full: timeline.ends[node.seen] <= position ? 1 : 0 };
  const made = node.weights.filter((place) => weightMade(weights[place], timeline, position));
  return { seen: true, full: made.length / node.weights.length };
}

/** Whether a weight is there: from the end of the call that made it. */
export function weightMade(weight, timeline, position) {
  if (weight.call === null || !timeline.has(weight.call)) return true;
  return timeline.ends[weight.call] <= position;
}

/** Whether a line is drawn yet ("made"), is being made ("making") or is still to come ("todo"). */
export function lineState(makers, timeline, position) {
  const known = makers.filter((id) => timeline.has(id));
  if (!known.length) return "made";
  const { id } = timeline.at(position);
  if (known.includes(id)) return "making";
  return known.some((maker) => timeline.begins[maker] <= position) ? "made" : "todo";
}

/** A picture with its parts: boxes, rows in boxes, and lines. */
class Graph {
  constructor(page, svg, parts) {
    Object.assign(this, { page, svg, parts });
    this.nodesOf = new Map();
    this.pieces = [];
    const elements = new Map();
    for (const element of svg.querySelectorAll("[data-id], [data-row]")) {
      const key = element.dataset.row ?? element.dataset.id;
      if (!elements.has(key)) elements.set(key, []);
      elements.get(key).push(element);
    }
    for (const [id, rows] of Object.entries(parts.boxes)) {
      const [box] = elements.get(id) ?? [];
      if (!box) continue;
      rows.forEach((numbers, row) => {
        const cells = elements.get(`${id}-${row}`);
        this.addPiece({ box, cells: cells ?? (rows.length > 1 ? [] : [box]), numbers });
      });
    }
    this.lines = [...svg.querySelectorAll(".edge")].map((element) => {
      const found = /\bline(\d+)/.exec(element.getAttribute("class"));
      return { element, makers: found ? (parts.lines[Number(found[1])] ?? []) : [] };
    });
    this.piecesOf = new Map();
    for (const piece of this.pieces) {
      if (!this.piecesOf.has(piece.box)) this.piecesOf.set(piece.box, []);
      this.piecesOf.get(piece.box).push(piece);
    }
    this.boxes = [...this.piecesOf.keys()];
    this.boxes.forEach((box, n) => {
      box.setAttribute("tabindex", n ? "-1" : "0");
      box.setAttribute("role", "button");
      box.setAttribute("aria-label", box.querySelector("title")?.textContent ?? "layer");
    });
    svg.addEventListener("click", (event) => this.clicked(event));
    svg.addEventListener("keydown", (event) => this.pressed(event));
  }

  addPiece(piece) {
    this.pieces.push(piece);
    for (const number of piece.numbers) {
      const { layer } = this.parts.nodes[number];
      if (layer === null) continue;
      if (!this.nodesOf.has(layer)) this.nodesOf.set(layer, []);
      this.nodesOf.get(layer).push({ number, piece });
    }
  }

  /** Show the page's position; gives the box at work, if there is one. */
  move(timeline) {
    const { position, data } = this.page;
    if (timeline !== this.timeline) this.follow(timeline);
    const touched = new Set();
    for (const piece of this.pieces) {
      if (unchanged(piece.span, this.position, position)) continue;
      const states = piece.numbers.map((n) => nodeState(this.parts.nodes[n], timeline, data.weights, position));
      piece.seen = states.some((state) => state.seen);
      piece.full = states.reduce((sum, state) => sum + state.full, 0) / (states.length || 1);
      if (piece.cells[0] !== piece.box) for (const cell of piece.cells) paint(cell, piece.seen, piece.full);
      touched.add(piece.box);
    }
    for (const box of touched) {
      const own = this.piecesOf.get(box);
      const full = own.reduce((sum, piece) => sum + piece.full, 0) / own.length;
      paint(box, own.some((piece) => piece.seen), full);
    }
    for (const line of this.lines) {
      if (unchanged(line.span, this.position, position)) continue;
      const state = lineState(line.makers, timeline, position);
      line.element.classList.remove("todo", "making", "made");
      line.element.classList.add(state);
    }
    this.position = position;
    return this.light(timeline);
  }

  /** Find out between which positions each part of the picture changes. */
  follow(timeline) {
    this.timeline = timeline;
    this.position = undefined;
    for (const piece of this.pieces) {
      const nodes = piece.numbers.map((n) => this.parts.nodes[n]);
      const makers = nodes.flatMap(({ weights }) => weights.map((place) => this.page.data.weights[place].call));
      piece.span = spanOf([...nodes.map(({ seen }) => seen), ...makers], timeline);
    }
    for (const line of this.lines) line.span = spanOf(line.makers, timeline);
  }

  /** Mark the box of the innermost layer at work that has one. */
  light(timeline) {
    const { position, data } = this.page;
    const stack = timeline.stack(position).reverse();
    let active;
    for (const id of stack) {
      const found = this.nodesOf.get(data.calls[id].layer);
      if (!found) continue;
      const begun = found.filter(({ number }) => {
        const { seen } = this.parts.nodes[number];
        return seen === null || timeline.begins[seen] <= position;
      });
      active = (begun[begun.length - 1] ?? found[0]).piece;
      break;
    }
    const marked = active ? [active.box, ...active.cells] : [];
    for (const element of this.active ?? [])
      if (!marked.includes(element)) element.classList.remove("active");
    for (const element of marked) element.classList.add("active");
    this.active = marked;
    return active && (active.cells[0] ?? active.box);
  }

  /** Go to the build of the layer that was clicked. */
  clicked(event) {
    const box = event.target.closest("[data-row], .node");
    if (!box) return;
    const piece =
      this.pieces.find(({ cells }) => cells.includes(box)) ?? this.pieces.find((one) => one.box === box);
    const number = piece?.numbers[0];
    if (number !== undefined) this.page.goToNode(this.parts.nodes[number]);
  }

  pressed(event) {
    const place = this.boxes.indexOf(event.target.closest(".node"));
    if (place < 0) return;
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") this.clicked(event);
    else if (move && this.boxes[place + move]) this.boxes[place + move].focus();
    else if (!move) return;
    event.preventDefault();
  }
}

/** The first and the last position at which something of these calls changes. */
function spanOf(ids, { has, begins, ends }) {
  const known = ids.filter((id) => id !== null && has(id));
  return [Math.min(...known.map((id) => begins[id])), Math.max(...known.map((id) => ends[id])) + 1];
}

/** Whether two positions lie on the same side of all changes. */
function unchanged([first, last], from, to) {
  return from !== undefined && (Math.max(from, to) < first || Math.min(from, to) >= last);
}

function paint(element, seen, full) {
  const state = `${seen}${full}`;
  if (element.painted === state) return;
  element.painted = state;
  element.classList.toggle("ghost", !seen);
  element.classList.toggle("full", full > 0.5);
  element.style.setProperty("--full", full);
}

/** The pane around the pictures: which one is shown, how big, and where it is scrolled to. */
export class GraphPane {
  constructor(page, { box, note, every }) {
    Object.assign(this, { page, box, note, every, zoom: 1, pictures: new Map(), whole: false });
    every.addEventListener("click", () => {
      this.whole = !this.whole;
      this.open(this.chapter, this.place);
      this.move(this.timeline);
      this.page.settle();
    });
  }

  /** Show a chapter's graph. */
  open(chapter, place) {
    Object.assign(this, { chapter, place });
    const { graphs, missing } = chapter;
    const level = this.whole && graphs.length > 1 ? 1 : 0;
    this.every.hidden = graphs.length < 2;
    this.every.textContent = level ? "Folded" : "Every layer";
    this.every.setAttribute("aria-pressed", String(level === 1));
    this.graph = graphs.length ? this.pictureOf(place, level) : undefined;
    if (!this.graph) this.box.replaceChildren(make("p.quiet", {}, missing));
    else if (this.box.firstElementChild !== this.graph.svg) this.box.replaceChildren(this.graph.svg);
    this.note.textContent = this.graph ? this.graph.parts.notes.join(" · ") : "";
    this.scale();
  }

  pictureOf(place, level) {
    const key = `${place}.${level}`;
    if (!this.pictures.has(key)) {
      const parts = this.chapter.graphs[level];
      const svg = level ? parsed(parts.svg) : this.page.pictures[place];
      this.pictures.set(key, svg && new Graph(this.page, svg, parts));
    }
    return this.pictures.get(key);
  }

  zoomBy(factor) {
    this.zoom = factor ? Math.max(0.2, Math.min(4, this.zoom * factor)) : 1;
    this.scale();
  }

  /** The width of the pane, but never so big that a small graph shouts, nor too small to be read. */
  scale() {
    if (!this.graph) return;
    const { width, height } = this.graph.svg.viewBox.baseVal;
    const room = this.box.clientWidth - 24;
    const fit = room > 0 ? Math.min(room / width, 1.45) : 1;
    const factor = Math.max(fit, 0.8) * this.zoom;
    this.graph.svg.style.width = `${width * factor}px`;
    this.graph.svg.style.height = `${height * factor}px`;
  }

  move(timeline) {
    this.timeline = timeline;
    const lit = this.graph?.move(timeline);
    if (lit) this.page.after(() => this.bringInto(lit));
    else if (this.page.position === 0) this.page.after(() => this.box.scrollTo(0, 0));
  }

  bringInto(element) {
    const inner = element.getBoundingClientRect();
    const outer = this.box.getBoundingClientRect();
    if (!outer.width) return;
    const margin = 24;
    const dy = inner.top < outer.top + margin || inner.bottom > outer.bottom - margin;
    const dx = inner.left < outer.left + margin || inner.right > outer.right - margin;
    if (dy) this.box.scrollTop += (inner.top + inner.bottom - outer.top - outer.bottom) / 2;
    if (dx) this.box.scrollLeft += (inner.left + inner.right - outer.left - outer.right) / 2;
  }
}

function parsed(markup) {
  const page = new DOMParser().parseFromString(markup, "text/html");
  return document.importNode(page.querySelector("svg"), true);
}
