// The order of events in one chapter of the build, and the ways to move through it.
//
// Every call gives two events, its beginning and its end. Position p means that the first p events
// have happened: 0 is before the build, `length` after it.

/** The calls directly inside each call, and the outermost ones, of those that `has` wants. */
function familyOf(calls, has) {
  const children = calls.map(() => []);
  const roots = [];
  calls.forEach((call, id) => {
    if (!has(id)) return;
    const inside = call.parent !== undefined && has(call.parent);
    (inside ? children[call.parent] : roots).push(id);
  });
  return { children, roots };
}

/** A test for membership in a list of [first, last] ranges. */
export function within(ranges, length) {
  const member = new Uint8Array(length);
  for (const [first, last] of ranges) member.fill(1, first, last + 1);
  return (id) => member[id] === 1;
}

export class Timeline {
  constructor(calls, has) {
    const { children, roots } = familyOf(calls, has);
    Object.assign(this, { calls, has, children, roots });
    this.begins = new Int32Array(calls.length);
    this.ends = new Int32Array(calls.length);
    this.events = [];
    const waiting = roots.map((id) => 2 * id).reverse();
    while (waiting.length) {
      const event = waiting.pop();
      const id = event >> 1;
      this.events.push(event);
      if (event & 1) {
        this.ends[id] = this.events.length;
        continue;
      }
      this.begins[id] = this.events.length;
      waiting.push(event + 1);
      for (let i = children[id].length - 1; i >= 0; i--) waiting.push(2 * children[id][i]);
    }
  }

  get length() {
    return this.events.length;
  }

  /** The call of the event that has just happened (-1 before all), and whether it was its end. */
  at(position) {
    if (position < 1) return { id: -1, ended: false };
    const event = this.events[position - 1];
    return { id: event >> 1, ended: (event & 1) === 1 };
  }

  /** "todo", "open" or "done". */
  state(id, position) {
    if (this.begins[id] > position || !this.begins[id]) return "todo";
    return this.ends[id] <= position ? "done" : "open";
  }

  /** The call of the last event and those that it is inside of, outermost first. */
  stack(position) {
    const found = [];
    let { id } = this.at(position);
    while (id !== undefined && id >= 0 && this.has(id)) {
      found.push(id);
      id = this.calls[id].parent;
    }
    return found.reverse();
  }

  /** The next position in a direction (1 or -1) whose call is to be seen. */
  next(position, direction, seen) {
    let p = position + direction;
    while (p > 0 && p < this.length && !seen(this.at(p).id)) p += direction;
    return Math.max(0, Math.min(p, this.length));
  }

  /** As `next`, but past all that happens inside of one call. */
  over(position, direction, seen) {
    const here = this.at(position);
    if (here.id >= 0 && here.ended === direction < 0) return this.other(here);
    const there = this.next(position, direction, seen);
    const then = this.at(there);
    return then.id >= 0 && then.ended === direction < 0 ? this.other(then) : there;
  }

  /** The other end of the call of an event. */
  other({ id, ended }) {
    return ended ? this.begins[id] : this.ends[id];
  }

  /** Which stretches of the positions belong to which part, as {part, from, to}. */
  stretches(partOf) {
    const found = [];
    for (let p = 1; p <= this.length; p++) {
      const part = partOf(this.at(p).id);
      const last = found[found.length - 1];
      if (last && last.part === part) last.to = p;
      else found.push({ part, from: p, to: p });
    }
    return found;
  }
}

/** A position as the page's fragment. */
export function fragmentOf(timeline, position) {
  const { id, ended } = timeline.at(position);
  if (id < 0) return "start";
  return `call-${timeline.calls[id].id ?? id}${ended ? "-end" : ""}`;
}

/** The call and the end of it that a fragment names; nothing if it names none. */
export function fromFragment(calls, text) {
  if (text === "start") return { id: -1, ended: false };
  const found = /^call-(\d+)(-end)?$/.exec(text);
  if (!found) return undefined;
  const number = Number(found[1]);
  const id = calls.findIndex((call, place) => (call.id ?? place) === number);
  return id < 0 ? undefined : { id, ended: found[2] !== undefined };
}
