"""The lessons as pages of the site: what their cells say, and what they have shown.

Of what a cell has shown the plain text is taken, and the picture if there is one. The HTML beside
it has the colors of a notebook, which nobody could read on a dark page.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PICTURE = re.compile(r'src="data:image/svg\+xml;base64,([\w+/=]+)"')
BESIDE = re.compile(r"\]\((\w+\.html)\)")
REPORTS = "reports"
"""The folder of the reports that lie beside the notebooks."""

STYLE = re.compile(r"\x1b\[[\d;]*m")


class Lesson(NamedTuple):
    """A lesson as the site has it.

    Attributes:
        name: that of its file, without the suffix.
        title: its first heading, with its number.
        about: the paragraph below that.
        page: its Markdown.
        pictures: name of each picture → its SVG.
    """

    name: str
    title: str
    about: str
    page: str
    pictures: dict[str, bytes]


def lesson(path: Path) -> Lesson:
    """Read a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    title, about = re.match(r"# (.*)\n\n(.*)", "".join(cells[0]["source"])).groups()
    pictures: dict[str, bytes] = {}
    parts: list[str] = []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            # Within HTML there is Markdown only where it is asked for.
            source = BESIDE.sub(rf"]({REPORTS}/\1)", source)
            parts.append(source.replace("<details>", '<details markdown="1">'))
            continue
        parts.append(_block("python", source))
        for output in cell["outputs"]:
            parts += _shown(output, path.stem, pictures)
    parts += _page_beside(path)
    return Lesson(path.stem, title, about, "\n\n".join(parts) + "\n", pictures)


def index(lessons: list[Lesson]) -> str:
    """The page that lists the lessons."""
    rows = [f"## [{one.title}]({one.name}.md)\n\n{one.about}\n" for one in lessons]
    head = """# Lessons

Each lesson is a notebook with exercises. Here they can be read, with all that their cells have
shown on the real Keras; [Notebooks](../notebooks.md#lessons) says how to run them.
"""
    return "\n".join([head, *rows])


def _shown(output: Any, name: str, pictures: dict[str, bytes]) -> Iterator[str]:
    if output["output_type"] == "error":
        yield _block("text", STYLE.sub("", "\n".join(output["traceback"])))
        return
    data = output.get("data", {})
    for number, found in enumerate(PICTURE.findall("".join(data.get("text/html", ""))), 1):
        file = f"{name}-{len(pictures) + number}.svg"
        pictures[file] = base64.b64decode(found)
        yield f"![The graph of the layers]({file}){{ .graph }}"
    text = "".join(data["text/plain"]) if data else "".join(output["text"])
    yield _block("text", STYLE.sub("", text))


def _page_beside(path: Path) -> Iterator[str]:
    page = f"{REPORTS}/{path.stem}.html"
    title = "The report of this lesson"
    yield f"## {title}\n\nArrow keys go through it; [it is a page of its own]({page}) as well."
    yield f'<iframe class="page" src="{page}" title="{title}" loading="lazy"></iframe>'


def _block(language: str, text: str) -> str:
    """A block of code; a longer fence than any in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    lines = "\n".join(line.rstrip() for line in text.rstrip().split("\n"))
    return (
        f"{fence}{language} {{ .shown }}\n{lines}\n{fence}"
        if language == "text"
        else (f"{fence}{language}\n{lines}\n{fence}")
    )
