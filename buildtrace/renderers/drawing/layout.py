"""Graphviz at work in a process of its own, where it may hang, crash and complain.

Run with `-c`, see `_CHILD`: DOT on stdin, the picture on stdout, complaints on stderr.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import buildtrace
from buildtrace.errors import MissingPackageError, RenderError
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pygraphviz

_CHILD = f"import sys; sys.path += sys.argv[2:]; from {__name__} import main; main()"
"""Isolated Python has none of the user's paths; the two that are needed come last, so that
nothing beside them can hide a module of Python's own."""

PATIENCE = 2.0
"""After so many seconds of the processor, whoever waits is told what for."""

BUSY = 10
"""Where it gets less than this part of a processor's time, a layout is given up as well: the
machine has no time for it, or it hangs."""

LOOK = 0.5
"""Every so many seconds, the processor's time that a layout has had is looked at."""

MOST_PIXELS = 30_000
"""Cairo shrinks a bitmap with a longer side on its own, to nothing that anybody can read."""

FINEST_DPI, COARSEST_DPI = 144, 60


class LayoutTimeoutError(RenderError):
    """The layout took too long."""


def lay_out(
    source: str,
    format: str,  # noqa: A002
    seconds: float,
    slow: Callable[[], None] = lambda: None,
) -> bytes:
    """Lay a graph out and draw it.

    Args:
        source: the graph in Graphviz' language.
        format: "svg", "png" or "pdf".
        seconds: how much of the processor's time it may take. What else goes on on the machine
            must not decide what a picture looks like.
        slow: called once if it takes more of that than `PATIENCE`.

    Raises:
        MissingPackageError: pygraphviz is not installed.
        LayoutTimeoutError: it took longer.
        RenderError: Graphviz crashed, or what it drew is broken.
    """
    command = [sys.executable, "-I", "-c", _CHILD, format, *_paths()]
    # Not a pipe: `communicate` forgets what it has not sent yet when its time is over.
    with tempfile.TemporaryFile() as given:
        given.write(source.encode())
        given.seek(0)
        try:
            child = subprocess.Popen(
                command, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise RenderError(
                f"cannot start {sys.executable or 'Python'} for the layout: {error}"
            ) from error
        picture, stderr = _finished(child, seconds, slow)
    complaints = stderr.decode(errors="replace")
    if child.returncode < 0:
        raise RenderError(f"Graphviz crashed (signal {-child.returncode}){_first(complaints)}")
    errors = [line for line in complaints.splitlines() if re.match(r"Error: ", line)]
    if child.returncode or errors or not picture:
        raise RenderError(f"Graphviz failed{_first(chr(10).join(errors) or complaints)}")
    if warned := [line for line in complaints.splitlines() if line.startswith("Warning: ")]:
        complaint = wording.sanitize_long(warned[0].removeprefix("Warning: "))
        warnings.warn(f"Graphviz: {complaint}", stacklevel=2)
    return picture


def _finished(
    child: subprocess.Popen[bytes], seconds: float, slow: Callable[[], None]
) -> tuple[bytes, bytes]:
    """What the child says on stdout and stderr; it has ended when this returns or raises."""
    wait = BUSY * seconds
    end = time.monotonic() + wait
    told = False
    try:
        while True:
            try:
                return child.communicate(timeout=min(LOOK, wait))
            except subprocess.TimeoutExpired:
                used = _processor_time(child)
            if used > seconds:
                raise LayoutTimeoutError(
                    f"the layout took more than {seconds:.2g} s of the processor's time"
                )
            if time.monotonic() > end:
                raise LayoutTimeoutError(
                    f"the layout had only {used:.2g} s of the processor's time in {wait:.2g} s"
                )
            if used > PATIENCE and not told:
                told = True
                slow()
    except BaseException:  # an interrupt, too: nothing of ours may go on
        child.kill()
        child.communicate()
        raise


def _processor_time(child: subprocess.Popen[bytes]) -> float:
    """How many seconds of a processor's time the child has had."""
    import psutil  # most layouts are done before they are asked

    try:
        times = psutil.Process(child.pid).cpu_times()
    except psutil.Error:  # it has just ended
        return 0.0
    return float(times.user + times.system)


def _first(complaints: str) -> str:
    """What was complained of, on one line: the last line of a traceback, else the first."""
    lines = [line for line in complaints.splitlines() if line.strip()]
    if not lines:
        return ""
    line = lines[-1] if lines[0].startswith("Traceback") else lines[0]
    return f": {line.removeprefix('Error: ')[:200]}"


def _paths() -> list[str]:
    """Where this package and pygraphviz are."""
    spec = importlib.util.find_spec("pygraphviz")
    if spec is None or spec.origin is None:
        raise MissingPackageError("pictures need pygraphviz: pip install pygraphviz")
    return [
        str(Path(file).resolve().parents[up])
        for file, up in ((buildtrace.__file__, 1), (spec.origin, 1))
    ]


def main() -> None:
    """The child process: lay out what stands on stdin."""
    output = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not get into the picture
    source = sys.stdin.buffer.read().decode()
    picture = _draw(source, sys.argv[1])
    with os.fdopen(output, "wb") as stream:
        stream.write(picture)


def _draw(source: str, format: str) -> bytes:  # noqa: A002
    import pygraphviz

    graph = pygraphviz.AGraph(string=source)
    if format == "svg":
        return _with_lengths(*_drawn_twice(graph, "svg", "xdot"))
    if format == "png":
        graph.graph_attr["dpi"] = str(_dpi(source))
    drawn: bytes = graph.draw(format=format, prog="dot")
    return drawn


def _drawn_twice(graph: pygraphviz.AGraph, *formats: str) -> Iterator[str]:
    """The graph in several formats, laid out once, which takes long."""
    from pygraphviz import graphviz as library

    context = library.gvContextWithBuiltins()
    if library.gvLayout(context, graph.handle, b"dot"):
        raise ValueError("the layout failed")
    for format_ in formats:
        failed, drawn = library.gvRenderData(context, graph.handle, format_.encode())
        if failed:
            raise ValueError(f"the graph could not be drawn as {format_}")
        yield drawn.decode()


def _with_lengths(svg: str, xdot: str) -> bytes:
    """The SVG with each text as long as it was laid out, whatever font its viewer has.

    Graphviz says in xdot alone how long a text is: "T x y alignment length ...", with y upwards.
    """
    texts = re.findall(r"\bT (\S+) (\S+) -1 (\S+) ", xdot.replace("\\\n", ""))
    lengths = {(float(x), -float(y)): length for x, y, length in texts}

    def with_length(text: re.Match[str]) -> str:
        length = lengths.get((float(text[2]), float(text[3])))
        return text[0] + (
            f' textLength="{length}" lengthAdjust="spacingAndGlyphs"' if length else ""
        )

    return re.sub(r'(<text [^>]*?) x="(\S+)" y="(\S+)"', with_length, svg).encode()


def _dpi(source: str) -> int:
    """The resolution at which the bitmap is not shrunk."""
    import pygraphviz

    plain = pygraphviz.AGraph(string=source).draw(format="plain", prog="dot").decode()
    _, _, width, height = plain.split("\n", 1)[0].split()
    dpi = int(MOST_PIXELS / max(float(width), float(height), 1))
    if dpi < COARSEST_DPI:
        print("Warning: too big for a PNG that can be read: SVG and PDF can", file=sys.stderr)  # noqa: T201
    return max(1, min(FINEST_DPI, dpi))
