// Zooming and moving what is in a box: by wheel, pointer, fingers and keys.

const A_STEP = 1.25; // of the keys and buttons
const FAR = 80; // pixels that an arrow key moves
const STILL = 4; // pixels that a finger may move in a click

/** `target` gets `zoomAt(factor, {x, y})`, `pan(dx, dy)`, and `zoomBy(factor)`, 0 for a fit. */
export function listenToGestures(box, target) {
  box.addEventListener("wheel", (event) => wheeled(event, box, target), { passive: false });
  box.addEventListener("keydown", (event) => keyed(event, box, target));
  new Fingers(box, target);
}

function wheeled(event, box, target) {
  event.preventDefault();
  const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : 16;
  const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
  // Two fingers on a touchpad: a browser tells of a pinch as of the wheel with ctrl.
  if (event.shiftKey) target.pan(-(dx || dy), 0);
  else if (!event.ctrlKey && Math.abs(dx) > Math.abs(dy)) target.pan(-dx, -dy);
  else target.zoomAt(Math.exp(-dy * (event.ctrlKey ? 0.01 : 0.002)), pointOf(event, box));
}

function keyed(event, box, target) {
  if (event.altKey || event.metaKey) return;
  const way = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [1, 0], ArrowRight: [-1, 0] }[event.key];
  const zoom = { "+": A_STEP, "=": A_STEP, "-": 1 / A_STEP, 0: 0 }[event.key];
  // Left and right are the page's steps; with ctrl, any arrow moves the picture.
  const moves = way && (event.ctrlKey || (way[1] && event.target === box));
  if (moves) target.pan(way[0] * FAR, way[1] * FAR);
  else if (zoom !== undefined && !event.ctrlKey) target.zoomBy(zoom);
  else return;
  event.preventDefault();
}

/** One finger (or the mouse) drags, two pinch. */
class Fingers {
  constructor(box, target) {
    Object.assign(this, { box, target, down: new Map(), dragged: false });
    box.addEventListener("pointerdown", (event) => this.put(event));
    box.addEventListener("pointermove", (event) => this.moved(event));
    for (const end of ["pointerup", "pointercancel"]) box.addEventListener(end, (event) => this.lifted(event));
    // The click at the end of a drag is none.
    box.addEventListener("click", (event) => this.dragged && event.stopImmediatePropagation(), { capture: true });
  }

  put(event) {
    if (event.button !== 0) return;
    if (!this.down.size) this.dragged = false;
    this.down.set(event.pointerId, pointOf(event, this.box));
    this.from = pointOf(event, this.box);
  }

  moved(event) {
    const before = this.down.get(event.pointerId);
    if (!before) return;
    const now = pointOf(event, this.box);
    if (!this.dragged && Math.hypot(now.x - this.from.x, now.y - this.from.y) < STILL) return;
    if (!this.dragged) this.box.setPointerCapture(event.pointerId); // not before: it takes clicks away
    this.dragged = true;
    this.down.set(event.pointerId, now);
    const others = [...this.down].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    if (!others.length) {
      this.target.pan(now.x - before.x, now.y - before.y);
      return;
    }
    const [other] = others;
    const apart = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
    this.target.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    this.target.zoomAt(apart(now) / apart(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  }

  lifted(event) {
    this.down.delete(event.pointerId);
  }
}

function pointOf(event, box) {
  const { left, top } = box.getBoundingClientRect();
  return { x: event.clientX - left, y: event.clientY - top };
}
