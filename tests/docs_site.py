"""Builds the site of the docs, strict and offline: `python tests/docs_site.py`, or `nox -s docs`.

The pages in `docs/` link files that are outside of it, as they do on a repository's host: the
lessons, the pictures, the pages at the top. So the source of the site is put together in
`build/docs` first, with each link where it leads there. The site is `build/docs/site/index.html`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

from docs_pages import lessons

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SOURCE = ROOT / "build" / "docs"

AT_THE_TOP = {"README.md": "index.md"} | {
    name: name.lower() for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
}
"""Pages at the top → where they are in the site; the README's place has a page of its own."""

FOLDERS = {".pictures": "pictures", "notebooks": "lessons"}
"""Other folders → what they are called in the site."""

COPIED = {".css", ".gif", ".html", ".js", ".json", ".png", ".svg"}
"""Besides pages, what there is in `docs` for the site."""

LINK = re.compile(r"(!?)\[((?:[^\[\]]|!?\[[^\]]*\](?:\([^)]*\))?)*)\]\(([^)\s]+)\)")
BLOCK = re.compile(r"(^ *```.*?^ *```|`[^`\n]+`)", flags=re.DOTALL | re.MULTILINE)
SHOWN_FILE = re.compile(r"^<!-- file: (\S+) -->\n+(```\w+)$", flags=re.MULTILINE)
"""What says of a block which file it is: the site shows that above the block."""

REMARK = re.compile(r"^<!--.*?-->\n*", flags=re.DOTALL | re.MULTILINE)


def place_of(path: PurePosixPath) -> PurePosixPath | None:
    """Where a file of the project is in the site, both from the top; `None` if it is not there."""
    first = path.parts[0] if path.parts else ""
    if first == "docs":
        return path.relative_to("docs")
    if str(path) in AT_THE_TOP:
        return PurePosixPath(AT_THE_TOP[str(path)])
    if first in FOLDERS:
        inside = PurePosixPath(FOLDERS[first], *path.parts[1:])
        if inside == PurePosixPath("lessons"):
            return inside / "index.md"
        if inside.suffix == ".html":  # a lesson is a page of this name itself
            return inside.parent / lessons.REPORTS / inside.name
        return inside.with_suffix(".md") if inside.suffix == ".ipynb" else inside
    return None


def page(text: str, path: PurePosixPath) -> str:
    """A page of the site: its remarks for tests are taken out, its links lead where they do there.

    Args:
        text: the page as it is in the project.
        path: where it is there, from the top.
    """
    here = place_of(path)
    assert here is not None

    def changed(match: re.Match[str]) -> str:
        picture, words, target = match.groups()
        words = LINK.sub(changed, words)
        name, mark, anchor = target.partition("#")
        if not name or ":" in name:
            return f"{picture}[{words}]({target})"
        file = PurePosixPath(os.path.normpath(path.parent / name))
        there = place_of(file)
        if there is None:
            return words
        link = os.path.relpath(there, here.parent)
        if picture and re.search(f"^{re.escape(match[0])}$", text, flags=re.MULTILINE):
            return _picture(words, link, file)
        return f"{picture}[{words}]({link}{mark}{anchor})"

    parts = BLOCK.split(SHOWN_FILE.sub(r'\2 title="\1"', text))
    # A link's words may be code: what stands between backquotes is put back behind the links.
    inline = {f"\0{number}\0": part for number, part in enumerate(parts[1::2])}
    bare = "".join(part for pair in zip(parts[::2], [*inline, ""], strict=True) for part in pair)
    bare = LINK.sub(changed, REMARK.sub("", bare))
    return re.sub("\0\\d+\0", lambda match: inline[match[0]], bare)


def _picture(words: str, link: str, file: PurePosixPath) -> str:
    """A picture alone on its line. It is a link to itself: on a phone it is too small to be read.

    Where there is another one beside it for a dark ground, each is shown on its own ground.
    """
    dark = file.with_stem(f"{file.stem}-dark")
    grounds = {"": link}
    if (ROOT / dark).exists():
        grounds = {"#only-light": link, "#only-dark": str(PurePosixPath(link).with_name(dark.name))}
    return "\n".join(f"[![{words}]({to}{ground})]({to})" for ground, to in grounds.items())


def assemble(source: Path) -> None:
    """Put the source of the site together, in a folder."""
    shutil.rmtree(source, ignore_errors=True)
    pages = source / "pages"
    for file in sorted(path for path in DOCS.rglob("*") if path.suffix in {".md", *COPIED}):
        _place(file, pages)
    for name in AT_THE_TOP:
        if name != "README.md":
            _place(ROOT / name, pages)
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).iterdir()):
            if file.suffix in COPIED:
                _place(file, pages)
    _place_lessons(pages / FOLDERS["notebooks"])
    (source / "zensical.toml").write_text(_settings(pages), encoding="utf-8")


def _place(file: Path, pages: Path) -> None:
    path = PurePosixPath(file.relative_to(ROOT).as_posix())
    to = pages / str(place_of(path))
    to.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".md":
        to.write_text(page(file.read_text(encoding="utf-8"), path), encoding="utf-8")
    else:
        shutil.copyfile(file, to)


def _place_lessons(folder: Path) -> None:
    found = [lessons.lesson(path) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    for one in found:
        (folder / f"{one.name}.md").write_text(one.page, encoding="utf-8")
        for name, picture in one.pictures.items():
            (folder / name).write_bytes(picture)
    (folder / "index.md").write_text(lessons.index(found), encoding="utf-8")


def _settings(pages: Path) -> str:
    """The site's settings, with the pages that a pattern in them stands for."""

    def found(match: re.Match[str]) -> str:
        pattern = match[1]
        index = pages / f"{pattern.partition('/')[0]}.md"
        if index.exists():
            groups = _listed(index.read_text(encoding="utf-8")).items()
            return ", ".join(f"{{ {json.dumps(t)} = {json.dumps(g)} }}" for t, g in groups)
        paths = sorted(path.relative_to(pages).as_posix() for path in pages.glob(pattern))
        return ", ".join(map(json.dumps, paths))

    # Of strings, and of lists of them, TOML and JSON are the same.
    settings = (DOCS / "zensical.toml").read_text(encoding="utf-8")
    head, nav, rest = re.split(r"^(nav = .*?^\]$)", settings, flags=re.DOTALL | re.MULTILINE)
    return head + re.sub(r'"([^"\n]*\*[^"\n]*)"', found, nav) + rest


def _listed(index: str) -> dict[str, list[str]]:
    """The pages that an index lists below each of its headings, in its order."""
    _, *parts = re.split(r"^## (.*)$", index, flags=re.MULTILINE)
    entry = re.compile(r"^(?:\| |- )\[[^\]]*\]\(([^)]*)\)", re.MULTILINE)
    return {title: entry.findall(part) for title, part in zip(parts[::2], parts[1::2], strict=True)}


def build(source: Path) -> tuple[int, str]:
    """Build the site in a folder's `site`; returns the exit code, and what was said."""
    assemble(source)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    done = subprocess.run(command, cwd=source, capture_output=True, encoding="utf-8", check=False)
    told = re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)
    return done.returncode, told.partition("Traceback (most recent")[0].strip()


def main() -> int:
    """Build the site; returns the exit code."""
    code, told = build(SOURCE)
    print(told)
    return code


if __name__ == "__main__":
    sys.exit(main())
