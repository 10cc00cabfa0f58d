"""Virtual environments in which `buildtrace enable` can do its work."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import buildtrace
from buildtrace.cli import pth_file

ROOT = Path(buildtrace.__file__).parents[1]

LEFT_OUT = ("BUILDTRACE", "BUILDTRACE_RUN", "PYTHONPATH", "VIRTUAL_ENV")


class Environment:
    """An environment of its own, with the packages of this one.

    Attributes:
        python: its interpreter.
        packages: its folder of packages.
        pth: the file that `enable` writes.
    """

    def __init__(self, folder: Path) -> None:
        venv.create(folder, symlinks=os.name != "nt")
        scheme = "nt" if os.name == "nt" else "posix_prefix"  # Python 3.10 has no "venv"
        where = sysconfig.get_paths(scheme, {"base": str(folder), "platbase": str(folder)})
        self.python = Path(where["scripts"], "python")
        self.packages = Path(where["purelib"])
        self.pth = self.packages / pth_file.NAME
        here = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        paths = dict.fromkeys(map(str, [ROOT, *here]))
        (self.packages / "_paths.pth").write_text("\n".join(paths))

    def enable(self) -> None:
        """Put the line there, as the verb does."""
        self.pth.write_text(pth_file.LINE)

    def environ(self, **variables: str) -> dict[str, str]:
        """The variables of a program in it."""
        given = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
        return given | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""} | variables

    def run(
        self, *arguments: object, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `python ARGUMENTS…` in it, with these variables."""
        return subprocess.run(
            [str(self.python), *map(str, arguments)],
            cwd=cwd or self.packages.anchor,
            env=self.environ(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def start(self, *arguments: object, cwd: Path, **variables: str) -> subprocess.Popen[bytes]:
        """The same, without waiting for its end; what it prints goes to `output.txt`."""
        with (cwd / "output.txt").open("wb") as output:
            return subprocess.Popen(
                [str(self.python), *map(str, arguments)],
                cwd=cwd,
                env=self.environ(**variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
