"""`buildtrace doctor`: what is installed, which Keras a script would get, and what is missing."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from buildtrace.cli import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PACKAGES = {
    "Keras": ("tensorflow", "keras", "tf_keras"),
    "other backends": ("jax", "torch"),
    "for the report": ("rich", "msgspec"),
    "for diagrams": ("graphviz", "pygraphviz", "psutil"),
}
"""What to look for, by what it is for."""

OPTIONAL = PACKAGES["other backends"]
NEEDED = ("keras", *PACKAGES["for the report"], *PACKAGES["for diagrams"])


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
    from buildtrace.cli.parser import Parser
    from buildtrace.cli.verbs import sentence

    parser = Parser(prog="buildtrace doctor", description=sentence("doctor"))
    parser.parse_args(arguments)
    sections = {"Python": list(_python())}
    sections |= {title: [_package(name) for name in names] for title, names in PACKAGES.items()}
    sections["tf.keras"] = list(_tf_keras())
    sections["diagrams"] = [_diagrams()]
    sections["other launchers"] = list(_launchers())
    _print(sections)
    return int(any(condition.bad for conditions in sections.values() for condition in conditions))


def _python() -> Iterator[Condition]:
    from buildtrace import __version__

    yield Condition("buildtrace", __version__)
    yield Condition("python", f"{platform.python_version()}  {sys.executable}")
    yield Condition("platform", platform.platform())


def _package(name: str) -> Condition:
    version = environment.version(name)
    if version is not None:
        return Condition(name, version)
    remedy = None if name in OPTIONAL else f"pip install {name}"
    return Condition(name, "not installed", remedy, bad=name in NEEDED)


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
    if not environment.installed("keras"):
        return
    backend = _backend()
    if environment.installed(backend):
        yield Condition("import keras", f"Keras 3 on the backend {backend}")
        return
    there = [name for name in OPTIONAL if environment.installed(name)]
    remedy = f"set KERAS_BACKEND={there[0]}" if there else f"pip install {backend}"
    yield Condition(
        "import keras", f"fails: its backend {backend} is not installed", remedy, bad=True
    )


def _legacy() -> bool:
    return environment.LEGACY in os.environ


def _backend() -> str:
    """The backend that Keras 3 will take, by the same two places where it looks."""
    home = os.environ.get("KERAS_HOME") or Path("~/.keras").expanduser()
    try:
        configured = json.loads(Path(home, "keras.json").read_text()).get("backend")
    except (OSError, ValueError, AttributeError):
        configured = None
    return os.environ.get("KERAS_BACKEND") or str(configured or "tensorflow")


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
