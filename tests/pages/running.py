"""Runs the blocks of a page, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from forked import TIMEOUT

from pages.blocks import Block, Command, blocks, commands, is_variable, programs
from pages.outputs import difference

if TYPE_CHECKING:
    from forked import Python

ROOT = Path(__file__).parents[2]
MARK = "<the next block of a page>"
SETTINGS = {
    "PYTHONPATH": str(ROOT),
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "COLUMNS": "80",
    "NO_COLOR": "1",
    "BROWSER": "true",  # a program that does nothing
    "MLFLOW_TRACKING_URI": "mlruns",  # a store in the page's folder, which MLflow
    "MLFLOW_ALLOW_FILE_STORE": "true",  # wants to be asked for
}


class Run:
    """A page that is run, block by block.

    Attributes:
        folder: where its blocks run. A folder `bin` beside it has the commands.
        printed: what the last block that ran has printed.
    """

    def __init__(self, page: Path, folder: Path, python: Python) -> None:
        self.blocks = blocks(page)
        self.folder = folder / "page"
        self.folder.mkdir()
        self.env = (
            os.environ | SETTINGS | {"PATH": f"{_bin(folder)}{os.pathsep}{os.environ['PATH']}"}
        )
        for name in ("TF_USE_LEGACY_KERAS", "KERAS_BACKEND", "BUILDTRACE"):
            self.env.pop(name, None)
        self.python = python
        self.printed: str | None = None
        self.of_programs: dict[Block, str] = {}

    def __call__(self) -> None:
        """Do what each block is there for. What goes wrong is an AssertionError that says where."""
        starts = {group[0]: group for group in programs(self.blocks)}
        for block in self.blocks:
            if block in starts:
                self.run_program(starts[block])
            getattr(self, f"see_{block.kind.replace(' ', '_')}", self.see_unknown)(block)

    def see_file(self, block: Block) -> None:
        path = self.folder / block.notes["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")

    def see_commands(self, block: Block) -> None:
        said = []
        for command in commands(block.text):
            code, printed = self.run_command(command)
            wanted = int(block.notes.get("exit code", 0))
            assert code == wanted, f"{block}: `{command.text}` ended with {code}:\n{printed}"
            if command.output:
                self.compare(block, command.output, printed)
            said.append(printed)
        self.printed = "".join(said)

    def see_program(self, block: Block) -> None:
        self.printed = self.of_programs[block]

    def see_output(self, block: Block) -> None:
        assert self.printed is not None, f"{block}: no block before it has printed anything"
        self.compare(block, block.text, self.printed)

    def see_data(self, block: Block) -> None:
        """Nothing to run."""

    see_not_run = see_usage = see_data

    def see_unknown(self, block: Block) -> None:
        raise AssertionError(f"{block}: {block.kind}, of which nobody knows what to do with it")

    def compare(self, block: Block, shown: str, printed: str) -> None:
        differs = difference(shown, printed, self.folder)
        assert not differs, f"{block}: something else was printed:\n{differs}"

    def run_command(self, command: Command) -> tuple[int, str]:
        """A program of Python's is forked, anything else is a shell's; what both streams got."""
        words = command.words
        if words is None:
            return self.run_shell(command.text)
        own = [word for word in words if is_variable(word)]
        program, *arguments = words[len(own) :]
        start = {"buildtrace": ["-m", "buildtrace"], "pytest": ["-m", "pytest"], "python": []}
        if program not in start or not arguments:
            return self.run_shell(command.text)
        env = self.env | dict(word.split("=", 1) for word in own)
        return self.run_python(*start[program], *arguments, env=env)

    def run_shell(self, text: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=TIMEOUT,
        )
        return done.returncode, done.stdout

    def run_python(self, *arguments: str, env: dict[str, str] | None = None) -> tuple[int, str]:
        asked = arguments[arguments.index("--keras") + 1] if "--keras" in arguments else "3"
        keras = asked if asked in {"2", "3"} else "3"
        done = self.python(
            *arguments, cwd=self.folder, env=env or self.env, keras=keras, together=True
        )
        return done.returncode, done.stdout

    def run_program(self, group: list[Block]) -> None:
        """Run blocks of Python as one program, and keep what each of them prints."""
        is_notebook = any(block.language == "ipython" for block in group)
        texts = [_cell(block.text) if is_notebook else block.text for block in group]
        marks = f"print({MARK!r}, flush=True)\n"
        text = (CELLS if is_notebook else "") + marks.join(texts)
        path = self.folder.with_name("program.py") if is_notebook else self.folder / "program.py"
        path.write_text(text, encoding="utf-8")
        code, printed = self.run_python(str(path))
        wanted = int(group[-1].notes.get("exit code", 0))
        assert code == wanted, f"{group[0]} to {group[-1]}: Python ended with {code}:\n{printed}"
        parts = printed.split(f"{MARK}\n")
        self.of_programs |= dict(zip(group, parts, strict=True))


CELLS = """
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
"""


def _cell(text: str) -> str:
    return f"shell.run_cell({text!r}, store_history=True).raise_error()\n"


def _bin(folder: Path) -> Path:
    """A folder with the commands as they would be if this checkout were installed."""
    made = folder / "bin"
    made.mkdir()
    for name, start in {"buildtrace": "-m buildtrace", "pytest": "-m pytest", "python": ""}.items():
        path = made / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {start} "$@"\n')
        path.chmod(0o755)
    return made
