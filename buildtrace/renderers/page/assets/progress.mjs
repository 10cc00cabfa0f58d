// How far each part of a picture is at a position of the build. No element is known here.

/** How far a node is at a position: `seen`, and which part of its weights is made (0 to 1). */
export function nodeState(node, timeline, weights, position) {
  const start = startOf(node, timeline);
  if (start > position) return { seen: false, full: 0 };
  if (node.seen === null || start === 0) return { seen: true, full: 1 };
  if (!node.weights.length) return { seen: true, full: timeline.ends[node.seen] <= position ? 1 : 0 };
  const made = node.weights.filter((place) => weightMade(weights[place], timeline, position));
  return { seen: true, full: made.length / node.weights.length };
}

/** The position from which a node is there: 0 if it is not known what brings it to life. */
export function startOf({ seen, after }, { has, begins, ends }) {
  if (seen !== null) return has(seen) ? begins[seen] : 0;
  return after !== undefined && has(after) ? ends[after] : 0;
}

/** Whether a weight is there: from the end of the call that made it. */
export function weightMade(weight, timeline, position) {
  if (weight.call === null || !timeline.has(weight.call)) return true;
  return timeline.ends[weight.call] <= position;
}

/**
 * Whether a line is drawn yet ("made"), is being made ("making") or is still to come ("todo").
 * One that no call is known to make is there `after` the end of another call.
 */
export function lineState(makers, timeline, position, after) {
  const { id, ended } = timeline.at(position);
  const known = makers.filter((maker) => timeline.has(maker));
  if (known.length) {
    if (known.includes(id)) return "making";
    return known.some((maker) => timeline.begins[maker] <= position) ? "made" : "todo";
  }
  if (after === undefined || !timeline.has(after)) return "made";
  if (ended && id === after) return "making";
  return timeline.ends[after] <= position ? "made" : "todo";
}

/** The first and the last position at which something of these calls changes. */
export function spanOf(ids, { has, begins, ends }) {
  const known = ids.filter((id) => id !== null && id !== undefined && has(id));
  return [Math.min(...known.map((id) => begins[id])), Math.max(...known.map((id) => ends[id])) + 1];
}

/** Whether two positions lie on the same side of all changes. */
export function unchanged([first, last], from, to) {
  return from !== undefined && (Math.max(from, to) < first || Math.min(from, to) >= last);
}
