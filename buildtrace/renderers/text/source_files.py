"""Addresses of lines of source files, for a terminal's hyperlinks; no file is opened for them."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote


@lru_cache(maxsize=4096)
def link(file: str, line: int) -> str:
    """The address of a line of a file, for a terminal's hyperlink; "" if there is no file."""
    path = file.replace("\\", "/")
    if not (path.startswith("/") or path[1:3] == ":/"):
        return ""  # such as "<stdin>" and notebook cells
    return f"file:///{quote(path.lstrip('/'), safe='/:', errors='surrogatepass')}#{line}"
