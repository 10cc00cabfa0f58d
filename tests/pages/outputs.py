"""Whether what a page shows is what was printed, but for what is another in each run."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

PROGRAMS = "Keras|keras|tf_keras|TensorFlow|tensorflow|JAX|jax|Torch|torch|Python|buildtrace"
VARIES = {
    r" *\b\d[\d.,]* ?(?:ns|µs|ms|s|min)\b": " <time>",
    r"\b\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?": "<date>",
    rf"\b({PROGRAMS})([ =]+)\d+(?:\.\d+)+\w*": r"\1\2<version>",
    r"\b0x[0-9a-f]+\b": "<address>",
}
OF_TENSORFLOW = re.compile(r"WARNING: All log messages before absl|[IWE]\d{4} \d\d:\d\d|[IWE]0000 ")
"""What TensorFlow says to its log when it starts: no page shows that."""

EXAMPLES = Path(__file__).parents[2] / "buildtrace" / "examples"
LEFT_OUT = {"…", "..."}


def difference(shown: str, printed: str, folder: Path) -> str:
    """What differs, line by line; empty if nothing does.

    A line `…` stands for any number of lines, and `…` inside of a line for anything.
    """
    wanted, got = lines(shown, folder), lines(printed, folder)
    pattern = "".join(
        r"(?:.*\n)*" if line.strip() in LEFT_OUT else _pattern(line) + r"\n" for line in wanted
    )
    if re.fullmatch(pattern, "".join(f"{line}\n" for line in got)):
        return ""
    return "\n".join(difflib.unified_diff(wanted, got, "on the page", "printed", lineterm=""))


def lines(text: str, folder: Path) -> list[str]:
    """The lines without what varies: times, dates, versions, addresses, and the folder's path."""
    text = "\n".join(line for line in text.splitlines() if not OF_TENSORFLOW.match(line))
    text = text.replace(f"{folder}/", "").replace(str(folder), "<folder>")
    for varying, name in VARIES.items():
        text = re.sub(varying, name, text)
    text = re.sub(r"\b(\w+\.py):\d+", lambda found: _place(found, folder), text)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def _place(found: re.Match[str], folder: Path) -> str:
    """A line of a file: the number counts if the file is the page's or an example, not Keras'."""
    return found[0] if [*folder.rglob(found[1]), *EXAMPLES.glob(found[1])] else f"{found[1]}:<line>"


def _pattern(line: str) -> str:
    return ".*".join(map(re.escape, line.split("…")))
