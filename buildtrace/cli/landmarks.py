"""`buildtrace landmarks`: the functions of Keras that make up a build, as a curriculum."""

from __future__ import annotations

import ast
import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console, RenderableType
    from rich.text import Text

    from buildtrace.generations import Generation, Landmark
    from buildtrace.trace import KerasInfo

STEPS = {
    "input": "1. The input: what the model will be given",
    "connect": "2. The layers: each is called on the output of the one before",
    "build": "2. The layers: each makes its state, now that its input's shape is known",
    "weight": "2. The layers: the weights themselves",
    "graph": "3. The graph: the layers become a network",
}
"""What each step of the tables is among the article's three."""


def main(arguments: Sequence[str]) -> int:
    """Show the landmark tables; returns the exit code."""
    from buildtrace.cli import VERBS
    from buildtrace.cli.parser import Parser, keras_choices

    parser = Parser(prog="buildtrace landmarks", description=f"Shows {VERBS['landmarks']}.")
    parser.add_argument(
        "--keras",
        choices=keras_choices(),
        default="auto",
        help="only this generation, be it installed or not (default: what is installed)",
    )
    keras = parser.parse_args(arguments).keras
    from rich.console import Console

    console = Console(file=sys.stdout)
    console.width = min(console.width, 100)  # sentences, not a table
    show(console, keras)
    return 0


def show(console: Console, keras: str) -> None:
    """Print the table of each generation that is wanted."""
    from buildtrace.renderers import styles

    for generation, info in tables(keras):
        console.print(_title(generation, info))
        rows = generation.landmarks_of(info.version) if info else generation.landmarks
        for step in dict.fromkeys(row.step for row in rows):
            console.print(_heading(STEPS[step], styles.STEP[step]))
            for row in rows:
                if row.step == step:
                    for part in _describe(row, source_of(row, info), console.width):
                        console.print(part)


def tables(keras: str) -> list[tuple[Generation, KerasInfo | None]]:
    """Which generations to show, each with the installed Keras that has it, if there is one."""
    from buildtrace.generations import GENERATIONS, installed

    there = installed()
    wanted = [g for g in GENERATIONS if keras in ("auto", g.name.removeprefix("keras"))]
    found = [(g, next((i for i in there if i.generation == g.name), None)) for g in wanted]
    if keras == "auto" and there:
        return [(generation, info) for generation, info in found if info]
    return [*found]


def _title(generation: Generation, info: KerasInfo | None) -> Text:
    from rich.text import Text

    where = f"{info.package} {info.version}" if info else "not installed here"
    return Text.assemble((generation.title, "bold"), f"  {where}")


def _heading(title: str, style: str) -> Text:
    from rich.text import Text

    return Text.assemble("\n", (title, f"bold {style}"))


def _describe(
    row: Landmark, source: tuple[Path, int] | None, width: int
) -> Iterator[RenderableType]:
    """A landmark's name and place, its sentence, and where the article is imprecise."""
    from rich.padding import Padding
    from rich.text import Text

    from buildtrace.renderers import styles
    from buildtrace.renderers.format import article

    module, line = row.target.partition(":")[0], f":{source[1]}" if source else ""
    place = Text(f"{module.replace('.', '/')}.py{line}", style="dim")
    if source:
        place.stylize(f"link {source[0].as_uri()}")
    name = Text(f"  {row.name}", style="bold")
    room = width - name.cell_len - place.cell_len
    yield name + Text(" " * room) + place if room > 1 else name + Text("\n    ") + place
    indent = (0, 0, 0, 4)
    yield Padding(Text(row.summary), indent, expand=False)
    if row.article:
        yield Padding(Text(article(row.article), style=styles.SWALLOWED), indent, expand=False)


# -- where it is, without importing Keras --------------------------------------------------------


def source_of(row: Landmark, info: KerasInfo | None) -> tuple[Path, int] | None:
    """File and line of a landmark in an installed Keras; `None` if it is not found."""
    spec = importlib.util.find_spec(info.package) if info else None
    if spec is None or spec.origin is None:
        return None
    module, _, name = row.target.partition(":")
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
