// The card of the layer that was chosen in the picture: what is known of it, and ways to its calls.

import { count, make } from "./dom.mjs";
import { weightMade } from "./progress.mjs";

const MOST_LAYERS = 40; // of those that one box stands for

export class LayerCard {
  /** `goTo` goes to where a node is built; `closed` is told when the card is gone. */
  constructor(page, box, { goTo, closed }) {
    Object.assign(this, { page, box, goTo, closed, nodes: [] });
  }

  /** Show a node of a picture, or the nodes that one box stands for. */
  open(picture, nodes, back) {
    Object.assign(this, { picture, nodes, back, weights: [] });
    const several = nodes.length > 1;
    this.box.replaceChildren(...(several ? this.listOf(nodes) : this.cardOf(nodes[0])));
    this.box.hidden = false;
    this.box.scrollTop = 0;
    this.box.querySelector("button.first").focus({ preventScroll: true });
    this.move();
  }

  close() {
    if (this.box.hidden) return;
    this.box.hidden = true;
    this.nodes = [];
    this.closed();
  }

  headOf(name, about) {
    const close = make("button.close", { type: "button", "aria-label": "Close", title: "Close (Esc)" }, "×");
    close.addEventListener("click", () => this.close());
    return make("header", {}, make("h4", {}, name, " ", make("small", {}, about)), close);
  }

  /** The layers that one box stands for. */
  listOf(nodes) {
    const items = nodes.slice(0, MOST_LAYERS).map((node, n) => {
      const [name, className] = this.namesOf(node);
      const choose = () => this.open(this.picture, [node], nodes);
      return make("li", {}, button(name, choose, n === 0), " ", make("small", {}, className));
    });
    const more = nodes.length - items.length;
    if (more > 0) items.push(make("li.quiet", {}, `and ${count(more, "more layer")}`));
    return [this.headOf(count(nodes.length, "layer"), "in this box"), make("ul.layers", {}, ...items)];
  }

  cardOf(node) {
    const { back } = this;
    const parts = [this.headOf(...this.namesOf(node)), make("p.ways", {}, ...this.waysFrom(node))];
    if (node.failed) parts.push(make("p.error", {}, "It failed here."));
    if (node.again) parts.push(make("p", {}, "It is called again: nothing is built."));
    const facts = [["gets", node.gets], ["gives", node.gives], ...(node.about ?? [])];
    const rows = facts.filter(([, text]) => text).map(([label, text]) => {
      return make("div", {}, make("dt", {}, label), make("dd", {}, text));
    });
    if (rows.length) parts.push(make("dl", {}, ...rows));
    parts.push(...this.weightsOf(node), ...this.lineOf(node));
    if (back) parts.push(make("p.ways", {}, button("All layers of the box", () => this.open(this.picture, back))));
    return parts;
  }

  namesOf(node) {
    return node.layer === null ? [node.name ?? "", node.class ?? ""] : this.page.data.layers[node.layer];
  }

  /** A button to what the layer's box is about, and one to each of its calls. */
  waysFrom(node) {
    const { nodes } = this.picture.parts;
    const same = node.layer === null ? [node] : nodes.filter(({ layer }) => layer === node.layer);
    const calls = [...new Set(same.map(({ seen }) => seen))].filter((id) => id !== null).sort((a, b) => a - b);
    const built = isBuilt(this.page, node);
    const other = node.failed ? "Go to the call that failed" : node.again ? "Go to this call" : "Go to its first call";
    const label = built && !node.again ? "Go to its build" : other;
    const ways = [button(label, () => this.goTo(node), true)];
    calls.forEach((id, n) => {
      const name = calls.length > 1 ? `Call ${n + 1} of ${calls.length}` : "Go to its call";
      if (calls.length > 1 || built) ways.push(button(name, () => this.page.go(id)));
    });
    return ways;
  }

  weightsOf(node) {
    const { data } = this.page;
    const own = node.weights.map((place) => data.weights[place]).filter(({ replaced }) => !replaced);
    if (!own.length) return [];
    const total = own.reduce((sum, { parameters }) => sum + parameters, 0);
    const rows = own.map((weight) => {
      const name = weight.path.slice(weight.path.lastIndexOf("/") + 1);
      const frozen = weight.trainable ? "" : ", not trainable";
      const row = make(
        "li",
        { title: weight.path },
        make("b", {}, name),
        ` ${weight.shape} `,
        make("small", {}, `${count(weight.parameters, "parameter")}${frozen}`),
        make("small.when", {}),
      );
      this.weights.push({ row, weight });
      return row;
    });
    const head = `${count(own.length, "weight")}, ${count(total, "parameter")}`;
    return [make("h5", {}, head), make("ul.weights", {}, ...rows)];
  }

  /** The user's line that led to the layer's first call. */
  lineOf(node) {
    const { calls, files } = this.page.data;
    const [place, line] = calls[node.seen]?.caller ?? [];
    if (place === undefined) return [];
    const { name, pieces } = files[place];
    const piece = pieces.find((one) => one.line <= line && line < one.line + one.code.split("\n").length);
    const code = piece?.code.split("\n")[line - piece.line].trim();
    const parts = [make("h5", {}, "your line"), make("p.place", {}, `${name}:${line}`)];
    return code ? [...parts, make("pre", {}, code)] : parts;
  }

  /** Say which weights are not there yet. */
  move() {
    const { timeline, position } = this.page;
    for (const { row, weight } of this.weights ?? []) {
      const made = weightMade(weight, timeline, position);
      row.classList.toggle("todo", !made);
      row.querySelector(".when").textContent = made ? "" : " · not made yet";
    }
  }
}

/** Whether the page has a call that builds a node's layer. */
function isBuilt({ data, timeline }, { layer }) {
  const builds = ({ landmark }) => data.landmarks[landmark]?.name === "Layer.build";
  return layer !== null && data.calls.some((call, id) => call.layer === layer && timeline.has(id) && builds(call));
}

function button(text, does, first = false) {
  const element = make(`button${first ? ".first" : ""}`, { type: "button" }, text);
  element.addEventListener("click", does);
  return element;
}
