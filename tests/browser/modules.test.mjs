// The pure functions of the report's scripts. Run with `node --test`.

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { test } from "node:test";

const assets = new URL("../../buildtrace/renderers/page/assets/", import.meta.url);
const load = (name) => import(new URL(name, assets));
const { Timeline, fragmentOf, fromFragment, within } = await load("steps.mjs");
const { Folds } = await load("folds.mjs");
const { docstringIn, highlight } = await load("python.mjs");
const { Story, readingTime, textOf } = await load("story.mjs");
const { entriesOf, nextTarget, search } = await load("find.mjs");
const { lineState, nodeState } = await load("progress.mjs");
const { firstView, inBounds, sidesBeyond, wholeView, withInSight, zoomed } = await load("view.mjs");
const { lineAt, raisedIn } = await load("source.mjs");
const { findingsByCall } = await load("findings.mjs");
const { totals } = await load("weights.mjs");
const { unpack } = await load("data.mjs");
const { Rows, places, rowOf } = await load("rows.mjs");

// 0 ── 1 ── 2, 3     4     5 ── 6
const parents = [undefined, 0, 1, 1, undefined, undefined, 5];
const calls = parents.map((parent) => ({ parent, function: 0 }));
const all = () => true;
const timeline = new Timeline(calls, all);

test("every call begins and ends once, inside of its parent", () => {
  const told = timeline.events.map((event) => (event & 1 ? `/${event >> 1}` : `${event >> 1}`));
  assert.equal(told.join(" "), "0 1 2 /2 3 /3 /1 /0 4 /4 5 6 /6 /5");
  assert.deepEqual([timeline.begins[3], timeline.ends[3]], [5, 6]);
  assert.deepEqual(timeline.at(0), { id: -1, ended: false });
  assert.deepEqual(timeline.stack(5), [0, 1, 3]);
  assert.deepEqual(timeline.stack(0), []);
  assert.deepEqual([4, 5, 6].map((p) => timeline.state(3, p)), ["todo", "open", "done"]);
});

test("over passes the inside of a call, both ways", () => {
  assert.equal(timeline.over(0, 1, all), 8);
  assert.equal(timeline.over(1, 1, all), 8);
  assert.equal(timeline.over(2, 1, all), 7);
  assert.equal(timeline.over(7, 1, all), 8);
  assert.equal(timeline.over(14, -1, all), 11);
  assert.equal(timeline.over(11, -1, all), 9);
  assert.equal(timeline.over(7, -1, all), 2);
  assert.equal(timeline.over(1, -1, all), 0);
});

test("a step passes what is not seen", () => {
  const seen = (id) => id !== 2 && id !== 3;
  assert.equal(timeline.next(2, 1, seen), 7);
  assert.equal(timeline.next(7, -1, seen), 2);
  assert.equal(timeline.next(14, 1, seen), 14);
  assert.equal(timeline.next(0, -1, seen), 0);
});

test("a chapter has only its own calls", () => {
  const has = within([[1, 2], [5, 6]], calls.length);
  const part = new Timeline(calls, has);
  assert.deepEqual(part.roots, [1, 5]);
  assert.equal(part.length, 8);
  assert.deepEqual(part.stack(2), [1, 2]);
  assert.equal(part.state(4, 8), "todo");
});

test("stretches cover all positions once", () => {
  const found = timeline.stretches((id) => (id < 2 ? 1 : 2));
  assert.equal(found[0].from, 1);
  assert.equal(found.at(-1).to, timeline.length);
  found.slice(1).forEach((one, n) => assert.equal(one.from, found[n].to + 1));
});

test("addresses name a call by its number in the trace", () => {
  const own = [{ id: 40 }, { parent: 0, id: 41 }];
  const line = new Timeline(own, all);
  for (let p = 0; p <= line.length; p++) {
    assert.deepEqual(fromFragment(own, fragmentOf(line, p)), line.at(p));
  }
  assert.equal(fragmentOf(line, 2), "call-41");
  for (const other of ["", "call-7", "call-41-", "call--1", "call-41<b>"]) {
    assert.equal(fromFragment(own, other), undefined);
  }
});

test("folds: what is hidden has one row, or none inside of a closed call", () => {
  const folds = new Folds(timeline, [2, 3, 4, 5]);
  const told = () => folds.rows.map((row) => (row.gap ? `[${row.gap}]${row.count}` : `${row.id}`)).join(" ");
  assert.equal(told(), "0 1 [4,5]3");
  assert.deepEqual([...folds.closed], [1]);
  assert.equal(folds.rowFor(3), 1);
  assert.equal(folds.rowFor(6), 2);
  assert.equal(folds.rowFor(-1), -1);
  assert.ok(folds.seen(1) && !folds.seen(3) && !folds.seen(4));
  folds.reveal(3);
  assert.equal(told(), "0 1 2 3 [4,5]3");
  folds.reveal(6);
  assert.equal(told(), "0 1 2 3 4 5 6");
  folds.toggle(0);
  assert.equal(told(), "0 4 5 6");
  folds.reset();
  assert.equal(told(), "0 1 [4,5]3");
  folds.openGap([4, 5]);
  folds.openAll();
  assert.deepEqual(folds.rows.map((row) => row.depth), [0, 1, 2, 2, 0, 0, 1]);
});

// Told of the timeline above: 0 begins, 2 is over, 1 is over, 5 begins; 0 and 1 are of one landmark.
const beats = [[0, false], [2, true], [1, true], [5, false]].map(([call, ended]) => ({ call, ended, says: [] }));
const landmarks = [7, 7, 8, 8, 9, 8, 9];
const story = new Story(timeline, beats, (id) => landmarks[id]);

test("the story goes from beat to beat, from wherever one is", () => {
  const walk = (direction, from) => {
    const found = [];
    for (let beat = { position: from }; (beat = story.next(beat.position, direction)); ) found.push(beat.position);
    return found.join(" ");
  };
  assert.equal(walk(1, 0), "1 4 7 11");
  assert.equal(walk(-1, 14), "11 7 4 1");
  assert.equal(walk(1, 5), "7 11");
  assert.equal(walk(-1, 5), "4 1");
});

test("a position is at a beat, after one, or before all", () => {
  assert.deepEqual([0, 1, 3, 4, 14].map((p) => story.where(p)), [
    "4 beats",
    "beat 1 of 4",
    "after beat 1 of 4",
    "beat 2 of 4",
    "after beat 4 of 4",
  ]);
  assert.equal(story.at(3), undefined);
  assert.equal(story.at(4).call, 2);
});

test("a landmark is new at its first beat, and at its first call", () => {
  const fresh = Array.from({ length: timeline.length }, (_, n) => n + 1).filter((p) => story.isNew(p));
  // 2 begins at 3 and is told at 4; no beat is about 4, which begins at 9.
  assert.deepEqual(fresh, [1, 3, 4, 9]);
});

test("a sentence stays as long as it takes to read", () => {
  const says = [["dense", "layer"], " is called on ", ["(None, 4)", "shape"], "."];
  assert.equal(textOf(says), "dense is called on (None, 4).");
  assert.equal(readingTime(says), 500 + 6 * 160);
});

test("a docstring is found, and nothing else is", () => {
  const found = (...lines) => docstringIn(lines.join("\n"));
  assert.deepEqual(found("def f(a):", '    """One', "    two.", '    """', "    return a"), [1, 3]);
  assert.deepEqual(found("@x({1: 2})", "def f(", "    a: int,", ") -> dict[str, int]:", "    r'''One'''"), [4, 4]);
  assert.equal(found("def f(a):", "    if a:", '        """no"""'), undefined);
  assert.equal(found("def f(a):"), undefined);
  assert.equal(found('x = """', "def f(a):", '"""'), undefined);
  assert.equal(found("def f(a):", '    """open'), undefined);
});

test("the highlighter loses nothing", () => {
  const code = 'def f(self, x=1.5):\n    """Doc for\n    if: x"""\n    return f"{x}#" + \'a\' # é</script>\n\n@deco.x\nclass A: pass\n\'\'\'open';
  const lines = highlight(code);
  assert.equal(lines.map((line) => line.map(([, text]) => text).join("")).join("\n"), code);
  const kinds = (n) => Object.fromEntries(lines[n].map(([kind, text]) => [text, kind]));
  assert.equal(kinds(0).def, "keyword");
  assert.equal(kinds(0).f, "name");
  assert.equal(kinds(0)["1.5"], "number");
  assert.deepEqual(lines[2], [["string", '    if: x"""']]);
  assert.equal(kinds(3)['f"{x}#"'], "string");
  assert.equal(kinds(3)["# é</script>"], "comment");
  assert.equal(kinds(5)["@deco.x"], "decorator");
  assert.equal(kinds(6).A, "name");
  assert.deepEqual(lines.at(-1), [["string", "'''open"]]);
});

test("the highlighter is quick on bad input", () => {
  const start = performance.now();
  highlight('"""'.repeat(3) + "x".repeat(100_000) + '"'.repeat(20_001) + "@".repeat(50_000));
  assert.ok(performance.now() - start < 1000);
});

test("search ranks whole names, then beginnings, then words", () => {
  const entry = (text, kind = "layer") => ({ kind, text, note: "", targets: [0] });
  const entries = ["my_dense", "dense_1", "condense", "dense"].map((text) => entry(text));
  const found = (query) => search(entries, query, 9).map(({ text }) => text);
  assert.deepEqual(found("dense"), ["dense", "dense_1", "my_dense", "condense"]);
  assert.deepEqual(found("DENSE 1"), ["dense_1"]);
  assert.deepEqual(found(" "), []);
  assert.deepEqual(search([entry("a(b")], "(", 9).length, 1);
  assert.equal(search(entries, "dense", 2).length, 2);
});

test("entries lead to a layer's own build and a weight's maker", () => {
  const data = {
    calls: [
      { function: 0, layer: 7, landmark: 0 },
      { function: 1, layer: 7, landmark: 1, parent: 0 },
      { function: 0, layer: 8, landmark: 0 },
    ],
    functions: [{ name: "Layer.__call__" }, { name: "Dense.build" }],
    landmarks: [{ name: "Layer.__call__" }, { name: "Layer.build" }],
    layers: { 7: ["a", "Dense"], 8: ["b", "ReLU"] },
    weights: [{ call: 1, path: "a/kernel", shape: "(1,)" }, { call: null, path: "x", shape: "" }],
  };
  const told = entriesOf(data, all).map(({ kind, text, targets }) => `${kind} ${text} ${targets}`);
  assert.deepEqual(told, ["layer a 1", "layer b 2", "call Layer.__call__ 0,2", "call Dense.build 1", "weight a/kernel 1"]);
});

test("the next target goes round", () => {
  const positions = [0, timeline.begins[3], timeline.begins[4]];
  assert.deepEqual(positions.map((p) => nextTarget([4, 3], timeline, p)), [3, 4, 3]);
});

test("a node fills as its weights are made", () => {
  const weights = [{ call: 2 }, { call: 3 }];
  const node = { seen: 1, weights: [0, 1] };
  const told = [1, 2, 3, 4, 5, 6].map((p) => nodeState(node, timeline, weights, p));
  assert.deepEqual(told.map(({ seen }) => seen), [false, true, true, true, true, true]);
  assert.deepEqual(told.map(({ full }) => full), [0, 0, 0, 0.5, 0.5, 1]);
  const plain = { seen: 1, weights: [] };
  assert.deepEqual([6, 7].map((p) => nodeState(plain, timeline, weights, p).full), [0, 1]);
});

test("a line is made in the call that makes it", () => {
  assert.deepEqual([4, 5, 6, 7].map((p) => lineState([3], timeline, p)), ["todo", "making", "making", "made"]);
  assert.equal(lineState([], timeline, 0), "made");
});

test("what no call makes is there after the end of another one", () => {
  const node = { seen: null, after: 2, weights: [] };
  assert.deepEqual([3, 4].map((p) => nodeState(node, timeline, [], p)), [
    { seen: false, full: 0 },
    { seen: true, full: 1 },
  ]);
  assert.deepEqual([3, 4, 5].map((p) => lineState([], timeline, p, 2)), ["todo", "making", "made"]);
  assert.deepEqual(nodeState({ seen: null, weights: [] }, timeline, [], 0), { seen: true, full: 1 });
});

const room = { width: 400, height: 300 };
const shown = ({ scale, x, y }, { width, height }) => [x, y, x + scale * width, y + scale * height];

test("a whole picture is in its pane, whatever its form", () => {
  for (const size of [{ width: 50, height: 40 }, { width: 9000, height: 20 }, { width: 80, height: 90000 }]) {
    const [left, top, right, bottom] = shown(wholeView(size, room), size);
    assert.ok(left >= 0 && top >= 0 && right <= room.width && bottom <= room.height);
    assert.ok(Math.abs(left + right - room.width) < 1);
  }
});

test("a picture that would be too small begins at its top and can be read", () => {
  const long = { width: 200, height: 4000 };
  const view = firstView(long, room);
  assert.ok(view.scale >= 0.75 && wholeView(long, room).scale < 0.1);
  assert.ok(view.y > 0);
  const small = { width: 100, height: 100 };
  assert.deepEqual(firstView(small, room), wholeView(small, room));
});

test("a wide picture begins where its sides run through no box that is near", () => {
  const size = { width: 1000, height: 4000 };
  const box = (x, y, width) => ({ x, y, width, height: 50 });
  const boxes = [box(600, 0, 80), box(480, 100, 150), box(700, 100, 200), box(0, 2000, 1000)];
  const view = firstView(size, room, () => boxes);
  for (const { x, width } of boxes.slice(0, 3)) {
    assert.ok(view.x + view.scale * x >= 0 && view.x + view.scale * (x + width) <= room.width);
  }
  assert.equal(view.scale, 0.75);
  assert.deepEqual(sidesBeyond(view, size, room), ["left", "right", "bottom"]);
  assert.ok(firstView(size, room, () => [box(100, 0, 550), boxes[1]]).scale < 0.75); // or it would be cut
});

test("a picture that is nearly narrow enough begins in its whole width", () => {
  const size = { width: 550, height: 4000 };
  const view = firstView(size, room, () => assert.fail());
  assert.deepEqual(sidesBeyond(view, size, room), ["bottom"]);
});

test("what is zoomed stays where the pointer is", () => {
  const size = { width: 1000, height: 1000 };
  const view = { scale: 1, x: -300, y: -200 };
  const point = { x: 150, y: 100 };
  const next = zoomed(view, 2, point, size, room);
  assert.equal(next.scale, 2);
  assert.equal((point.x - next.x) / 2, point.x - view.x);
  assert.equal((point.y - next.y) / 2, point.y - view.y);
  assert.ok(zoomed(view, 1e9, point, size, room).scale < 10);
  assert.ok(zoomed(view, 1e-9, point, size, room).scale >= wholeView(size, room).scale / 2);
});

test("a rectangle comes into sight, and nothing moves where it is already", () => {
  const size = { width: 1000, height: 5000 };
  const view = { scale: 1, x: -100, y: -100 };
  const near = { x: 150, y: 150, width: 50, height: 50 };
  assert.deepEqual(withInSight(view, near, size, room), view);
  const far = { x: 900, y: 4900, width: 100, height: 100 };
  const { x, y } = withInSight(view, far, size, room);
  assert.ok(x + far.x >= 0 && x + far.x + far.width <= room.width);
  assert.ok(y + far.y >= 0 && y + far.y + far.height <= room.height);
});

test("a picture cannot be moved out of its pane", () => {
  const size = { width: 1000, height: 100 };
  for (const away of [1e6, -1e6]) {
    const [left, top, right, bottom] = shown(inBounds({ scale: 1, x: away, y: away }, size, room), size);
    assert.ok(left <= 20 && right >= room.width - 20);
    assert.ok(top >= 0 && bottom <= room.height);
  }
});

test("a function on the stack is at the line that made the next call", () => {
  const functions = [{ line: 10, definition: 11, code: "@x\ndef f():\n  a\n  b" }];
  const stack = (at) => [[{ function: 0 }, { function: 0, at }], [0, 1]];
  const line = (at, place) => lineAt(functions, ...stack(at), place);
  assert.equal(line(13, 0), 13);
  assert.equal(line(undefined, 0), 11);
  assert.equal(line(14, 0), 11); // no line of this function
  assert.equal(line(9, 0), 11);
  assert.equal(line(13, 1), 11); // nothing has been called from here
});

test("the line that raised is marked in the function that it is in", () => {
  const known = { file: 0, place: "net.py:10", line: 10, code: "def build(self):\n  a\n  raise No" };
  const told = [[0, 12], [0, 13], [0, 9], [1, 12], undefined].map((raised) => raisedIn(known, raised));
  assert.deepEqual(told, [12, undefined, undefined, undefined, undefined]);
});

test("totals count what is made", () => {
  const weights = [
    { call: 2, parameters: 5, trainable: true },
    { call: 4, parameters: 7, trainable: false },
  ];
  assert.deepEqual(totals(weights, [0, 1], timeline, 4), { made: 1, of: 2, parameters: 5, frozen: 0, all: 12 });
  assert.equal(totals(weights, [0, 1], timeline, 14).frozen, 7);
});

test("data comes out as it went in", async () => {
  const data = { a: "</script>é\ud800", n: [1, null] };
  assert.deepEqual(await unpack(`${gzipSync(JSON.stringify(data)).toString("base64")}\n`), data);
});

test("findings are at each call that proves them", () => {
  const [one, two] = [{ code: "A", calls: [0, 2] }, { code: "B", calls: [2] }];
  const found = findingsByCall([one, two]);
  const [first, second] = [{ ...one, number: 0 }, { ...two, number: 1 }];
  assert.deepEqual([...found], [[0, [first]], [2, [first, second]]]);
});

// Rows 0 to 9, of which 2 to 4 and 9 are folded; 1 and 6 differ.
const folded = () => {
  const states = Array(10).fill("same");
  states[1] = "left";
  states[6] = "differs";
  return new Rows(states, [[2, 4], [9, 9]]);
};

test("a closed fold is one stop, an open one as many as it has rows", () => {
  const rows = folded();
  const walk = (direction, from) => {
    const found = [from];
    for (let row = from, next; (next = rows.next(row, direction)) !== row; row = next) found.push(next);
    return found.join(" ");
  };
  assert.equal(walk(1, 0), "0 1 2 5 6 7 8 9");
  assert.equal(walk(-1, 9), "9 8 7 6 5 2 1 0");
  assert.equal(rows.stop(4), 2);
  assert.equal(rows.stop(99), 9);
  assert.equal(rows.stop(-1), 0);
  rows.closed.delete(0);
  assert.equal(walk(1, 0), "0 1 2 3 4 5 6 7 8 9");
  assert.equal(rows.stop(4), 4);
});

test("from difference to difference, and no further", () => {
  const rows = folded();
  assert.deepEqual([0, 1, 6].map((row) => rows.nextDifference(row, 1)), [1, 6, 6]);
  assert.deepEqual([9, 6, 1].map((row) => rows.nextDifference(row, -1)), [6, 1, 1]);
});

test("a side that has no call in a row is where the same is done, or stands still", () => {
  const row = (left, right, elsewhere = null) => ({ sides: [left, right], elsewhere });
  const rows = [row({}, null), row({}, {}), row({}, null), row({}, null, 4), row(null, {}, 3)];
  const told = rows.map((_, place) => places(rows, place)[1]);
  assert.deepEqual(told, [
    undefined,
    { row: 1, how: "here" },
    { row: 1, how: "still" },
    { row: 4, how: "elsewhere" },
    { row: 4, how: "here" },
  ]);
  assert.deepEqual(places(rows, 4)[0], { row: 3, how: "elsewhere" });
});

test("only a row that is there has an address", () => {
  assert.equal(rowOf("#row-3", 4), 3);
  for (const wrong of ["#row-4", "#row--1", "#row-", "", "#call-3", "#row-3x"]) {
    assert.equal(rowOf(wrong, 4), undefined);
  }
});
