"""A trial of one mutant: its file is refused in one line, or shown.

It is shown in about a quarter of all ways, which the dice of its seed choose: each way then meets
other mutants, and hundreds of them in CI. Where one seed is tried by hand, `--every-way` shows it
in all of them.

Each trial is forked from a process that has imported all that is needed, and has a limit of time
and of memory of its own.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import gzip
import io
import json
import os
import random
import re
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock
from xml.etree import ElementTree

from events_file import graph_in
from msgspec.structs import replace
from renderers import pages
from rich.console import Console

from buildtrace import cli, comparison, diagnosis, renderers
from buildtrace.cli import check_formats
from buildtrace.cli.check_result import CheckResult
from buildtrace.comparison import workers
from buildtrace.diagnosis import suppress
from buildtrace.errors import RenderError, TraceFileError, UsageError
from buildtrace.renderers import RENDERERS, VIEWS, Options
from buildtrace.renderers.drawing import layout
from buildtrace.renderers.notebook import mimebundles
from buildtrace.renderers.page import lockstep
from buildtrace.renderers.terminal import merged, side_by_side
from buildtrace.testing import golden
from buildtrace.traces import installed_keras, trace_file
from fuzzing.mutants import Mutant, bases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from buildtrace.traces.trace import Trace

SECONDS, BYTES = 40, 2 * 2**30
"""What a trial may take of the processor's time, and of memory."""

LONGEST = 600
"""Seconds after which a trial hangs: what waits for ever takes no time of the processor."""

SECRET = "4f1ac0f3d2"
"""What stands in the files that a trace may name and nobody may see."""

SHARE = 1 / 4
"""Of all ways, so many show a mutant."""

FAR = 10
"""Of so many trials, one has Graphviz lay out pictures in processes of their own, as users do."""

OURS = re.compile(r"\x1b\[[\d;]*m|\x1b\]8;id=\d*;[!-~]*\x1b\\|\x1b\]8;;\x1b\\")
"""The codes for colors and links that we send to a terminal."""

UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
"""What a terminal may obey, or show in another order."""

CONTROL = re.compile("[\x00-\x08\x0b-\x1f]")
"""What is in no file that is text, whoever opens it."""


class Outcome(NamedTuple):
    """How a trial ended: "refused", "shown", or what went wrong."""

    seed: int
    word: str
    details: str = ""


class FaultError(Exception):
    """Something came out that must not."""


# -- one trial, in a process of its own -----------------------------------------------------------


def attempt(seed: int, folder: Path, *, every_way: bool) -> str:
    """Try one mutant; returns whether it was "refused" or "shown"."""
    bait = _bait(folder)
    text = Mutant(seed, bait).text()
    file = folder / "mutant.json"
    file.write_bytes(text)
    os.chdir(folder)
    if seed % FAR:
        layout.lay_out = lay_out_here
    try:
        trace = trace_file.load(file)
    except TraceFileError as refusal:
        _check_refusal(file, str(refusal))
        return "refused"
    dice, chance = random.Random(seed), random.Random(f"the ways of {seed}")
    other = trace_file.from_json(dice.choice(bases()))
    for name, make in [*ways(trace, other, dice), *commands(file)]:
        if chance.random() > SHARE and not every_way:
            continue
        try:
            output = make()
        except (RenderError, UsageError) as error:
            if not re.match(
                "no model was built|there is nothing to draw|no model is called|"
                "a saved file has no calls|the file does not say how its layers are connected",
                str(error),
            ):
                raise FaultError(f"{name}: {error}") from error
            name, output = "error", str(error)
        except Exception as error:
            raise FaultError(name) from error
        check_output(name, output)
    return "shown"


def _bait(folder: Path) -> list[str]:
    """Files with a secret, and a pipe that nobody writes to, in the folder."""
    lines = "".join(f"def build(self): '{SECRET}'  # {name}\n" for name in ("call", "__init__"))
    for path in (folder / "secret.py", folder / "id_rsa"):
        path.write_text(lines)
    pipe = folder / "pipe.py"
    os.mkfifo(pipe)
    return [str(folder / "secret.py"), str(folder / "id_rsa"), "secret.py", str(pipe)]


def ways(
    trace: Trace, other: Trace, dice: random.Random
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each way to show a trace: its name, and what makes the output."""
    names = [graph.model.name for graph in trace.graphs] or [None]
    options = Options(
        depth=dice.choice([None, None, 1, 3]),
        full=dice.random() < 0.5,
        model=dice.choice([None, None, *names]),
        explain=dice.random() < 0.5,
    )
    for view in VIEWS:
        yield f"--view {view}", partial(_terminal, trace, options._replace(views=(view,)))
    for form in RENDERERS:
        yield f"--format {form}", partial(renderers.content, trace, form, options)
    diagnosed = diagnosis.diagnose(trace)
    kept = suppress.keep(diagnosed + trace.findings, trace.index.source_code)
    result = CheckResult(kept=kept, trace=trace, folder=Path.cwd(), target="mutant.json")
    for form, row in check_formats.FORMATS.items():
        yield f"check --format {form}", partial(row.render, result)
    for left, right in ((trace, other), (other, trace), (trace, trace)):
        yield "diff", partial(_diff, left, right, options.full)
        yield "merge", partial(_merge, left, right, options.full)
    yield "notebook", partial(mimebundles.of_trace, replace(trace), options)
    yield "weights in a notebook", partial(mimebundles.of_weights, trace)
    for graph in trace.graphs[:3]:
        yield "graph in a notebook", partial(mimebundles.of_graph, graph, trace)
    yield "outline", lambda: "\n".join(golden.outline(trace))
    yield "again", lambda: str(trace_file.from_json(trace_file.to_json(trace)) == trace)


def commands(file: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each command that shows a trace file: its name, and what makes the output."""
    yield "command", partial(_shown_by, [str(file)], [0])
    yield "command check", partial(_shown_by, ["check", str(file)], [0, 1, 2])
    yield "command diff", partial(_shown_by, ["diff", str(file), str(file)], [0, 1])


def _shown_by(arguments: list[str], codes: list[int]) -> str:
    """All that a command writes; it has to end with one of these codes."""
    code, out, err = _command(arguments)
    if code not in codes or not out or "error: " in err:
        raise FaultError(f"{arguments}: ended with {code}: {err[:500]!r}")
    return out + err


def _terminal(trace: Trace, options: Options) -> str:
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True, color_system="truecolor")
    renderers.show(trace, console, options)
    return OURS.sub("", file.getvalue())


def _diff(left: Trace, right: Trace, full: bool) -> str:
    difference = comparison.compare(left, right)
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True, color_system="truecolor")
    side_by_side.render(left, right, difference, full=full).stream(console)
    page = lockstep.render(left, right, difference, full=full)
    _check_page(page)
    json.loads(difference.to_json())
    return OURS.sub("", file.getvalue()) + page


def _merge(left: Trace, right: Trace, full: bool) -> str:
    compared = workers.compare_workers(
        [workers.worker_of(left, "0"), workers.worker_of(right, "1")]
    )
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True, color_system="truecolor")
    merged.render(compared, full=full).stream(console)
    json.loads(compared.to_json())
    return OURS.sub("", file.getvalue())


def check_output(name: str, output: object) -> None:
    """See that nothing is in it that must not be."""
    if isinstance(output, dict):
        for part in output.values():
            check_output(name, part)
        return
    data = output.encode() if isinstance(output, str) else output
    assert isinstance(data, bytes)
    if name == "--format json-gz":
        data = gzip.decompress(data)
    if SECRET.encode() in data:
        raise FaultError(f"{name}: shows what is in a file that the trace names")
    if name in ("--format png", "--format pdf"):
        return
    if name == "--format tensorboard":
        graph_in(data)  # TensorFlow would take the names, of which it makes a graph's scopes
        return
    text = data.decode()
    if name == "--format html":
        _check_page(text)
    elif name == "--format svg":
        ElementTree.fromstring(text)
    elif re.search("json|sarif|chrome|speedscope|explorer", name):
        json.loads(text)
    is_file = name.startswith("--format") and name != "--format txt"
    if found := (CONTROL if is_file else UNSAFE).search(text):
        around = text[max(found.start() - 60, 0) : found.end() + 20]
        raise FaultError(f"{name}: has {found[0]!r}: {around!r}")


def _check_page(page: str) -> None:
    root = pages.parse(page)
    if 'class="folder saved"' in page:
        pages.check_no_markup(root, scripts=())
        return
    pages.check_no_markup(root)
    data = gzip.decompress(base64.b64decode(root.id("data").text))
    json.loads(data)
    if SECRET.encode() in data:
        raise FaultError("the page's data: has what is in a file that the trace names")


def _check_refusal(file: Path, message: str) -> None:
    """See that every verb says so in one line, and nothing else."""
    for verb in ([], ["check"], ["diff", str(file)]):
        code, out, err = _command([*verb, str(file)])
        if (
            (code, out) != (2, "")
            or err.count("\n") != 1
            or not err.startswith("buildtrace: error: ")
        ):
            raise FaultError(f"{verb}: refused with {code}: {out[:200]!r} {err[:500]!r}")
        if found := UNSAFE.search(err):
            raise FaultError(f"{verb}: refused with {found[0]!r} in it: {err!r}")
    if "\n" in message:
        raise FaultError(f"refused in several lines: {message!r}")


def _command(arguments: list[str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(arguments)
    return code, out.getvalue(), err.getvalue()


# -- many trials --------------------------------------------------------------------------------


def outcomes(seeds: range, *, every_way: bool) -> Iterator[Outcome]:
    """How the trial of each seed ends."""
    _import_all()
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="buildtrace-mutant-") as folder:
            yield _outcome(seed, Path(folder), every_way=every_way)


def _import_all() -> None:
    """Show one trace in every way, so that no trial has to import what is needed for that.

    Nor has one to parse a module of Keras that the traces name.
    """
    trace = trace_file.from_json(bases()[0])
    with mock.patch.object(layout, "lay_out", lay_out_here):
        for _, make in ways(trace, trace, random.Random(0)):
            make()
    calls = {call.module: call for base in bases() for call in trace_file.from_json(base).calls}
    for call in calls.values():
        installed_keras.function(call)


def lay_out_here(source: str, form: str, *_: object) -> bytes:
    """Lay a graph out without a process of its own, which takes most of a trial's time."""
    return layout._draw(source, form)


def _outcome(seed: int, folder: Path, *, every_way: bool) -> Outcome:
    output = folder / "output"
    child = os.fork()
    if not child:
        _run(seed, folder, output, every_way=every_way)
    _, status = os.waitpid(child, 0)
    text = output.read_text(errors="backslashreplace") if output.exists() else ""
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
        return Outcome(seed, text)
    code = os.waitstatus_to_exitcode(status)
    word = f"killed by {signal.Signals(-code).name}" if code < 0 else "crashed"
    return Outcome(seed, word, text)


def _run(seed: int, folder: Path, output: Path, *, every_way: bool) -> None:
    """The forked process; never returns."""
    code = 1
    try:
        warnings.simplefilter("ignore")
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
        signal.alarm(LONGEST)
        output.write_text(attempt(seed, folder, every_way=every_way))
        code = 0
    except BaseException:
        output.write_text(traceback.format_exc(), errors="backslashreplace")
    finally:
        os._exit(code)


def main(arguments: list[str]) -> int:
    """Try the mutants of the seeds that the arguments name: `17`, or `0 1000` for a range."""
    parser = argparse.ArgumentParser(prog="fuzzing", description="Try mutants of traces.")
    parser.add_argument("first", type=int, help="seed of the first mutant")
    parser.add_argument("end", type=int, nargs="?", help="the seed after the last; one is tried")
    parser.add_argument("--every-way", action="store_true", help="show them in all ways there are")
    given = parser.parse_args(arguments)
    seeds = range(given.first, given.first + 1 if given.end is None else given.end)
    for outcome in outcomes(seeds, every_way=given.every_way):
        sys.stdout.write(json.dumps(outcome) + "\n")
        sys.stdout.flush()
    return 0
