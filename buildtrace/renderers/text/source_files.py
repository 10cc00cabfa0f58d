"""Files of source code: a line's address for a terminal's hyperlink, and the code in them."""

from __future__ import annotations

import linecache
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote


@lru_cache(maxsize=4096)
def link(file: str, line: int) -> str:
    """The address of a line of a file, for a terminal's hyperlink; "" if there is no file."""
    path = file.replace("\\", "/")
    if not (path.startswith("/") or path[1:3] == ":/"):
        return ""  # such as "<stdin>" and notebook cells
    return f"file:///{quote(path.lstrip('/'), safe='/:', errors='surrogatepass')}#{line}"


def code_of(file: str) -> list[str]:
    """The lines of a source file; none if it is not on this machine."""
    # linecache would look for a relative name in every folder of sys.path, and find another file.
    if file not in linecache.cache and not Path(file).is_absolute():
        return []
    try:
        return linecache.getlines(file)
    except ValueError:  # no system has a file with a zero in its name
        return []
