"""`buildtrace explain LANDMARK`: what a function of Keras does for a build, in each generation."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli import landmarks
from buildtrace.errors import UsageError
from buildtrace.generations import BEATS, GENERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.generations import Generation, Landmark
    from buildtrace.renderers.text.lines import Line
    from buildtrace.traces.schema import KerasInfo

LABEL = len("in Keras 2  ")


class Page(NamedTuple):
    """A landmark, whichever generations have it.

    Attributes:
        name: the landmark's name.
        asked: the name that was asked for; another one for a class's own definition of it.
    """

    name: str
    asked: str


def pages(name: str) -> list[Page]:
    """The landmarks that a name stands for: of its own, of a method, of a class's own definition.

    Raises:
        UsageError: there are none; the text says which are nearly so called.
    """
    table = [row for generation in GENERATIONS for row in generation.landmarks]
    method = name.rpartition(".")[2]
    found = (
        [row for row in table if row.name.lower() == name.lower()]
        or [row for row in table if _method(row) == name]
        or list(_of_class(name.rpartition(".")[0], method, table))
    )
    exact = any(row.name.lower() == name.lower() or _method(row) == name for row in found)
    if not found or not (exact or all(row.family or row.scope for row in _first(found))):
        raise UsageError(f"explain: {_unknown(name, table)} (see `buildtrace landmarks`)")
    return [Page(row_name, row_name if exact else name) for row_name in _names(found)]


def _method(row: Landmark) -> str:
    return row.name.rpartition(".")[2]


def _of_class(name: str, method: str, rows: Sequence[Landmark]) -> Iterator[Landmark]:
    """The landmarks that a class of this name may define for itself: an optimizer, or a layer."""
    if not name:
        return
    alike = [row for row in rows if _method(row) == method]
    beside = [row for row in alike if row.step == "compile" and _has_module_beside(row, name)]
    yield from beside or (row for row in alike if row.step != "compile")


def _has_module_beside(row: Landmark, name: str) -> bool:
    """Whether an installed Keras has a module of the class's name where the landmark's is."""
    sources = [
        landmarks.source_of(row, info)
        for generation, info in landmarks.of_all()
        if row in generation.landmarks
    ]
    return any(source and (source[0].parent / f"{name.lower()}.py").exists() for source in sources)


def _names(rows: Sequence[Landmark]) -> list[str]:
    return list(dict.fromkeys(row.name for row in rows))


def _first(rows: Sequence[Landmark]) -> Iterator[Landmark]:
    """One row of each name: a family in one generation is one in both."""
    for name in _names(rows):
        same = [row for row in rows if row.name == name]
        yield next((row for row in same if row.family or row.scope), same[0])


def _unknown(name: str, rows: Sequence[Landmark]) -> str:
    from buildtrace.traces import wording

    text = f"no rule and no landmark is called {wording.quoted(name)}"
    names = {word.lower(): row.name for row in rows for word in (row.name, _method(row))}
    near = dict.fromkeys(names[word] for word in difflib.get_close_matches(name.lower(), names))
    return f"{text}; did you mean {' or '.join(near)}?" if near else text


# -- in the terminal ----------------------------------------------------------------------------


def lines(page: Page, width: int) -> Iterator[Line]:
    """The page: a part for each generation that has the landmark."""
    from buildtrace.renderers.text import styles
    from buildtrace.renderers.text.lines import Part, wrapped

    yield [Part(page.name, styles.NAME)]
    if page.asked != page.name:
        text = f"{page.asked} is a definition of this method in a class of its own."
        yield from wrapped(text, width, [], [], styles.NOTE)
    for generation, info, row in rows(page.name):
        yield []
        where = landmarks.location(row, info)
        yield [Part(generation.title, styles.HEADING), Part("  "), where]
        yield from wrapped(row.summary, width, [Part("  ")], [Part("  ")])
        for label, text in facts(generation, row):
            first = [Part(f"  {label:{LABEL}}", styles.QUIET)]
            style = styles.SWALLOWED if label == ARTICLE else ""
            yield from wrapped(text, width, first, [Part(" " * (LABEL + 2))], style)


ARTICLE = "article"


def rows(
    name: str, found: Sequence[tuple[Generation, KerasInfo | None]] | None = None
) -> Iterator[tuple[Generation, KerasInfo | None, Landmark]]:
    """The landmark in each generation: as this version of it has it, or else the newest.

    Args:
        name: the landmark's name.
        found: the generations, each with a Keras of it; `None` for those that are installed.
    """
    for generation, info in landmarks.of_all() if found is None else found:
        there = generation.landmarks_of(info.version) if info else []
        named = [row for row in there if row.name == name]
        named = named or [row for row in generation.landmarks if row.name == name]
        for row in named[-1:]:
            yield generation, info, row


def facts(generation: Generation, row: Landmark) -> Iterator[tuple[str, str]]:
    """What there is to say of it, beside what it does: labels and texts."""
    yield "step", landmarks.STEPS[row.step]
    if row.role:
        yield "role", row.role
    if row.beat:
        yield "beat", BEATS[row.beat]
    if versions := _versions(row):
        yield "versions", versions
    if row.article:
        yield ARTICLE, row.article
    for other in GENERATIONS:
        if other is not generation:
            yield f"in {other.title}", _counterpart(other, row)


def _versions(row: Landmark) -> str:
    since = f"since {row.since}" if row.since else ""
    until = f"before {row.until}" if row.until else ""
    return ", ".join(filter(None, (since, until)))


def _counterpart(other: Generation, row: Landmark) -> str:
    from buildtrace.traces import wording

    names = _names([each for each in other.landmarks if row.role and each.role == row.role])
    same = wording.listed(names)
    return ". ".join(filter(None, (same, row.unpaired))) or "nothing does the same"


# -- for documentation --------------------------------------------------------------------------


def markdown(page: Page) -> str:
    """The page as Markdown."""
    parts = [f"## {page.name}\n"]
    for generation, info, row in rows(page.name):
        where = landmarks.location(row, info).text
        said = "\n".join(f"- {label}: {text}" for label, text in facts(generation, row))
        parts.append(f"### {generation.title}\n\n`{where}`\n\n{row.summary}\n\n{said}\n")
    return "\n".join(parts)
