"""`buildtrace landmarks`: the functions of Keras that make up a build, as a curriculum."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from buildtrace.cli.parser import Parser
    from buildtrace.generations import Generation, Landmark
    from buildtrace.renderers.text.lines import Line, Part
    from buildtrace.traces.schema import KerasInfo

STEPS = {
    "input": "1. The input: what the model will be given",
    "connect": "2. The layers: each is called on the output of the one before",
    "build": "2. The layers: each makes its state, now that its input's shape is known",
    "weight": "2. The layers: the weights themselves",
    "graph": "3. The graph: the layers become a network",
    "compile": "4. Training: the loss, the metrics and the optimizer, at the first batch",
    "load": "5. A saved file: what to build, and the values of the weights",
}
"""What each step of the tables is: one of the article's three, or what comes after them."""


_BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")

WIDEST = 100
"""Sentences in longer lines are hard to read."""


def main(arguments: Sequence[str]) -> int:
    """Show the landmark tables; returns the exit code."""
    keras = build_parser().parse_args(arguments).keras
    from buildtrace.cli.console import own_console
    from buildtrace.renderers.text.lines import Lines

    with own_console(sys.stdout) as console:
        Lines(lambda width: lines(keras, min(width, WIDEST))).stream(console)
    return 0


def build_parser() -> Parser:
    """The parser of the verb's arguments."""
    from buildtrace.cli.parser import Parser, keras_choices
    from buildtrace.cli.verbs import sentence

    parser = Parser(prog="buildtrace landmarks", description=sentence("landmarks"))
    parser.add_argument(
        "--keras",
        choices=keras_choices(),
        default="auto",
        help="show only this generation, installed or not (default: those that are installed)",
    )
    return parser


def lines(keras: str, width: int) -> Iterator[Line]:
    """The table of each generation that is wanted."""
    from buildtrace.renderers.text import styles
    from buildtrace.renderers.text.lines import Part, wrapped

    for number, (generation, info) in enumerate(tables(keras)):
        where = f"{info.package} {info.version}" if info else "not installed here"
        yield from [[Part("")]] * number
        yield [Part(generation.title, styles.NAME), Part(f"  {where}")]
        rows = generation.landmarks_of(info.version) if info else generation.landmarks
        for step in dict.fromkeys(row.step for row in rows):
            yield [Part("")]
            yield from wrapped(STEPS[step], width, [], [], f"bold {styles.STEP[step]}")
            for row in rows:
                if row.step == step:
                    yield from _describe(row, info, width)


def tables(keras: str) -> list[tuple[Generation, KerasInfo | None]]:
    """Which generations to show, each with the installed Keras that has it, if there is one."""
    pairs = of_all()
    if keras != "auto":
        return [pair for pair in pairs if pair[0].name.removeprefix("keras") == keras]
    return [pair for pair in pairs if pair[1]] or pairs


def of_all() -> list[tuple[Generation, KerasInfo | None]]:
    """All generations, each with the installed Keras that has it, if there is one."""
    from buildtrace.generations import GENERATIONS, installed

    there = installed()
    return [(g, next((i for i in there if i.generation == g.name), None)) for g in GENERATIONS]


def _describe(row: Landmark, info: KerasInfo | None, width: int) -> Iterator[Line]:
    """A landmark's name and place, its sentence, and where the article is imprecise."""
    from buildtrace.renderers.text import styles
    from buildtrace.renderers.text.lines import Part, width_of, wrapped

    place = location(row, info)
    name, indent = Part(f"  {row.name}", styles.NAME), [Part("    ")]
    room = width - width_of([name, place])
    if room > 1:
        yield [name, Part(" " * room), place]
    else:
        yield from ([name], [*indent, place])
    yield from wrapped(row.summary, width, indent, indent)
    if row.article:
        yield from wrapped(row.article, width, indent, indent, styles.SWALLOWED)


# -- where it is, without importing Keras --------------------------------------------------------


def location(row: Landmark, info: KerasInfo | None) -> Part:
    """Where its source is, in words and as a link."""
    from buildtrace.renderers.text import source_files, styles
    from buildtrace.renderers.text.lines import Part

    file = f"{row.target_on(_BACKEND).partition(':')[0].replace('.', '/')}.py"
    source = source_of(row, info)
    if source is None:
        return Part(file if info is None else f"{file}: not in this version", styles.QUIET)
    address = source_files.link(str(source[0]), source[1])
    return Part(f"{file}:{source[1]}", styles.QUIET, address)


def source_of(row: Landmark, info: KerasInfo | None) -> tuple[Path, int] | None:
    """File and line of a landmark in an installed Keras; `None` if it is not found."""
    spec = importlib.util.find_spec(info.package) if info else None
    if spec is None or spec.origin is None:
        return None
    module, _, name = row.target_on(_BACKEND).partition(":")
    file = Path(spec.origin).parent.joinpath("src", *module.split(".")).with_suffix(".py")
    line = _line_of(_parse(file), name.split("."))
    return (file, line) if line else None


@cache
def _parse(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError):
        return ast.Module([], [])


def _line_of(tree: ast.Module | ast.ClassDef, names: Sequence[str]) -> int | None:
    """The line where the function of this dotted name begins, with its decorators, as in traces."""
    for node in _definitions(tree.body):
        if node.name == names[0]:
            if len(names) == 1:
                return min(part.lineno for part in [node, *node.decorator_list])
            if isinstance(node, ast.ClassDef):
                return _line_of(node, names[1:])
    return None


def _definitions(body: Iterable[ast.stmt]) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    return (node for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef)))
