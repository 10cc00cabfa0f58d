"""Mutants of traces: sound ones in which a few things are changed as no recorder would do."""

from __future__ import annotations

import contextlib
import functools
import gzip
import json
import random
from typing import TYPE_CHECKING, Any

import made_traces
from diagnosis import recordings

from buildtrace.traces import trace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_CALLS = 400
"""Larger traces are no other; they only take longer."""

RECORDED = ("cases.", "examples.")
"""Of these modules' scripts, the recorded runs are taken: they have each kind of build in them."""

TEXTS = [
    "",
    " ",
    "\t\r\n\x0b\x0c\x1c\x85\u2028",
    "\0",
    "\x1b[31mred\x1b[2J",
    "\x1b]8;;http://example.com\x07link\x1b]8;;\x07",
    "\x1b]0;title\x1b\\",
    "\x9b31m\x90\x9d0;title\x9c",
    "\x07\x08\x7f",
    "\u202egnp.exe\u202c\u2066\u2069\u200f\u200e\u061c",
    "zero\u200bwidth\ufeff",
    "e\u0301" * 50,
    "宽" * 300,
    "\U0001f469\u200d\U0001f4bb",
    "\ud800",
    "</script><script>alert(1)</script>",
    "</style></title></textarea>",
    '"><img src=x onerror=alert(1)>',
    "'onload='alert(1)",
    "<!--<script>",
    "]]>-->",
    "&lt;&amp;&#27;&quot;",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "${7 * 7}`",
    "[bold red]markup[/]",
    "[/]",
    "\\N\\l\\G\\x1b",
    '"];node [label="x"]; a -> b [',
    "|{}<p>",
    "#quot;:::x",
    "end\nsubgraph x\n",
    "%s%n%d{}{0}{x.__class__}",
    "::error file=x::y",
    "None",
    "True",
    "call",
    "keras2",
    "Layer.build",
    "Layer.__call__",
    "Layer.add_weight",
    "x" * 5_000,
    "name " * 8_000,
    "a/" * 3_000,
    "(" * 2_000,
    "import os\n" * 500,
    "'''",
    "\\",
    "/",
    "~",
    "<stdin>",
    "<ipython-input-1-0>",
    "C:\\Windows\\win.ini",
    "//server/share",
]
"""What a name, a message or a piece of code may be."""

NUMBERS = [
    -(2**63),
    -1,
    0,
    1,
    2,
    1_000,
    2**31 - 1,
    2**31,
    2**53,
    2**62 - 1,
    2**63 - 1,
    2**64,
    10**40,
]

PATHS = ["/etc/passwd", "/etc/shadow", "/dev/zero", "/dev/stdin", "/dev/tty", "/proc/self/environ"]
"""Files that nobody has named to see what is in them."""


class Mutant:
    """One trace in the making: plain data as in its file, and the dice."""

    def __init__(self, seed: int, bait: list[str]) -> None:
        """Choose which trace to start from.

        Args:
            seed: decides everything.
            bait: paths of files whose content must not be shown.
        """
        self.random = random.Random(seed)
        self.paths = bait * 3 + PATHS
        self.data: dict[str, Any] = {"calls": [], "graphs": []}
        self.data |= json.loads(self.random.choice(bases()))

    def text(self) -> bytes:
        """The mutant's file."""
        for _ in range(self.random.choice([1, 1, 2, 3, 5, 8])):
            (change,) = self.random.choices([*CHANGES], [*CHANGES.values()])
            with contextlib.suppress(LookupError, TypeError, AttributeError, ValueError):
                change(self)  # what is damaged already may not be what this one looks for
        text = json.dumps(self.data).encode()
        text = self._without_some_bytes(text) if self.random.random() < 0.03 else text
        return gzip.compress(text) if self.random.random() < 0.03 else text

    def _without_some_bytes(self, text: bytes) -> bytes:
        start = self.random.randrange(len(text))
        end = start + self.random.choice([1, 2, 50, len(text)])
        return text[:start] + self.random.choice([b"", b"\xff", b"\0", b"[" * 9_000]) + text[end:]

    # -- where ----------------------------------------------------------------------------------

    def place(self) -> tuple[Any, Any]:
        """Something in the trace, as what it is in and its key: deeper down as often as not."""
        holder: Any = self.data
        key: Any = self.random.choice(list(holder))
        while self.random.random() < 0.85:
            inner = holder[key]
            keys = (
                list(inner)
                if isinstance(inner, dict)
                else range(len(inner or ()))
                if isinstance(inner, list)
                else ()
            )
            if not keys:
                break
            holder, key = inner, self.random.choice(keys)
        return holder, key

    def all_of(self, *names: str) -> list[tuple[dict[str, Any], str]]:
        """Every field of one of these names, with what it is in."""
        return [(holder, key) for holder in _objects(self.data) for key in holder if key in names]

    # -- what can happen ------------------------------------------------------------------------

    def drop(self) -> None:
        """A field or an element is gone."""
        holder, key = self.place()
        del holder[key]

    def double(self) -> None:
        """Something is in its list twice."""
        holder, key = self.place()
        if isinstance(holder, list):
            holder.insert(self.random.randrange(len(holder) + 1), holder[key])

    def swap(self) -> None:
        """Two things in a list change places."""
        holder, key = self.place()
        if isinstance(holder, list):
            other = self.random.randrange(len(holder))
            holder[key], holder[other] = holder[other], holder[key]

    def swap_fields(self) -> None:
        """A field of one thing is that of another: of the right type, and in the wrong place."""
        name = self.random.choice(sorted({key for each in _objects(self.data) for key in each}))
        (a, _), (b, _) = (self.random.choice(self.all_of(name)) for _ in range(2))
        a[name], b[name] = b[name], a[name]

    def retype(self) -> None:
        """Something else altogether."""
        holder, key = self.place()
        others = [None, True, [], {}, [[]], {"id": 0}, 0.5, *NUMBERS, *TEXTS]
        holder[key] = self.random.choice(others)

    def renumber(self) -> None:
        """A number is another: far away, or the next one."""
        found = [(h, k) for h in _objects(self.data) for k in h if type(h[k]) is int]
        holder, key = self.random.choice(found)
        holder[key] = self.random.choice([*NUMBERS, holder[key] + 1, holder[key] - 1])

    def resize(self) -> None:
        """A shape is another."""
        found = self.all_of("shape")
        if found:
            holder, key = self.random.choice(found)
            holder[key] = self.random.choice(
                [None, [], [None], [0], [-1, 3], [2**63 - 1], [2**62, 2**62], [1] * 2_000]
            )

    def reparent(self) -> None:
        """Calls are inside of others."""
        calls = self.data["calls"]
        for _ in range(self.random.choice([1, 2, 20]) if calls else 0):
            number = self.random.randrange(len(calls))
            inside = self.random.choice([None, number - 1, self.random.randrange(number + 1), -1])
            calls[number]["parent"] = inside

    def nest(self) -> None:
        """Each call is inside of the one before it."""
        for number, call in enumerate(self.data["calls"]):
            call["parent"] = number - 1 if number else None

    def rename(self) -> None:
        """All that is called so is called otherwise."""
        holder, key = self.random.choice(self._texts())
        before, after = holder[key], self.random.choice(TEXTS)
        for each, name in self._texts():
            if each[name] == before:
                each[name] = after

    def say(self) -> None:
        """One text is another."""
        holder, key = self.random.choice(self._texts())
        holder[key] = self.random.choice(TEXTS)

    def misplace(self) -> None:
        """Lines of code are said to be in a file that is none of the script's."""
        found = self.all_of("file")
        path, line = self.random.choice(self.paths), self.random.choice([0, 1, 2, 3, 2**31 - 1])
        for holder, key in found if self.random.random() < 0.5 else self.random.sample(found, 1):
            holder[key] = path
            holder["line"] = line

    def rewire(self) -> None:
        """A graph has other lines: in circles, to itself, twice, or none."""
        graphs = [graph for graph in self.data["graphs"] if graph.get("nodes")]
        if graphs:
            graph = self.random.choice(graphs)
            number, edges = len(graph["nodes"]), graph.setdefault("edges", [])
            for _ in range(self.random.choice([1, 3, 30])):
                ends = [self.random.randrange(number) for _ in range(2)]
                edges.append({"source": ends[0], "target": ends[1], "tensor": {"shape": None}})
            self.random.shuffle(edges)
            for name in ("inputs", "outputs", "weights"):
                graph[name] = self.random.choices(
                    graph.get(name) or [0], k=self.random.randrange(3)
                )

    def put_inside(self) -> None:
        """Nodes of a graph are other layers: the model itself, say, or one that it is in."""
        refs = [graph["model"]["id"] for graph in self.data["graphs"]] + [10**6]
        for graph in self.data["graphs"]:
            for node in graph.get("nodes", ()):
                if self.random.random() < 0.3:
                    node["layer"] = self.random.choice(refs)
                    node["kind"] = self.random.choice(["model", "layer", "input", "operation"])

    def fold(self) -> None:
        """Calls say that something was folded at them."""
        for call in self.data["calls"]:
            if self.random.random() < 0.2:
                number = self.random.choice([0, 1, 5, 2**31 - 1])
                reason = self.random.choice(["repeat", "recursion", "depth"])
                call["folded"] = {"reason": reason, "repeats": number, "calls": number}

    def fail(self) -> None:
        """Calls ended in an error."""
        lines = [{"file": self.random.choice(self.paths), "line": 1}]
        error = {"type": self.random.choice(["ValueError", *TEXTS]), "message": "x", "lines": lines}
        for call in self.data["calls"]:
            if self.random.random() < 0.3:
                call["error"] = error | {"swallowed": self.random.random() < 0.3}
        if self.random.random() < 0.7:
            self.data["error"] = error

    def find(self) -> None:
        """The findings are the file's own."""
        text = functools.partial(self.random.choice, TEXTS)
        count = len(self.data["calls"])
        self.data["findings"] = [
            {
                "code": self.random.choice(["BT101", text()]),
                "title": text(),
                "severity": self.random.choice(["error", "warning", "note"]),
                "message": text(),
                "why": text(),
                "fix": text(),
                "calls": [self.random.randrange(count)] if count else [],
                "layer": self.random.choice([None, 0, 10**6]),
                "caller": {"file": self.random.choice(self.paths), "line": 1},
            }
            for _ in range(self.random.choice([1, 5]))
        ]

    def carry(self) -> None:
        """The sources are the file's own."""
        files = [holder[key] for holder, key in self.all_of("file")] or ["x"]
        code = [
            *TEXTS,
            "def build(self, input_shape):\n    pass\n" * 3,
            "\x1b[2Jdef build(self): 1",
        ]
        self.data["sources"] = [
            {
                "file": self.random.choice([*files, *self.paths]),
                "functions": [{"line": n, "text": self.random.choice(code)} for n in (0, 1, 10)],
                "excerpts": [{"line": n, "text": self.random.choice(code)} for n in (1, 7)],
                "inside": {"7": self.random.choice(TEXTS)},
                "ignored": {"7": self.random.choices(TEXTS, k=2)},
            }
            for _ in range(self.random.choice([1, 5]))
        ]

    def _texts(self) -> list[tuple[Any, Any]]:
        return [(h, k) for h in _objects(self.data) for k in h if isinstance(h[k], str)]


CHANGES: dict[Callable[[Mutant], None], int] = {
    Mutant.drop: 1,
    Mutant.double: 1,
    Mutant.swap: 1,
    Mutant.swap_fields: 6,
    Mutant.retype: 1,
    Mutant.renumber: 2,
    Mutant.resize: 3,
    Mutant.reparent: 2,
    Mutant.nest: 1,
    Mutant.rename: 6,
    Mutant.say: 6,
    Mutant.misplace: 4,
    Mutant.rewire: 4,
    Mutant.put_inside: 3,
    Mutant.fold: 2,
    Mutant.fail: 3,
    Mutant.find: 2,
    Mutant.carry: 3,
}
"""What can happen to a trace, and how often it does."""


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in JSON data."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict):
            yield inner
            waiting += inner.values()
        elif isinstance(inner, list):
            waiting += inner


@functools.cache
def bases() -> list[bytes]:
    """Traces to start from: recorded ones, and ones made by hand."""
    paths = [path for path in recordings.all_recorded() if path.name.startswith(RECORDED)]
    runs = [run for path in paths for run in recordings.read(path).runs.values()]
    texts = [bytes(run.trace) for run in runs]
    recorded = [t for t in texts if 0 < len(json.loads(t).get("calls", ())) <= MOST_CALLS]
    made = [
        made_traces.mlp2(),
        made_traces.mlp3([8] * 30),
        made_traces.layers(["Conv2D", "BatchNormalization"] * 20),
        made_traces.failing(20),
        made_traces.towers(),
        made_traces.frozen(),
        made_traces.caught(times=3),
        made_traces.saved_model(),
    ]
    return [*map(trace_file.to_json, made * 4), *recorded]
