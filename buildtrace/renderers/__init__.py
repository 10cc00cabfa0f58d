"""Everything that shows a trace: one table of views, one of file formats.

A view's module has `render(trace, options)`, which gives something that rich can print; a file
format's module has `render(trace, options)`, which gives the file's content. Both are imported
when they are used: naming them costs nothing.
"""

from __future__ import annotations

import importlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from buildtrace.errors import UsageError
from buildtrace.renderers.options import Options

if TYPE_CHECKING:
    from rich.console import Console

    from buildtrace.trace import Trace

__all__ = ["RENDERERS", "VIEWS", "Options", "Renderer", "View", "renderer_for", "save", "show"]


class View(NamedTuple):
    """A way to show a trace in the terminal."""

    name: str
    module: str
    summary: str


class Renderer(NamedTuple):
    """A file format.

    Attributes:
        suffix: the suffix that means this format; `None` if a suffix cannot tell.
    """

    name: str
    suffix: str | None
    module: str
    summary: str


VIEWS = {
    view.name: view
    for view in (
        View("tree", "tree", "the calls, nested as they ran"),
        View("steps", "steps", "the build as a story in three steps: input, layers, graph"),
        View("graph", "graph", "how the layers are connected"),
        View("weights", "weights", "each weight: who made it, where, from which input shape"),
        View("source", "source", "the Keras source of each landmark that ran"),
    )
}

RENDERERS = {
    renderer.name: renderer
    for renderer in (
        Renderer("svg", ".svg", "svg", "the graph as a picture that scales"),
        Renderer("png", ".png", "png", "the graph as a picture"),
        Renderer("pdf", ".pdf", "pdf", "the graph for printing"),
        Renderer("dot", ".dot", "dot", "the graph in Graphviz' language"),
        Renderer("mermaid", ".mmd", "mermaid", "the graph for Markdown pages"),
        Renderer("json", ".json", "trace_json", "the trace itself, to be shown again"),
        Renderer("txt", ".txt", "text", "the terminal's views as plain text"),
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
    suffix = Path(path).suffix.lower()
    for renderer in RENDERERS.values():
        if suffix and renderer.suffix == suffix:
            return renderer
    known = ", ".join(r.suffix for r in RENDERERS.values() if r.suffix)
    what = f"nothing writes {suffix!r} files" if suffix else "the name has no suffix"
    raise UsageError(f"{os.fspath(path)}: {what}; known suffixes are {known}")


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
    module = _load(renderer_for(path, format).module)
    content = module.render(trace, options or Options())
    data = content.encode() if isinstance(content, str) else content
    target = Path(path)
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


def show(trace: Trace, console: Console, options: Options | None = None) -> None:
    """Print the views that `options` name.

    Raises:
        UsageError: there is no such view, or no model of the name that `options` give.
    """
    options = options or Options()
    unknown = [name for name in options.views if name not in VIEWS]
    if unknown:
        raise UsageError(f"no view {unknown[0]!r}; there are {', '.join(VIEWS)}")
    for number, name in enumerate(options.views):
        if number:
            console.print()
        _load(VIEWS[name].module).render(trace, options).stream(console)


def to_text(trace: Trace, options: Options | None = None, width: int | None = None) -> str:
    """The views as plain text.

    Args:
        trace: what to show.
        options: which views, and how.
        width: characters in a line; by default the terminal's, within reason.
    """
    from io import StringIO

    from rich.console import Console

    if width is None:
        width = min(max(shutil.get_terminal_size().columns, NARROWEST), PLAIN_WIDTH)
    text = StringIO()
    # Without any of the terminal's environment: plain text is the same everywhere.
    console = Console(file=text, width=width, color_system=None, force_terminal=False, _environ={})
    show(trace, console, options)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _load(module: str) -> Any:
    return importlib.import_module(f"buildtrace.renderers.{module}")
