"""The line in an environment that has each Python there look at the variable `BUILDTRACE`.

Python runs a line of a `.pth` file in its folder of packages if it begins with `import`. Ours looks
at the environment, and that is all of it unless the variable is set. It is not one of the package's
files: `buildtrace enable` puts it there. If the package is gone, it says nothing.
"""

from __future__ import annotations

import os
import site
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

from buildtrace.errors import UsageError
from buildtrace.integrations import at_start
from buildtrace.integrations.launch_variable import VARIABLE

NAME = "zz_buildtrace.pth"
"""These files are read by name: those that say where packages are come before."""

LINE = (
    f"import os; os.environ.get({VARIABLE!r}, '') in ('', '0') or exec("
    f'"try:\\n from {at_start.__name__} import begin\\n'
    'except ImportError: pass\\nelse: begin()")\n'
)


class PthFile(NamedTuple):
    """The file in one of the folders that this Python takes packages from.

    Attributes:
        path: of the file.
        of_user: whether only this user's Pythons read it.
    """

    path: Path
    of_user: bool = False

    @property
    def is_there(self) -> bool:
        """Whether tracing can be switched on by it."""
        return self._text() is not None

    @property
    def is_current(self) -> bool:
        """Whether it is as this version writes it."""
        return self._text() == LINE

    def _text(self) -> str | None:
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def write(self) -> None:
        """Put the file there, whole: a Python may start at any time.

        Raises:
            UsageError: it cannot be written.
        """
        from buildtrace import renderers

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            renderers.write(self.path, LINE)
        except OSError as error:
            raise UsageError(
                f"cannot write {self.path}: {error.strerror}: use a virtual environment, or have "
                "it done by whoever may write there"
            ) from None

    def remove(self) -> None:
        """Take the file out.

        Raises:
            UsageError: it cannot be removed.
        """
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"cannot remove {self.path}: {error.strerror}") from None


def all_files() -> list[PthFile]:
    """The file in each folder where it would be read: in the environment, and for this user."""
    files = [PthFile(Path(sysconfig.get_path("purelib"), NAME))]
    if site.ENABLE_USER_SITE and site.getusersitepackages():
        files.append(PthFile(Path(site.getusersitepackages(), NAME), of_user=True))
    return files


def wanted() -> PthFile:
    """The file where the package itself is installed: for this user alone, or for all."""
    package = Path(__file__).resolve().parents[2]
    files = all_files()
    of_user = (each for each in files if each.of_user and each.path.parent.resolve() == package)
    return next(of_user, files[0])


def is_heard() -> bool:
    """Whether a new Python, wherever it is started, finds the package when it reads the file."""
    program = f"import sys; sys.exit({at_start.__name__!r} not in sys.modules)"
    environment = os.environ | {VARIABLE: "1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, cwd=Path(sys.prefix).anchor, env=environment, capture_output=True, check=False
    )
    return done.returncode == 0
