// Where a picture is in its pane: it is `scale` times its size, with its corner at (x, y).
// Sizes, rooms and rectangles are {x, y, width, height} as far as they have these.

const MARGIN = 16; // around the picture, and around what is to be in sight
const READABLE = 0.75; // the smallest scale at which all of a box can be read
const LARGEST = 1.45; // a small picture does not shout
const SMALLEST_ZOOM = 0.2;
const LARGEST_ZOOM = 4;

/** The view that has all of the picture in sight. */
export function wholeView(size, room) {
  const across = (room.width - 2 * MARGIN) / size.width;
  const down = (room.height - 2 * MARGIN) / size.height;
  return placed(Math.max(1e-4, Math.min(across, down, LARGEST)), size, room);
}

/** The view to begin with: the whole picture if it can be read, or else a part that can. */
export function firstView(size, room) {
  const whole = wholeView(size, room);
  if (whole.scale >= READABLE) return whole;
  const across = (room.width - 2 * MARGIN) / size.width;
  return placed(Math.max(READABLE, Math.min(across, 1)), size, room);
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
