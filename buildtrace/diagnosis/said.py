"""What the rules say of their own bad examples, as it was recorded: for the pages of rules.

No Keras is needed to show them. `python tests/docs_pages` writes the file.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

FILE = Path(__file__).with_suffix(".json")


@functools.cache
def _recorded() -> dict[str, dict[str, str]]:
    recorded: dict[str, dict[str, str]] = json.loads(FILE.read_text(encoding="utf-8"))
    return recorded


def said(code: str) -> dict[str, str]:
    """What `buildtrace check` prints of a rule's bad example, by the title of the Keras.

    Where all of them have the same text it is there once, by "".
    """
    texts = _recorded().get(code, {})
    alike = len(texts) > 1 and len(set(texts.values())) == 1
    return {"": next(iter(texts.values()))} if alike else texts
