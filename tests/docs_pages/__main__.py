"""Writes all pages of the docs that are made of the code: `python tests/docs_pages`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this folder is a package of the tests

from docs_pages import made, recording

if __name__ == "__main__":
    if "--record" in sys.argv[1:]:
        recording.record()
    made.write()
