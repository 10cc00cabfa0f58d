"""The reference of the library: `docs/api/`, made of signatures and docstrings.

griffe reads the source; nothing is imported for it. What is public is what `__all__` has, and in a
class what begins with no underscore.
"""

from __future__ import annotations

import ast
import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import griffe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MADE = "made by `python tests/docs_pages`"
WIDEST = 88
"""A signature that is longer has a line for each argument."""

DATA = "buildtrace.traces.schema"
HEADS = {
    "library.md": (
        "The library's functions",
        "What `import buildtrace` gives. [The library](../library.md) shows how it is used.",
    ),
    "data.md": (
        "The data of a trace",
        "The classes of what a trace holds: `trace.calls` is a list of [`Call`](#call), "
        "`trace.weights` of [`Weight`](#weight). They are plain data, and their fields are the "
        "keys of [the trace file](../trace-file.md).",
    ),
    "testing.md": (
        "buildtrace.testing",
        "[In tests](../tests.md) shows how the assertions are used.",
    ),
    "errors.md": ("Errors", "All that buildtrace raises on purpose is a `BuildtraceError`."),
}


INSIDE = {"index"}
"""What has a public name for other modules of the package, not for users."""


class Section(NamedTuple):
    """A part of a page: a name that is public, and its text below the heading."""

    name: str
    text: str


def files(docs: Path) -> Iterator[tuple[Path, str]]:
    """The files, and what they should hold."""
    reference = Reference(docs.parent)
    for name, sections in reference.pages().items():
        title, about = HEADS[name]
        parts = [f"# {title}", f"{about} This page is {MADE}."]
        for section in sections:
            parts += [f"## `{section.name}`", section.text]
        yield docs / "api" / name, "\n\n".join(parts) + "\n"


class Reference:
    """What the pages say."""

    def __init__(self, root: Path) -> None:
        self.package = griffe.load("buildtrace", search_paths=[root], docstring_parser="google")

    def pages(self) -> dict[str, Iterable[Section]]:
        """The sections of each page."""
        testing = self.package["testing"]
        return {
            "library.md": [self._section(self._public(name)) for name in self._names()],
            "data.md": [*map(self._section, self.classes.values()), *self._words()],
            "testing.md": [self._section(testing[name].final_target) for name in testing.exports],
            "errors.md": map(self._section, self.package["errors"].classes.values()),
        }

    def _names(self) -> list[str]:
        return [name for name in self.package.exports if not name.startswith("_")]

    def _public(self, name: str) -> griffe.Object:
        """What a public name stands for: it is imported when it is used."""
        place = self.package[name]
        return place.final_target if place.is_alias else place

    @cached_property
    def classes(self) -> dict[str, griffe.Class]:
        """The classes of plain data, in the order of the source."""
        found = self.package[DATA.removeprefix("buildtrace.")].classes
        return {n: each for n, each in found.items() if n != "PlainData" and not each.is_alias}

    @cached_property
    def _integers(self) -> dict[str, str]:
        """The names of numbers with bounds, which are numbers to a reader."""
        values = self.package["traces.schema"].attributes
        return {n: "int" for n, v in values.items() if str(v.value).startswith("Annotated[int")}

    @cached_property
    def _literals(self) -> dict[str, griffe.Attribute]:
        """The names of what a field can be, if that is one of some words, or a shape."""
        values = self.package["traces.schema"].attributes
        return {
            n: v for n, v in values.items() if str(v.value).startswith("Literal[") or n == "Shape"
        }

    def _words(self) -> Iterator[Section]:
        for name, value in self._literals.items():
            text = str(value.value)
            words = ast.literal_eval(text.removeprefix("Literal")) if "Literal" in text else ()
            said = value.docstring.value if value.docstring else ""
            listed = ", ".join(f"`{word}`" if word else '""' for word in words)
            yield Section(name, "\n\n".join(filter(None, (said, listed and f"One of {listed}."))))

    def _section(self, thing: griffe.Object) -> Section:
        parts = [self._class(thing)] if thing.is_class else [self._function(thing)]
        return Section(thing.name, "\n\n".join(parts))

    def _class(self, thing: griffe.Class) -> str:
        told = self._told(thing, "attributes")
        parts = [told.text]
        fields = [f for f in thing.attributes.values() if _is_shown(f) and not _is_asked(f)]
        if fields:
            parts.append("\n".join(self._field(field, told.each) for field in fields))
        asked = [f for f in thing.members.values() if _is_shown(f) and _is_asked(f)]
        parts += [f"### `{each.name}`\n\n{self._function(each)}" for each in asked]
        return "\n\n".join(filter(None, parts))

    def _field(self, field: griffe.Attribute, told: dict[str, str]) -> str:
        text = told.get(field.name, "")
        return f"- `{field.name}`, {self._type(str(field.annotation))}" + (f": {text}" * bool(text))

    def _function(self, thing: griffe.Object) -> str:
        told = self._told(thing, "parameters")
        parts = [f"```python\n{_signature(thing)}\n```" if thing.is_function else ""]
        if _is_property(thing):
            given = thing.returns if thing.is_function else thing.annotation
            parts = [f"A property: {self._type(str(given))}."]
        parts.append(told.text)
        if told.each:
            parts.append("\n".join(f"- `{name}`: {text}" for name, text in told.each.items()))
        parts += told.more
        return "\n\n".join(filter(None, parts))

    def _told(self, thing: griffe.Object, each: str) -> _Told:
        """What the docstring says."""
        texts, named, more = [], {}, []
        for part in thing.docstring.parsed if thing.docstring else ():
            if part.kind.value == "text":
                texts.append(_blocks(part.value))
            elif part.kind.value == each:
                named = {one.name.strip("*"): _line(one.description) for one in part.value}
            elif part.kind.value in ("returns", "yields"):
                more += [f"Returns: {_line(one.description)}" for one in part.value]
            elif part.kind.value == "raises":
                raised = [f"- `{one.annotation}`: {_line(one.description)}" for one in part.value]
                more.append("Raises:\n\n" + "\n".join(raised))
        return _Told("\n\n".join(texts), named, more)

    def _type(self, text: str) -> str:
        """A type in words, with links to the classes in it."""
        if text.endswith(" | None"):
            return f"{self._type(text.removesuffix(' | None'))} or `None`"
        if inner := re.fullmatch(r"(tuple|list|Iterator)\[([^,]*)(?:, \.\.\.)?\]", text):
            return f"{inner[1].lower()} of {self._type(inner[2])}"
        if inner := re.fullmatch(r"dict\[([^,\[]*), (.*)\]", text):
            return f"dict from {self._type(inner[1])} to {self._type(inner[2])}"
        text = re.sub(r"\w+", lambda word: self._integers.get(word[0], word[0]), text)
        known = text in self.classes or text in self._literals
        return f"[`{text}`](data.md#{text.lower()})" if known else f"`{text}`"


class _Told(NamedTuple):
    """What a docstring says: in general, of each argument or field, and of what comes of it."""

    text: str
    each: dict[str, str]
    more: list[str]


def _is_property(thing: griffe.Object) -> bool:
    made = [str(one.value) for one in getattr(thing, "decorators", ())]
    return thing.is_attribute or any(name.endswith("cached_property") for name in made)


def _is_shown(thing: griffe.Object) -> bool:
    return not (thing.name.startswith("_") or thing.is_alias or thing.name in INSIDE)


def _is_asked(thing: griffe.Object) -> bool:
    """Whether it is a method or a property, not a field."""
    return thing.is_function or "property" in thing.labels


def _signature(thing: griffe.Function) -> str:
    given: list[str] = []
    starred = False
    for one in thing.parameters:
        kind = one.kind.value if one.kind else ""
        if one.name in ("self", "cls"):
            continue
        if kind == "keyword-only" and not starred:
            given.append("*")
        starred = starred or kind in ("keyword-only", "variadic positional")
        mark = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        default = "" if mark or one.default is None else f" = {one.default}"
        given.append(f"{mark}{one.name}" + (f": {one.annotation}" * bool(one.annotation)) + default)
    end = f" -> {thing.returns}" if thing.returns else ""
    line = f"{thing.name}({', '.join(given)}){end}"
    if len(line) <= WIDEST:
        return line
    return "\n".join([f"{thing.name}(", *(f"    {each}," for each in given), f"){end}"])


def _line(text: str) -> str:
    return " ".join(text.split())


def _blocks(text: str) -> str:
    """A docstring's text as Markdown: what is laid out in it stays as it is."""
    parts = re.split(r"\n{2,}", text)
    return "\n\n".join(
        f"```text\n{p}\n```" if re.search(r"\S {3,}\S|[├└]", p) else p for p in parts
    )
