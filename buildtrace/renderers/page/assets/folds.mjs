// Which calls of a tree have a row, and in which order.

export class Folds {
  /** `hidden` are the topmost calls that have no row at first. */
  constructor(timeline, hidden) {
    this.timeline = timeline;
    this.first = hidden.filter((id) => timeline.has(id));
    this.closed = new Set();
    this.hidden = new Set();
    this.rowOf = new Int32Array(timeline.calls.length);
    this.sizes = sizesOf(timeline);
    this.reset();
  }

  /** Fold as at first. */
  reset() {
    const { children } = this.timeline;
    this.hidden = new Set(this.first);
    this.closed = new Set();
    children.forEach((inner, id) => {
      if (inner.length && inner.every((child) => this.hidden.has(child))) {
        this.closed.add(id);
        for (const child of inner) this.hidden.delete(child);
      }
    });
    this.list();
  }

  openAll() {
    this.hidden.clear();
    this.closed.clear();
    this.list();
  }

  toggle(id) {
    if (!this.closed.delete(id)) this.closed.add(id);
    this.list();
  }

  /** Give rows to calls in whose place one row stood. */
  openGap(ids) {
    for (const id of ids) this.hidden.delete(id);
    this.list();
  }

  /** Open whatever hides a call. */
  reveal(id) {
    if (this.seen(id)) return;
    const { calls, has } = this.timeline;
    for (let at = id; at !== undefined && has(at); at = calls[at].parent) {
      if (at !== id) this.closed.delete(at);
      if (this.hidden.has(at)) for (const one of this.gapAround(at)) this.hidden.delete(one);
    }
    this.list();
  }

  /** The run of hidden siblings that a hidden call is in. */
  gapAround(id) {
    const { calls, children, roots, has } = this.timeline;
    const { parent } = calls[id];
    const siblings = parent !== undefined && has(parent) ? children[parent] : roots;
    let from = siblings.indexOf(id);
    let to = from;
    while (this.hidden.has(siblings[from - 1])) from -= 1;
    while (this.hidden.has(siblings[to + 1])) to += 1;
    return siblings.slice(from, to + 1);
  }

  /** Whether a call has a row of its own. */
  seen(id) {
    const row = this.rows[this.rowOf[id]];
    return row !== undefined && row.id === id;
  }

  /** The number of the row that shows a call, or else of the one that hides it; -1 for no call. */
  rowFor(id) {
    let at = id;
    while (at !== undefined && at >= 0) {
      if (this.rowOf[at] >= 0) return this.rowOf[at];
      at = this.timeline.calls[at].parent;
    }
    return -1;
  }

  /** Make the list of rows anew: `{id, depth, closed}`, or `{gap, depth, count}` for hidden ones. */
  list() {
    const { children, roots } = this.timeline;
    this.rows = [];
    this.rowOf.fill(-1);
    const waiting = [];
    const push = (ids, depth) => {
      for (let i = ids.length - 1; i >= 0; i--) waiting.push([ids[i], depth]);
    };
    push(roots, 0);
    while (waiting.length) {
      const [id, depth] = waiting.pop();
      const last = this.rows[this.rows.length - 1];
      if (!this.hidden.has(id)) {
        this.rowOf[id] = this.rows.length;
        this.rows.push({ id, depth, closed: this.closed.has(id) });
        if (!this.closed.has(id)) push(children[id], depth + 1);
      } else if (last && last.gap && last.depth === depth) {
        last.gap.push(id);
        last.count += this.sizes[id];
        this.rowOf[id] = this.rows.length - 1;
      } else {
        this.rowOf[id] = this.rows.length;
        this.rows.push({ gap: [id], depth, count: this.sizes[id] });
      }
    }
  }
}

/** How many calls each call stands for, itself included. */
function sizesOf({ calls, begins, ends }) {
  return calls.map((_, id) => (ends[id] - begins[id] + 1) / 2);
}
