"""Everything that shows a trace: one table of views, one of file formats.

A row's `render` is a function of a trace and `Options`, as "module:function" below this package: a
view's gives something that rich can print, a file format's gives the file's content. Its module is
imported when it is used: naming it costs nothing.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from buildtrace.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Set as AbstractSet

    from rich.console import Console

    from buildtrace.renderers.text.lines import Lines
    from buildtrace.traces.trace import Trace

__all__ = ["RENDERERS", "VIEWS", "Options", "Renderer", "View", "renderer_for", "save", "show"]


class Options(NamedTuple):
    """What to show of a trace, the same for all renderers.

    Attributes:
        views: names of the views (see `VIEWS`), in order.
        depth: levels of calls to show at most; `None` for as many as stay readable.
        full: hide nothing.
        model: show only the model of this name.
        explain: say of each landmark what it does, and what the article says of it.
    """

    views: tuple[str, ...] = ("tree",)
    depth: int | None = None
    full: bool = False
    model: str | None = None
    explain: bool = False


class View(NamedTuple):
    """A way to show a trace in the terminal.

    Attributes:
        of_file: what renders it of a saved file; "" if that has nothing of the kind.
    """

    name: str
    render: str
    summary: str
    of_file: str = ""


class Renderer(NamedTuple):
    """A file format.

    Attributes:
        suffix: the suffix that means this format; `None` if a suffix cannot tell.
        loads: whether such a file is a trace, which can be loaded again.
        of_file: what renders it of a saved file, if that is not `render`; "" if nothing does.
        needs: the package that it cannot do without, if that does not come with buildtrace.
    """

    name: str
    suffix: str | None
    render: str
    summary: str
    loads: bool = False
    of_file: str | None = None
    needs: str = ""


VIEWS = {
    view.name: view
    for view in (
        View(
            "tree",
            "terminal.tree:render",
            "the calls, nested as they ran; of a saved file its layers",
            of_file="terminal.saved:render",
        ),
        View(
            "steps",
            "terminal.steps:render",
            "the build as a story in steps: input, layers, graph, training",
        ),
        View(
            "graph",
            "terminal.graph:render",
            "how the layers are connected",
            of_file="terminal.graph:render",
        ),
        View(
            "weights",
            "terminal.weights_table:render",
            "each weight: who made it, where, from which input shape",
            of_file="terminal.weights_table:render",
        ),
        View(
            "source",
            "terminal.source:render",
            "the Keras source of each landmark that ran",
        ),
    )
}

RENDERERS = {
    renderer.name: renderer
    for renderer in (
        Renderer(
            "html",
            ".html",
            "page.build_page:render",
            "the build, step by step, as a page for the browser",
            of_file="page.saved_page:render",
        ),
        Renderer("svg", ".svg", "drawing.picture:svg", "the graph as a picture that scales"),
        Renderer("png", ".png", "drawing.picture:png", "the graph as a picture"),
        Renderer("pdf", ".pdf", "drawing.picture:pdf", "the graph for printing"),
        Renderer("dot", ".dot", "drawing.dot:render", "the graph in Graphviz' language"),
        Renderer("mermaid", ".mmd", "drawing.mermaid:render", "the graph for Markdown pages"),
        Renderer("json", ".json", ":trace_file", "the trace itself, to be shown again", loads=True),
        Renderer(
            "json-gz",
            ".json.gz",
            ":compressed_trace_file",
            "the same, compressed with gzip",
            loads=True,
        ),
        Renderer("txt", ".txt", ":views_as_text", "the terminal's views as plain text"),
        Renderer(
            "chrome",
            None,
            "export.chrome:render",
            "the calls over time, for Perfetto",
            of_file="",
        ),
        Renderer(
            "speedscope",
            None,
            "export.speedscope:render",
            "the calls over time, for speedscope",
            of_file="",
        ),
        Renderer(
            "model-explorer",
            None,
            "export.model_explorer:render",
            "the graph, for Model Explorer",
        ),
        Renderer(
            "tensorboard",
            ".tfevents",
            "export.tensorboard:render",
            "the graph, for the graph tab of TensorBoard",
            needs="tensorboard",
        ),
    )
}

NARROWEST, PLAIN_WIDTH = 80, 120


def renderer_for(path: str | os.PathLike[str], format: str | None = None) -> Renderer:  # noqa: A002
    """The renderer that `format` names, or else the suffix of `path`.

    Raises:
        UsageError: there is no such format, or nobody writes such a suffix.
    """
    if format is not None:
        if format not in RENDERERS:
            raise UsageError(f"no format {format!r}; there are {', '.join(RENDERERS)}")
        return RENDERERS[format]
    if renderer := by_suffix(path):
        return renderer
    suffix = Path(path).suffix.lower()
    known = ", ".join(r.suffix for r in RENDERERS.values() if r.suffix)
    what = f"nothing writes {suffix!r} files" if suffix else "the name has no suffix"
    others = ", ".join(r.name for r in RENDERERS.values() if not r.suffix)
    raise UsageError(
        f"{os.fspath(path)}: {what}; known suffixes are {known}; formats without one: {others}"
    )


def check_installed(renderer: Renderer) -> None:
    """See that there is the package that a format cannot do without; it is not imported.

    Raises:
        UsageError: there is not.
    """
    if renderer.needs and importlib.util.find_spec(renderer.needs) is None:
        raise UsageError(
            f"the format {renderer.name} takes the package {renderer.needs}: "
            f"pip install {renderer.needs}"
        )


def by_suffix(path: str | os.PathLike[str]) -> Renderer | None:
    """The renderer that the suffix of `path` names; `None` if it names none."""
    suffixes = "".join(Path(path).suffixes).lower()
    known = (r for r in RENDERERS.values() if r.suffix)
    return next((r for r in known if suffixes.endswith(str(r.suffix))), None)


def save(
    trace: Trace,
    path: str | os.PathLike[str],
    format: str | None = None,  # noqa: A002
    options: Options | None = None,
) -> None:
    """Write `trace` to `path`; a file that was there stays as it was if this fails.

    Raises:
        UsageError: nobody writes that format or suffix.
        RenderError: the output could not be made.
        OSError: the file could not be written.
    """
    write(Path(path), content(trace, renderer_for(path, format).name, options))


def write(target: Path, output: str | bytes) -> None:
    """Have a file with this content: all of it, or else the one that was there.

    Raises:
        OSError: it could not be written.
    """
    data = output.encode() if isinstance(output, str) else output
    if target.exists() and not target.is_file():
        target.write_bytes(data)  # a device or a pipe is no file to be replaced
        return
    target = target.resolve()  # a link stays a link
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def content(trace: Trace, format: str, options: Options | None = None) -> str | bytes:  # noqa: A002
    """What a file of a format holds.

    Raises:
        RenderError: the output could not be made.
        UsageError: the trace has no model of the name that `options` give, or the format takes a
            package that is not installed.
    """
    check_shows(trace, formats=[format])
    row = RENDERERS[format]
    check_installed(row)
    render = row.render if trace.saved is None or row.of_file is None else row.of_file
    output: str | bytes = _load(render)(trace, options or Options())
    return output


def check_shows(trace: Trace, views: Iterable[str] = (), formats: Iterable[str] = ()) -> None:
    """See that a trace has what these views and formats show: a saved file has no calls.

    Raises:
        UsageError: it has not.
    """
    if trace.saved is None:
        return
    known = ", ".join(view.name for view in VIEWS.values() if view.of_file)
    for name in views:
        if not VIEWS[name].of_file:
            raise UsageError(
                f"a saved file has no calls, which the view {name} shows: there are {known}"
            )
    for name in formats:
        if RENDERERS[name].of_file == "":
            raise UsageError(f"a saved file has no calls, which the format {name} shows")


def view(trace: Trace, name: str, options: Options) -> Lines:
    """A view as something that rich can print.

    Raises:
        UsageError: there is no such view, or no model of the name that `options` give.
    """
    if name not in VIEWS:
        raise UsageError(f"no view {name!r}; there are {', '.join(VIEWS)}")
    check_shows(trace, views=[name])
    row = VIEWS[name]
    lines: Lines = _load(row.of_file if trace.saved else row.render)(trace, options)
    return lines


def below(trace: Trace, options: Options) -> Lines:
    """What stands below all views: what was caught, the failure, the findings.

    Raises:
        UsageError: the trace has no model of the name that `options` give.
    """
    lines: Lines = _load("terminal.ending:render")(trace, options)
    return lines


def show(trace: Trace, console: Console, options: Options | None = None) -> None:
    """Print the views that `options` name, and below them what went wrong.

    Raises:
        UsageError: there is no such view, or no model of the name that `options` give.
    """
    options = options or Options()
    for number, lines in enumerate([view(trace, name, options) for name in options.views]):
        if number:
            console.print()
        lines.stream(console)
    below(trace, options).stream(console)


def to_text(trace: Trace, options: Options | None = None, width: int | None = None) -> str:
    """The views as plain text.

    Args:
        trace: what to show.
        options: which views, and how.
        width: characters in a line; by default the terminal's, within reason.
    """
    return plain(lambda console: show(trace, console, options), width)


def excerpt(
    trace: Trace, shown: Trace, marks: AbstractSet[int] = frozenset(), width: int | None = None
) -> str:
    """The tree alone as plain text, with the lines of some calls marked.

    Args:
        trace: what was recorded.
        shown: what a fold left of it.
        marks: ids of the calls to mark.
        width: as for `to_text`.
    """
    lines = _load("terminal.tree:excerpt")(trace, shown, marks)
    return plain(lines.stream, width)


def plain(draw: Callable[[Console], object], width: int | None) -> str:
    """What `draw` puts on a console, as plain text; `width` as for `to_text`."""
    from io import StringIO

    from rich.console import Console

    if width is None:
        width = min(max(shutil.get_terminal_size().columns, NARROWEST), PLAIN_WIDTH)
    text = StringIO()
    # Without any of the terminal's environment: plain text is the same everywhere. In a notebook,
    # rich would show it instead of writing it.
    console = Console(
        file=text,
        width=width,
        color_system=None,
        force_terminal=False,
        force_jupyter=False,
        _environ={},
    )
    draw(console)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def views_as_text(trace: Trace, options: Options) -> str:
    """The content of a text file: the views that `options` name, 120 characters wide."""
    return to_text(trace, options, width=PLAIN_WIDTH)


def trace_file(trace: Trace, options: Options) -> bytes:  # noqa: ARG001 - it leaves nothing out
    """The content of a trace file: the whole trace, whatever the options show of it."""
    from buildtrace.traces.trace_file import to_json  # `--help` reads this module's tables

    return to_json(trace)


def compressed_trace_file(trace: Trace, options: Options) -> bytes:
    """The content of a trace file that is compressed."""
    from buildtrace.traces.compression import compressed  # as in `trace_file`

    return compressed(trace_file(trace, options))


def _load(row: str) -> Any:
    """The function that a row names."""
    module, _, function = row.partition(":")
    return getattr(importlib.import_module(f"{__name__}.{module}".rstrip(".")), function)
