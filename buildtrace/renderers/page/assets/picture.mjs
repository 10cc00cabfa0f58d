// A picture of a graph with its parts: boxes, rows in boxes, weights and lines.
// It is there from the beginning; the build fills it in.

import { make } from "./dom.mjs";
import { lineState, nodeState, spanOf, startOf, unchanged, weightMade } from "./progress.mjs";

/** A piece is a box, or a row of one: what stands for one layer, or for several alike ones. */
export class Picture {
  constructor(page, svg, parts) {
    Object.assign(this, { page, svg, parts, pieces: [], piecesOf: new Map(), nodesOf: new Map() });
    const { width, height } = svg.viewBox.baseVal;
    this.size = { width, height };
    svg.style.width = `${width}px`;
    svg.style.height = `${height}px`;
    this.canvas = make("div.canvas", {}, svg);
    this.findPieces();
    this.findFrames();
    this.lines = [...svg.querySelectorAll(".edge")].map((element) => {
      const number = /\bline(\d+)/.exec(element.getAttribute("class"))?.[1];
      return { element, makers: parts.lines[number] ?? [], after: parts.after[number] };
    });
    this.weights = [...svg.querySelectorAll("[data-weight]")].map((element) => {
      return { element, weight: page.data.weights[parts.weights[element.dataset.weight]] ?? { call: null } };
    });
    this.blocks = new Map();
    this.findBlocks();
    this.boxes = [...this.piecesOf.keys()];
    this.boxes.forEach((box, n) => {
      box.setAttribute("tabindex", n ? "-1" : "0");
      box.setAttribute("role", "button");
      box.setAttribute("aria-label", box.querySelector("title")?.textContent ?? "layer");
    });
  }

  findPieces() {
    const elements = new Map();
    for (const element of this.svg.querySelectorAll("[data-id], [data-row]")) {
      const key = element.dataset.row ?? element.dataset.id;
      if (!elements.has(key)) elements.set(key, []);
      elements.get(key).push(element);
    }
    for (const [id, rows] of Object.entries(this.parts.boxes)) {
      const [box] = elements.get(id) ?? [];
      if (!box) continue;
      this.piecesOf.set(box, []);
      rows.forEach((numbers, row) => {
        const cells = elements.get(`${id}-${row}`) ?? (rows.length > 1 ? [] : [box]);
        this.addPiece({ box, cells, nodes: numbers.map((number) => this.parts.nodes[number]) });
      });
    }
  }

  /** The frames of nested models: at work when nothing inside of them is. */
  findFrames() {
    this.frames = [];
    for (const [id, number] of Object.entries(this.parts.frames)) {
      const box = this.svg.querySelector(`.cluster[data-id="${id}"]`);
      if (!box) continue;
      const frame = { box, cells: [box], nodes: [this.parts.nodes[number]] };
      this.frames.push(frame);
      this.layersOf(frame);
    }
  }

  /** What can be opened, and if this picture has an open block, that one, which can be closed. */
  findBlocks() {
    const { opens = {}, closes } = this.parts;
    for (const id of closes ? [closes] : Object.keys(opens)) {
      const element = this.svg.querySelector(`[data-id="${id}"]`);
      if (!element) continue;
      this.blocks.set(id, element);
      element.classList.add("block");
      const title = this.svg.querySelector(`[data-of="${id}"] text`);
      if (!title) continue; // a box says with its card what it is
      title.textContent = `${closes ? "▾" : "▸"} ${title.textContent}`;
      element.setAttribute("tabindex", "0");
      element.setAttribute("role", "button");
      element.setAttribute("aria-expanded", String(closes !== undefined));
      element.setAttribute("aria-label", title.textContent.slice(2));
    }
  }

  /** The block that an element is the frame or the box of. */
  blockAt(element) {
    const part = element.closest(".node, .cluster");
    return [...this.blocks.keys()].find((id) => this.blocks.get(id) === part);
  }

  /** Where an element is in the picture. */
  placeOf(element) {
    const [whole, own] = [this.svg, element].map((one) => one.getBoundingClientRect());
    const scale = whole.width / this.size.width;
    return { x: (own.left - whole.left) / scale, y: (own.top - whole.top) / scale };
  }

  addPiece(piece) {
    this.pieces.push(piece);
    this.piecesOf.get(piece.box).push(piece);
    this.layersOf(piece);
  }

  /** Note which layers a piece stands for. */
  layersOf(piece) {
    for (const node of piece.nodes) {
      if (node.layer === null) continue;
      if (!this.nodesOf.has(node.layer)) this.nodesOf.set(node.layer, []);
      this.nodesOf.get(node.layer).push({ node, piece });
    }
  }

  /** Show the page's position; gives the piece at work, if there is one. */
  move(timeline) {
    const { position, data } = this.page;
    if (timeline !== this.timeline) this.follow(timeline);
    const touched = new Set();
    for (const piece of this.pieces) {
      if (unchanged(piece.span, this.position, position)) continue;
      const states = piece.nodes.map((node) => nodeState(node, timeline, data.weights, position));
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
    for (const { box, nodes, span } of this.frames) {
      if (unchanged(span, this.position, position)) continue;
      box.classList.toggle("ghost", !nodeState(nodes[0], timeline, data.weights, position).seen);
    }
    for (const { element, weight, span } of this.weights) {
      if (unchanged(span, this.position, position)) continue;
      element.classList.toggle("made", weightMade(weight, timeline, position));
      element.classList.toggle("fresh", weight.call !== null && timeline.ends[weight.call] === position);
    }
    for (const { element, makers, after, span } of this.lines) {
      if (unchanged(span, this.position, position)) continue;
      element.classList.remove("todo", "making", "made");
      element.classList.add(lineState(makers, timeline, position, after));
    }
    this.position = position;
    return this.light(timeline);
  }

  /** Find out between which positions each part of the picture changes. */
  follow(timeline) {
    this.timeline = timeline;
    this.position = undefined;
    const { weights } = this.page.data;
    for (const piece of [...this.pieces, ...this.frames]) {
      const calls = piece.nodes.flatMap((node) => [
        node.seen,
        node.after,
        ...node.weights.map((place) => weights[place].call),
      ]);
      piece.span = spanOf(calls, timeline);
    }
    for (const line of this.lines) line.span = spanOf([...line.makers, line.after], timeline);
    for (const one of this.weights) one.span = spanOf([one.weight.call], timeline);
  }

  /** Mark the piece of the innermost layer at work that has one. */
  light(timeline) {
    const { position, data } = this.page;
    const working = timeline.stack(position).reverse().map((id) => this.nodesOf.get(data.calls[id].layer));
    const found = working.find((nodes) => nodes !== undefined);
    const begun = found?.filter(({ node }) => startOf(node, timeline) <= position);
    const active = found && (begun[begun.length - 1] ?? found[0]).piece;
    const marked = active ? [active.box, ...active.cells] : [];
    for (const element of this.active ?? [])
      if (!marked.includes(element)) element.classList.remove("active");
    for (const element of marked) element.classList.add("active");
    this.active = marked;
    return active;
  }

  /** Where a piece is in the picture; nothing is where nothing is shown. */
  rectangleOf(piece) {
    if (!piece.rectangle) this.measure();
    return piece.rectangle;
  }

  /** Where all pieces are in the picture; none where nothing is shown. */
  rectangles() {
    return this.pieces.map((piece) => this.rectangleOf(piece)).filter(Boolean);
  }

  /** All at once: to ask for one after each step would take a layout each. */
  measure() {
    const whole = this.svg.getBoundingClientRect();
    if (!whole.width) return;
    const scale = whole.width / this.size.width;
    for (const piece of [...this.pieces, ...this.frames]) {
      const cells = piece.cells.length ? piece.cells : [piece.box];
      const found = cells.map((cell) => cell.getBoundingClientRect());
      const [left, top] = [Math.min(...found.map((one) => one.left)), Math.min(...found.map((one) => one.top))];
      const right = Math.max(...found.map((one) => one.right));
      const bottom = Math.max(...found.map((one) => one.bottom));
      piece.rectangle = {
        x: (left - whole.left) / scale,
        y: (top - whole.top) / scale,
        width: (right - left) / scale,
        height: (bottom - top) / scale,
      };
    }
  }

  /** The piece that an element is a part of. */
  pieceAt(element) {
    const part = element.closest("[data-row], .node");
    const own = part && this.piecesOf.get(part.closest(".node"));
    return own?.find(({ cells }) => cells.includes(part)) ?? own?.[0];
  }
}

function paint(element, seen, full) {
  const state = `${seen}${full}`;
  if (element.painted === state) return;
  element.painted = state;
  element.classList.toggle("ghost", !seen);
  element.classList.toggle("full", full === 1);
  element.style.setProperty("--full", full);
}
