// Where one can be in a table of which parts are folded: a closed fold is one stop, its first row.

export class Rows {
  /** The state of each row, and the first and last row of each fold. */
  constructor(states, folds) {
    this.states = states;
    this.folds = folds;
    this.closed = new Set(folds.keys());
    this.foldOfRow = new Map();
    folds.forEach(([first, last], fold) => {
      for (let row = first; row <= last; row += 1) this.foldOfRow.set(row, fold);
    });
  }

  get length() {
    return this.states.length;
  }

  /** The closed fold that a row is in, or undefined. */
  hiding(row) {
    const fold = this.foldOfRow.get(row);
    return this.closed.has(fold) ? fold : undefined;
  }

  /** The row itself, or of a row in a closed fold the first one of that. */
  stop(row) {
    const inside = Math.max(0, Math.min(row, this.length - 1));
    const fold = this.hiding(inside);
    return fold === undefined ? inside : this.folds[fold][0];
  }

  /** The stop after a row, or before it; at the end, the row. */
  next(row, direction) {
    const fold = this.hiding(row);
    const [first, last] = fold === undefined ? [row, row] : this.folds[fold];
    const found = direction > 0 ? last + 1 : first - 1;
    return found < 0 || found >= this.length ? row : this.stop(found);
  }

  /** The next row in that direction in which something differs; the row, if there is none. */
  nextDifference(row, direction) {
    let found = row;
    for (let next; (next = this.next(found, direction)) !== found; ) {
      found = next;
      if (this.hiding(found) === undefined && this.states[found] !== "same") return found;
    }
    return row;
  }
}

/** Where each side is when a row is the current one: {row, how}, or undefined before its first. */
export function places(rows, row) {
  return [0, 1].map((side) => {
    if (rows[row].sides[side]) return { row, how: "here" };
    if (rows[row].elsewhere !== null) return { row: rows[row].elsewhere, how: "elsewhere" };
    for (let before = row - 1; before >= 0; before -= 1) {
      if (rows[before].sides[side]) return { row: before, how: "still" };
    }
    return undefined;
  });
}

/** The row that a fragment of the address names, or undefined. */
export function rowOf(fragment, length) {
  const found = /^#row-(\d{1,9})$/.exec(fragment);
  return found && Number(found[1]) < length ? Number(found[1]) : undefined;
}
