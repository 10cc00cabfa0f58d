"""A runner for action.yml, as far as a test needs GitHub's: its steps as they stand, in bash.

Of GitHub's expressions it knows those that stand in the action: an input, an output of a step,
and whether an input differs from a text. Any other one is an error.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
FILE = ROOT / "action.yml"
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
CONDITION = re.compile(r"(\S+) != '(.*)'")
COMMAND = '#!/bin/sh\nexec "{python}" -m {module} "$@"\n'


class JobRun(NamedTuple):
    """What a job with the action as its step leaves.

    Attributes:
        code: the exit code of the step that failed; 0 if none did.
        log: what was printed.
        summary: what stands on the page of the run, as Markdown.
        outputs: the action's, by name.
        ran: the names of the steps that ran.
    """

    code: int
    log: str
    summary: str
    outputs: dict[str, str]
    ran: list[str]


def load() -> dict[str, Any]:
    """What action.yml says."""
    import yaml

    said: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return said


def command(folder: Path, name: str, module: str) -> None:
    """Put a command into a folder, for PATH: a module of this Python's."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(COMMAND.format(python=sys.executable, module=module), encoding="utf-8")
    file.chmod(0o755)


def run(folder: Path, commands: Path, **given: str) -> JobRun:
    """Run the action in a checkout.

    Args:
        folder: the checkout.
        commands: a folder for the front of PATH.
        **given: inputs, by their names with `_` for `-`.
    """
    action = load()
    given = {name.replace("_", "-"): text for name, text in given.items()}
    inputs = {name: about["default"] for name, about in action["inputs"].items()}
    assert given.keys() <= inputs.keys()
    values = {f"inputs.{name}": text for name, text in (inputs | given).items()}
    runner = folder.parent / "runner"
    runner.mkdir()
    log, ran, code = "", [], 0
    for step in action["runs"]["steps"]:
        if "if" in step and not _holds(step["if"], values):
            continue
        ran.append(step["name"])
        variables = {name: _evaluated(text, values) for name, text in step.get("env", {}).items()}
        done = _bash(step["run"], folder, runner, commands, variables)
        log += done.stdout
        if code := done.returncode:
            break
        values |= {f"steps.{step.get('id')}.outputs.{n}": t for n, t in _outputs(runner)}
    summary = runner / "summary"
    outputs = {n: _evaluated(o["value"], values) for n, o in action["outputs"].items()}
    shown = summary.read_text(encoding="utf-8") if summary.exists() else ""
    return JobRun(code, log, shown, outputs, ran)


def _bash(
    script: str, folder: Path, runner: Path, commands: Path, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """A step as GitHub runs it with `shell: bash`."""
    file = runner / "step.sh"
    file.write_text(script, encoding="utf-8")
    (runner / "output").write_text("", encoding="utf-8")
    path = os.pathsep.join([str(commands), os.environ["PATH"]])
    paths = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    environment = {
        "PATH": path,
        "PYTHONPATH": os.pathsep.join(paths),
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_OUTPUT": str(runner / "output"),
        "GITHUB_STEP_SUMMARY": str(runner / "summary"),
        "RUNNER_TEMP": str(runner),
    }
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", file],
        cwd=folder,
        env=os.environ | environment | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def _outputs(runner: Path) -> list[tuple[str, str]]:
    lines = (runner / "output").read_text(encoding="utf-8").splitlines()
    return [(name, text) for name, _, text in (line.partition("=") for line in lines)]


def _evaluated(text: str, values: Mapping[str, str]) -> str:
    return EXPRESSION.sub(lambda found: _value(found[1], values), text)


def _value(name: str, values: Mapping[str, str]) -> str:
    """An input, or an output of a step, which is empty if the step did not set it."""
    return values.get(name, "") if name.startswith("steps.") else values[name]


def _holds(condition: str, values: Mapping[str, str]) -> bool:
    found = CONDITION.fullmatch(condition)
    assert found, condition
    return _value(found[1], values) != found[2]
