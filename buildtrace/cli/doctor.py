"""`buildtrace doctor`: what is installed, which Keras a script would get, and what is missing."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from buildtrace.cli import environment, missing_keras
from buildtrace.cli.dependencies import NEEDED, PACKAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.cli.parser import Parser

DISTRIBUTIONS = ("buildtrace", "buildtrace-core")
"""What pip may call this package: with TensorFlow, and without. They are the same files."""


@dataclass(frozen=True)
class Condition:
    """How one thing is that buildtrace needs, or could use: a line of the doctor's report.

    Attributes:
        what: the thing looked at.
        state: how it is.
        remedy: what would change that.
        bad: buildtrace cannot do its work like this.
    """

    what: str
    state: str
    remedy: str | None = None
    bad: bool = False


def main(arguments: Sequence[str]) -> int:
    """Show what is installed; returns 1 if something is missing that buildtrace needs."""
    build_parser().parse_args(arguments)
    sections = {"Python": list(_python())}
    sections |= {title: [_package(name) for name in names] for title, names in PACKAGES.items()}
    sections["tf.keras"] = list(_tf_keras())
    sections["diagrams"] = [_diagrams()]
    sections["other launchers"] = list(_launchers())
    _print(sections)
    return int(any(condition.bad for conditions in sections.values() for condition in conditions))


def build_parser() -> Parser:
    """The parser of the verb's arguments, of which there are none."""
    from buildtrace.cli.parser import Parser
    from buildtrace.cli.verbs import sentence

    return Parser(prog="buildtrace doctor", description=sentence("doctor"))


def _python() -> Iterator[Condition]:
    from buildtrace import __version__

    yield _buildtrace(__version__)
    yield Condition("python", f"{platform.python_version()}  {sys.executable}")
    yield Condition("platform", platform.platform())


def _buildtrace(version: str) -> Condition:
    """As what it is installed: to remove one of two would leave the other without its files."""
    names = _distributions()
    if len(names) > 1:
        state = f"{version}, installed twice: {' and '.join(names)} are the same files"
        remedy = f"pip uninstall {' '.join(names)}, then install one of them"
        return Condition("buildtrace", state, remedy, bad=True)
    core = f"{version}  as {names[0]}" if names == [DISTRIBUTIONS[1]] else version
    return Condition("buildtrace", core)


def _distributions() -> list[str]:
    from importlib import metadata

    found = []
    for name in DISTRIBUTIONS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found.append(metadata.metadata(name)["Name"])
    return found


def _package(name: str) -> Condition:
    version = environment.version(name)
    if version is not None:
        return Condition(name, version)
    bad = name in NEEDED
    remedy = f"pip install {name}" if bad or name == "h5py" else None
    return Condition(name, "not installed", remedy, bad=bad)


def _tf_keras() -> Iterator[Condition]:
    """What `tf.keras` is for each value of --keras."""
    from buildtrace.cli.parser import keras_choices

    if not environment.installed("tensorflow"):
        yield Condition("tf.keras", "none: TensorFlow is not installed")
        yield from _keras_alone()
        return
    for choice in keras_choices():
        package = environment.package_of(choice)
        if package is None:
            remedy = environment.missing(choice) if choice != "auto" else "pip install keras"
            yield Condition(f"--keras {choice}", "none", remedy, bad=choice == "auto")
            continue
        version = environment.version(package)
        why = f", as {environment.LEGACY} says" if choice == "auto" and _legacy() else ""
        yield Condition(
            f"--keras {choice}",
            f"Keras {environment.major(version)} (the package {package} {version}{why})",
        )


def _keras_alone() -> Iterator[Condition]:
    """What `import keras` gives where there is no TensorFlow."""
    if reason := missing_keras.no_backend():
        why, remedy = reason
        yield Condition("import keras", f"fails: {why}", remedy, bad=True)
    else:
        yield Condition("import keras", f"Keras 3 on the backend {missing_keras.backend()}")


def _legacy() -> bool:
    return environment.LEGACY in os.environ


def _diagrams() -> Condition:
    """Whether the layout engine loads: being installed is not enough for a compiled package."""
    if not environment.installed("pygraphviz"):
        return Condition("svg png pdf", "cannot be drawn", "pip install pygraphviz", bad=True)
    try:
        import pygraphviz  # noqa: F401
    except (ImportError, OSError) as error:
        state = f"cannot be drawn: {error}"
        return Condition("svg png pdf", state, "pip install -U pygraphviz", bad=True)
    return Condition("svg png pdf", "can be drawn")


def _launchers() -> Iterator[Condition]:
    """Whether the variable switches tracing on in programs that others start."""
    from buildtrace.cli.pth_file import all_files
    from buildtrace.integrations.launch_variable import OFF, VARIABLE

    there = [file for file in all_files() if file.is_there]
    value = os.environ.get(VARIABLE, "")
    is_set = value.strip().lower() not in OFF
    for file in there:
        old = None if file.is_current else "buildtrace enable: it is of another version"
        yield Condition("enabled", str(file.path), old)
    if not there:
        remedy = f"buildtrace enable: {VARIABLE} means nothing until then" if is_set else None
        yield Condition("not enabled", f"{VARIABLE}=1 would trace nothing", remedy)
    yield Condition(VARIABLE, f"set to {value!r}" if is_set else "not set")


def _print(sections: dict[str, list[Condition]]) -> None:
    from rich.text import Text

    from buildtrace.cli.console import own_console
    from buildtrace.traces import wording

    with own_console(sys.stdout) as console:
        for title, conditions in sections.items():
            console.print(Text(title, style="bold"))
            for condition in conditions:
                mark, style = ("!", "yellow") if condition.bad else (" ", "")
                state = wording.sanitize_long(condition.state)
                text = Text(f"{mark} {condition.what:14}{state}", style=style)
                console.print(text, soft_wrap=True)
                if condition.remedy:
                    remedy = wording.sanitize_long(condition.remedy)
                    console.print(Text(f"{'':16}{remedy}"), soft_wrap=True)
