"""The arguments of `buildtrace plan [OPTIONS] SCRIPT.py [ARGS…]`."""

from __future__ import annotations

import argparse
import math
import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli.parser import Parser, add_files, add_program_options, program_of, split
from buildtrace.cli.plan_formats import FORMATS
from buildtrace.cli.verbs import END, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from buildtrace.cli.program import Program

USAGE = """\
buildtrace plan [OPTIONS] SCRIPT.py [ARGS…]
       buildtrace plan [OPTIONS] -m MODULE [ARGS…]
       buildtrace plan [OPTIONS] TRACE.json"""

EPILOG = """\
formats:
{formats}

The script runs up to the end of its build: its weights have a shape and a place
and no value, so that a model may be larger than the machine. What needs values
ends it: fit, predict, save, reading a weight.

  buildtrace plan --optimizer adam --device-memory 80GiB llama.py
  buildtrace plan --mesh 2x4 --layout layout.py:layout_map llama.py
  buildtrace plan --mesh batch=8,model=32 --layout \\
      keras_hub.models:Llama3Backbone.get_layout_map llama.py

The exit code is 0 if there is a plan, 1 if it does not fit into --device-memory
or the mesh does not divide a weight, and 2 if nothing could be planned."""

DEFAULT_AXES = ("batch", "model")
"""The names of the axes of a mesh, if none are given: those of keras_hub's layout maps."""

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt]?)(i?)b?)?", re.IGNORECASE)


class MeshRequest(NamedTuple):
    """The value of `--mesh`.

    Attributes:
        shape: how many devices there are along each axis.
        axes: the names of these.
    """

    shape: tuple[int, ...]
    axes: tuple[str, ...]

    @property
    def devices(self) -> int:
        """How many there are."""
        return math.prod(self.shape)


class PlanArguments(NamedTuple):
    """What one command line asks for.

    Attributes:
        program: what to run, or the trace to plan.
        optimizer: the name of the one to train with; "" for the script's.
        mesh: the devices; `None` for the script's.
        layout: where the layout map is, as FILE.py:NAME or MODULE:NAME; "" for the script's.
        devices: how many virtual devices there are to be; 0 for what the machine has.
        batch: samples in a batch; `None` if outputs of layers are not asked for.
        device_memory: bytes that a device has; `None` if not asked.
        compile: whether to ask XLA as well.
        full: show everything, however many rows that are.
        format: the form of the plan on stdout.
        files: paths to write, each with the form of the plan in it.
    """

    program: Program
    optimizer: str = ""
    mesh: MeshRequest | None = None
    layout: str = ""
    devices: int = 0
    batch: int | None = None
    device_memory: int | None = None
    compile: bool = False
    full: bool = False
    format: str = "text"
    files: tuple[tuple[Path, str], ...] = ()

    @property
    def needs_jax(self) -> bool:
        """Whether something is asked for that Keras does on JAX alone."""
        return bool(self.layout or self.devices or self.compile)


def build_parser() -> Parser:
    """The parser of all options that stand before the script."""
    width = max(map(len, FORMATS))
    parser = Parser(
        prog="buildtrace plan",
        usage=USAGE,
        description=sentence("plan"),
        epilog=EPILOG.format(
            formats="\n".join(
                f"  {name:{width}}  {form.suffix:5}  {form.summary}"
                for name, form in FORMATS.items()
            )
        ),
    )
    _add_question_options(parser)
    _add_device_options(parser)
    _add_report_options(parser)
    add_program_options(parser, keras="auto")
    return parser


def _add_question_options(parser: Parser) -> None:
    group = parser.add_argument_group("what to plan")
    group.add_argument(
        "--optimizer",
        metavar="NAME",
        default="",
        help="train with this optimizer of Keras, such as adam; by default the one that the script "
        "compiles its model with, if it does",
    )
    group.add_argument(
        "--batch",
        type=_number("samples"),
        metavar="N",
        help="also count the outputs of layers for a batch of N samples: a lower bound of what "
        "activations take",
    )
    group.add_argument(
        "--device-memory",
        type=memory,
        metavar="SIZE",
        help="what each device has, such as 80GiB: does it fit, and by how much?",
    )
    group.add_argument(
        "--compile",
        action="store_true",
        help="also have XLA compile the forward step, and show what it says that this takes; on "
        "JAX, with --batch",
    )


def _add_device_options(parser: Parser) -> None:
    group = parser.add_argument_group("on which devices")
    group.add_argument(
        "--mesh",
        type=mesh,
        metavar="2x4",
        help="a mesh of devices; its axes are called batch and model, or as in batch=2,model=4. "
        "Without --layout, the distribution of the script on a mesh of this shape",
    )
    group.add_argument(
        "--layout",
        metavar="FILE.py:NAME",
        default="",
        help="spread the variables by this LayoutMap, or by what a function of this name gives for "
        "the mesh; the FILE.py may be a module's name as well",
    )
    group.add_argument(
        "--devices",
        type=_number("devices"),
        default=0,
        metavar="N",
        help="have JAX see N devices, all of them the CPU (default: what --mesh needs)",
    )


def _add_report_options(parser: Parser) -> None:
    group = parser.add_argument_group("what to report")
    group.add_argument("--full", action="store_true", help="show everything, however long it gets")
    group.add_argument(
        "--format",
        choices=[name for name, form in FORMATS.items() if form.is_text],
        help="the format of the plan on stdout (default: text)",
    )
    add_files(
        group,
        "also write the plan to a file, in the format that its suffix stands for (repeatable)",
    )


def parse(argv: Sequence[str]) -> PlanArguments:
    """The request that these arguments make.

    Raises:
        UsageError: they make no sense.
    """
    parser = build_parser()
    ours, theirs = split(parser, argv)
    given = parser.parse_args(ours)
    from buildtrace.cli.program import check_program

    program = program_of(parser, given, theirs)._replace(keras=given.keras, no_train=END)
    check_program(program, parser.prog)
    _check(parser, given, is_trace=program.is_trace)
    needed = given.mesh.devices if given.mesh and given.layout else 0
    return PlanArguments(
        program=program,
        optimizer=given.optimizer,
        mesh=given.mesh,
        layout=given.layout,
        devices=given.devices or needed,
        batch=given.batch,
        device_memory=given.device_memory,
        compile=given.compile,
        full=given.full,
        format=given.format or "text",
        files=_files(parser, given.output),
    )


def _check(parser: Parser, given: argparse.Namespace, *, is_trace: bool) -> None:
    """See that the options go together."""
    if is_trace:
        for option in ("optimizer", "layout", "devices", "compile"):
            if getattr(given, option):
                parser.error(f"--{option} needs the script: nothing of a saved trace is run")
    if given.layout and ":" not in given.layout:
        parser.error(f"--layout {given.layout}: which name in it? As in layout.py:layout_map")
    if given.layout and given.keras == "2":
        parser.error("--layout is for Keras 3: Keras 2 has no layout maps")
    if given.compile and given.batch is None:
        parser.error("--compile compiles for one batch: say how large with --batch N")
    if given.mesh and given.devices and given.layout and given.mesh.devices > given.devices:
        parser.error(
            f"the mesh has {given.mesh.devices} devices, and --devices gives {given.devices}"
        )


def _files(parser: Parser, paths: Sequence[Path]) -> tuple[tuple[Path, str], ...]:
    from buildtrace.cli.request import check_writable

    suffixes = {form.suffix: name for name, form in FORMATS.items()}
    files = []
    for given in paths:
        path = given.expanduser().absolute()
        if path.suffix.lower() not in suffixes:
            parser.error(f"{given}: a plan is written to {', '.join(suffixes)} files")
        check_writable(path)
        files.append((path, suffixes[path.suffix.lower()]))
    return tuple(files)


# -- values of options ------------------------------------------------------------------------


def mesh(text: str) -> MeshRequest:
    """The mesh that "2x4" or "batch=2,model=4" means.

    Raises:
        argparse.ArgumentTypeError: it means none.
    """
    parts = [part.strip() for part in re.split(r"[,x]" if "=" not in text else ",", text)]
    named = [part.partition("=") for part in parts]
    names = [name.strip() for name, equals, _ in named if equals]
    sizes = [(size if equals else name).strip() for name, equals, size in named]
    unclear = names and len(names) < len(parts)
    if unclear or not all(size.isdecimal() and int(size) for size in sizes) or not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} is no mesh: as in 2x4, or batch=2,model=4")
    if not names and len(sizes) > len(DEFAULT_AXES):
        raise argparse.ArgumentTypeError(
            f"{text!r} has {len(sizes)} axes: name them, as in batch=2,model=4"
        )
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"{text!r} names an axis twice")
    default = DEFAULT_AXES if len(sizes) == len(DEFAULT_AXES) else DEFAULT_AXES[-1:]
    return MeshRequest(tuple(map(int, sizes)), tuple(names or default))


def memory(text: str) -> int:
    """The bytes that "80GiB", "80GB" or "512M" mean.

    Raises:
        argparse.ArgumentTypeError: it means none.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no size of memory: as in 80GiB, or 16GB")
    unit = _UNITS[(match[2] or "").lower()]
    if match[3]:
        unit = 1024 ** round(math.log(unit, 1000))
    return int(float(match[1]) * unit)


def _number(things: str) -> Callable[[str], int]:
    """What reads how many there are of something, from 1 up."""

    def read(text: str) -> int:
        if not text.isdecimal() or not 0 < int(text) < 2**31:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of {things}")
        return int(text)

    return read
