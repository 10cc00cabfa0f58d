"""Which files are made of the code, and what each of them should hold.

They are kept in the repository, so that they can be read there; a test holds that they are current.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docs_pages import landmarks, options, rules

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[2] / "docs"
COMMAND = "python tests/docs_pages"

FOLDERS = ("api", "landmarks", "rules")
"""Folders in `docs` with nothing in them but pages that are made."""


def files(only: str = "") -> Iterator[tuple[Path, str]]:
    """The files, each with what it should hold.

    Args:
        only: the pages that alone are wanted: "options", or those of a folder. Those in `api`
            want griffe.
    """
    if only in ("", "rules"):
        yield from rules.files(DOCS)
    if only in ("", "landmarks"):
        yield from landmarks.files(DOCS)
    if only in ("", "options"):
        yield from options.files(DOCS)
    if only in ("", "api"):
        from docs_pages import api

        yield from api.files(DOCS)


def write() -> None:
    """Write all of them anew, and take away what is not made any more."""
    written = set()
    for path, text in files():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.add(path)
    for folder in FOLDERS:
        for old in set((DOCS / folder).iterdir()) - written:
            old.unlink()
