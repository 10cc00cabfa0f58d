"""The landmarks' pages, made of the generations' tables: `docs/landmarks/NAME.md`, and their index.

What is told of a landmark is what `buildtrace explain` tells. Where it is in Keras, and a call of
it, was recorded of the real Keras; see `recording`.
"""

from __future__ import annotations

import os
import re
from functools import cache
from typing import TYPE_CHECKING

from buildtrace.cli import landmark_pages
from buildtrace.cli.landmarks import STEPS
from buildtrace.diagnosis import all_rules
from buildtrace.generations import GENERATIONS
from buildtrace.traces.schema import KerasInfo
from docs_pages import recording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from buildtrace.generations import Generation, Landmark

MADE = "made by `python tests/docs_pages`"


def files(docs: Path) -> Iterator[tuple[Path, str]]:
    """The files, and what they should hold."""
    yield docs / "landmarks.md", index()
    for name in names():
        yield docs / "landmarks" / f"{name}.md", page(name)


@cache
def names() -> tuple[str, ...]:
    """The names of all landmarks, in the order in which a learner meets them."""
    rows = [row for generation in GENERATIONS for row in generation.landmarks]
    return tuple(dict.fromkeys(row.name for step in STEPS for row in rows if row.step == step))


@cache
def found() -> tuple[tuple[Generation, KerasInfo], ...]:
    """The generations, each with the Keras that was recorded."""
    kept = recording.recorded()
    versions = {name: (one["package"], one["version"]) for name, one in kept.items()}
    return tuple(
        (g, KerasInfo(generation=g.name, package=versions[g.name][0], version=versions[g.name][1]))
        for g in GENERATIONS
    )


def linked(text: str, folder: str, own: str = "") -> str:
    """A text in which landmarks are code, with links to their pages.

    Args:
        text: Markdown without blocks of code.
        folder: where the text's page is, below `docs`.
        own: the landmark whose page it is.
    """
    where = os.path.relpath("landmarks", folder or ".")

    def code(match: re.Match[str]) -> str:
        word = match[0].strip("`")
        name = _words().get(word)
        if name is None:  # Markdown would make bold type of the underscores
            return f"`{word}`" if "__" in word else match[0]
        return f"`{word}`" if name == own else f"[`{word}`]({where}/{name}.md)"

    return _WORD.sub(code, text)


_WORD = re.compile(r"`[^`]*`|(?<![\w./[(])[\w.]*\w\b(?!/)")


@cache
def _words() -> dict[str, str]:
    """What landmarks are called in prose → their names; a single word may be another thing."""
    told = {name: name for name in names() if "." in name or "_" in name}
    methods = [name.rpartition(".")[2] for name in names()]
    own = {m: n for m, n in zip(methods, names(), strict=True) if methods.count(m) == 1}
    return {m: n for m, n in own.items() if m.startswith("_")} | told


def index() -> str:
    """What the index should hold."""
    lines = [
        "# The landmarks",
        "",
        "These functions of Keras make up a build. They are what buildtrace hooks, and they stand",
        "here in the order in which one meets them. A ● is behind those that open a beat of the",
        "story; the others are parts of one. `buildtrace explain NAME` tells of one in a terminal.",
        "",
        f"This page and those of the landmarks are {MADE}.",
    ]
    for title, named in grouped().items():
        lines += ["", f"## {title}", "", *map(_entry, named)]
    return "\n".join(lines) + "\n"


def grouped() -> dict[str, list[str]]:
    """The names of the landmarks by the title of their step."""
    first = {name: next(landmark_pages.rows(name, found()))[2].step for name in names()}
    return {title: [n for n in names() if first[n] == step] for step, title in STEPS.items()}


def _entry(name: str) -> str:
    there = list(landmark_pages.rows(name, found()))
    mark = " ●" if any(row.beat for _, _, row in there) else ""
    only = "" if len(there) == len(GENERATIONS) else f" *{there[0][0].title} only.*"
    summary = linked(there[-1][2].summary, "", name)
    return f"- [`{name}`](landmarks/{name}.md){mark}: {summary}{only}"


def page(name: str) -> str:
    """What the page of a landmark should hold."""
    parts = [f"# `{name}`"]
    for generation, info, row in landmark_pages.rows(name, found()):
        assert info is not None
        parts += _of_generation(generation, info, row)
    rules = [rule for rule in all_rules() if name in _named_in(rule.why)]
    if rules:
        parts.append("## Rules that speak of it")
        parts.append("\n".join(f"- [{r.code}](../rules/{r.code}.md): {r.title}" for r in rules))
    parts.append(f"[All landmarks](../landmarks.md). This page is {MADE}.")
    return "\n\n".join(parts) + "\n"


def _named_in(text: str) -> set[str]:
    words = (match[0].strip("`") for match in _WORD.finditer(text))
    return {_words().get(word, "") for word in words}


def _of_generation(generation: Generation, info: KerasInfo, row: Landmark) -> Iterator[str]:
    kept = recording.recorded()[generation.name]["landmarks"].get(row.name, {})
    yield f"## {generation.title}"
    yield linked(row.summary, "landmarks", row.name)
    if kept.get("file"):
        yield f"`{kept['file']}`, line {kept['line']} of {info.package} {info.version}:"
        yield f"```python\n{kept['head']}\n```"
    facts = landmark_pages.facts(generation, row)
    yield "\n".join(f"- {label}: {linked(text, 'landmarks', row.name)}" for label, text in facts)
    if "call" in kept:
        yield f"A call of it, in `{kept['program']}.py`; its line has the mark:"
        yield f"```text\n{kept['call']}\n```"
    elif row.only_failing:
        yield "It is recorded only where an exception comes out of it."
