"""Writes `docs/rules.md` from the rules themselves: `python tests/rules_page.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"
HEAD = "# The rules of check\n\nThis page is made by `python tests/rules_page.py`.\n\n"


def content() -> str:
    """What the page should hold."""
    command = [sys.executable, "-m", "buildtrace", "explain", "--all", "--format", "markdown"]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return HEAD + ran.stdout


if __name__ == "__main__":
    PAGE.write_text(content(), encoding="utf-8")
