// Where a picture is in its pane: it is `scale` times its size, with its corner at (x, y).
// Sizes, rooms and rectangles are {x, y, width, height} as far as they have these.

const MARGIN = 16; // around the picture, and around what is to be in sight
const READABLE = 0.75; // the smallest scale at which all of a box can be read well
const LEGIBLE = 0.65; // and at all: to have the picture's whole width, or no box cut through
const LARGEST = 1.45; // a small picture does not shout
const SMALLEST_ZOOM = 0.2;
const LARGEST_ZOOM = 4;

/** The view that has all of the picture in sight. */
export function wholeView(size, room) {
  const across = (room.width - 2 * MARGIN) / size.width;
  const down = (room.height - 2 * MARGIN) / size.height;
  return placed(Math.max(1e-4, Math.min(across, down, LARGEST)), size, room);
}

/**
 * The view to begin with: the whole picture if it can be read, or else its beginning in whole width.
 * Where that is too wide, a part of it at whose sides no box is cut through, or as few as can be.
 *
 * `boxesOf` gives the rectangles of the boxes; the first of them will be in sight.
 */
export function firstView(size, room, boxesOf = () => []) {
  const whole = wholeView(size, room);
  if (whole.scale >= READABLE) return whole;
  const across = (room.width - 2 * MARGIN) / size.width;
  if (across >= LEGIBLE) return placed(Math.min(across, 1), size, room);
  const boxes = boxesOf();
  const views = [READABLE, (READABLE + LEGIBLE) / 2, LEGIBLE].map((scale) => leastCut(scale, size, room, boxes));
  views.sort((a, b) => a.cut - b.cut); // the larger one first where as many are cut
  return views[0].view;
}

/** Of the views that begin at the top, one that cuts the fewest boxes at its sides: {view, cut}. */
function leastCut(scale, size, room, boxes) {
  const top = placed(scale, size, room);
  const near = boxes.filter(({ y }) => top.y + scale * y < room.height);
  if (!near.length) return { view: top, cut: 0 };
  const left = Math.min(...near.map(({ x }) => x));
  const right = Math.max(...near.map(({ x, width }) => x + width));
  const middle = room.width / 2 - (scale * (left + right)) / 2;
  const begins = near.map(({ x }) => MARGIN - scale * x);
  const ends = near.map(({ x, width }) => room.width - MARGIN - scale * (x + width));
  const found = [middle, ...begins, ...ends].map((x) => {
    const view = inBounds({ ...top, x }, size, room);
    const sides = near.map((box) => [view.x + scale * box.x, view.x + scale * (box.x + box.width)]);
    const whole = ([from, to]) => from >= 0 && to <= room.width;
    const gone = ([from, to]) => to <= 0 || from >= room.width;
    const cut = sides.filter((side) => !whole(side) && !gone(side)).length;
    return { view, cut, first: whole(sides[0]), whole: sides.filter(whole).length };
  });
  found.sort((a, b) => b.first - a.first || a.cut - b.cut || b.whole - a.whole);
  return found[0];
}

/** Beyond which sides of the pane the picture goes on. */
export function sidesBeyond({ scale, x, y }, size, room) {
  const beyond = {
    left: x < 0,
    right: x + scale * size.width > room.width,
    top: y < 0,
    bottom: y + scale * size.height > room.height,
  };
  return Object.keys(beyond).filter((side) => beyond[side]);
}

/** In the middle where there is room, or else from the top. */
function placed(scale, size, room) {
  const middle = (room.width - scale * size.width) / 2;
  const above = Math.max(MARGIN, (room.height - scale * size.height) / 2);
  return inBounds({ scale, x: middle, y: above }, size, room);
}

/** The view without a gap beside the picture that part of it could fill. */
export function inBounds({ scale, x, y }, size, room) {
  const bounded = (at, length, space) => {
    const left = space - scale * length;
    const [least, most] = [Math.min(MARGIN, left - MARGIN), Math.max(MARGIN, left - MARGIN)];
    return Math.max(least, Math.min(most, at));
  };
  return { scale, x: bounded(x, size.width, room.width), y: bounded(y, size.height, room.height) };
}

/** The view zoomed, with what is at a point of the pane staying there. */
export function zoomed(view, factor, point, size, room) {
  const least = Math.min(SMALLEST_ZOOM, wholeView(size, room).scale);
  const scale = Math.max(least, Math.min(LARGEST_ZOOM, view.scale * factor));
  const grown = scale / view.scale;
  const moved = (at, origin) => origin + (at - origin) * grown;
  return inBounds({ scale, x: moved(view.x, point.x), y: moved(view.y, point.y) }, size, room);
}

/** The view moved just as far as it takes to have a rectangle of the picture well in sight. */
export function withInSight(view, rectangle, size, room) {
  const moved = (at, from, length, space) => {
    const [first, last] = [at + view.scale * from, at + view.scale * (from + length)];
    if (first >= MARGIN && last <= space - MARGIN) return at;
    if (last - first > space - 2 * MARGIN) return at + MARGIN - first;
    return at + space / 2 - (first + last) / 2;
  };
  const { x, y, width, height } = rectangle;
  const left = moved(view.x, x, width, room.width);
  const top = moved(view.y, y, height, room.height);
  return inBounds({ scale: view.scale, x: left, y: top }, size, room);
}
