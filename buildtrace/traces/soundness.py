"""Whether a trace that comes from a file fits together: each id in it is that of something.

Which fields are ids, and of what, is told by their types in `buildtrace.traces.schema`: a new field
of such a type is checked without a line here. All other modules rely on it.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import inspect

from buildtrace.traces.schema import LARGEST
from buildtrace.traces.totals import totals
from buildtrace.traces.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class _FieldStep(NamedTuple):
    """From a struct to what is in a field of it.

    Attributes:
        name: the attribute.
        key: what it is called in the file.
        many: whether it is a list, so that the step leads to all that is in it.
    """

    name: str
    key: str
    many: bool


_Path = tuple[_FieldStep, ...]

_ID = _FieldStep("id", "id", many=False)

_id_of = attrgetter("id")


class _Mark(NamedTuple):
    """Numbers whose type says more than that they are numbers, and what it says."""

    path: _Path
    says: dict[str, Any]


class _List(NamedTuple):
    """A list of things with ids, and the numbers that refer to these.

    Attributes:
        owners: the way from the trace to the structs that have such a list.
        step: from there to the things.
        in_place: whether a thing's id is to be its place in the list.
        references: the numbers, as seen from the owner.
    """

    owners: _Path
    step: _FieldStep
    in_place: bool
    references: list[_Mark]


def fault_of(trace: Trace) -> str | None:
    """What does not fit, and where, as a clause; `None` if the trace is sound."""
    faults = chain.from_iterable(_faults(trace, listed) for listed in _lists())
    return next(chain(faults, _too_many_parameters(trace), _reversed_edits(trace)), None)


def _faults(trace: Trace, listed: _List) -> Iterator[str]:
    """Looks at whole columns of numbers at once, which is fast; where it was is looked up then."""
    for number, owner in enumerate(_column([trace], listed.owners)):
        things = getattr(owner, listed.step.name)
        ids = list(map(_id_of, things))
        if listed.in_place and ids != list(range(len(ids))):
            yield _misplaced(trace, listed, number)
        for reference in listed.references:
            if reference.says.get("earlier"):
                fits = _are_earlier(_column([owner], reference.path[:-1]), reference.path[-1])
            else:
                fits = set(ids).issuperset(_column([owner], reference.path))
            if not fits:
                yield _dangling(trace, listed, number, reference)


def _column(structs: Sequence[Any], path: _Path) -> list[Any]:
    """What the path leads to from these structs, but for what is `None`."""
    found = list(structs)
    for step in path:
        inner = map(attrgetter(step.name), found)
        flat = chain.from_iterable(inner) if step.many else inner
        found = [value for value in flat if value is not None]
    return found


def _are_earlier(holders: list[Any], step: _FieldStep) -> bool:
    """Whether all of these things refer to one before themselves, or to none."""
    numbers = map(attrgetter(step.name), holders)
    return all(
        number is None or number < own
        for number, own in zip(numbers, map(_id_of, holders), strict=True)
    )


# -- what is said -----------------------------------------------------------------------------


def _misplaced(trace: Trace, listed: _List, number: int) -> str:
    where, owner = _located(trace, listed.owners)[number]
    things = _located(owner, (listed.step,), where)
    place, (where, thing) = next((n, t) for n, t in enumerate(things) if t[1].id != n)
    return f"expected the id {place}, its place, got {thing.id} - at `{where}.id`"


def _dangling(trace: Trace, listed: _List, number: int, reference: _Mark) -> str:
    where, owner = _located(trace, listed.owners)[number]
    known = set(map(_id_of, getattr(owner, listed.step.name)))
    *way, last = reference.path
    earlier = reference.says.get("earlier")
    wrong = (
        (at, value, f" before {holder.id}" if earlier else "")
        for outer, holder in _located(owner, tuple(way), where)
        for at, value in _located(holder, (last,), outer)
        if value not in known or (earlier and value >= holder.id)
    )
    where, value, before = next(wrong)
    return f"expected an id in `{listed.step.key}`{before}, got {value} - at `{where}`"


def _too_many_parameters(trace: Trace) -> Iterator[str]:
    if totals(trace.weights).parameters > LARGEST:
        yield f"expected at most {LARGEST} parameters - at `$.weights`"
    if sum(variable.size for variable in trace.variables) > LARGEST:
        yield f"expected at most {LARGEST} numbers - at `$.variables`"


def _reversed_edits(trace: Trace) -> Iterator[str]:
    for n, finding in enumerate(trace.findings):
        for m, edit in enumerate(finding.edits):
            if (edit.end_line, edit.end_column) < (edit.line, edit.column):
                yield f"expected an end behind the beginning - at `$.findings[{n}].edits[{m}]`"


def _located(struct: Any, path: _Path, where: str = "$") -> list[tuple[str, Any]]:
    """What the path leads to from a struct, each with where that is in the file."""
    found = [(where, struct)]
    for step in path:
        inner = [(f"{where}.{step.key}", getattr(value, step.name)) for where, value in found]
        if step.many:
            inner = [(f"{at}[{n}]", v) for at, values in inner for n, v in enumerate(values)]
        found = [(at, value) for at, value in inner if value is not None]
    return found


# -- what the types say -----------------------------------------------------------------------


@cache
def _lists() -> list[_List]:
    """All lists of things that something refers to, or whose ids are their places."""
    lists = []
    for owners, struct in _structs(inspect.type_info(Trace)):
        marks = list(_marks(struct))
        for field in struct.fields:
            step = _step(field)
            in_place = _Mark((step, _ID), {"is_place": True}) in marks
            references = [mark for mark in marks if mark.says.get("refers_to") == step.name]
            if in_place or (references and _has_structs(field)):
                lists.append(_List(owners, step, in_place, references))
    return lists


def _has_structs(field: inspect.Field) -> bool:
    return any(isinstance(inner, inspect.StructType) for inner in _inside(field.type))


def _structs(kind: inspect.Type, path: _Path = ()) -> Iterator[tuple[_Path, inspect.StructType]]:
    """Each class of struct that is in a trace, with the way there."""
    for inner in _inside(kind):
        if isinstance(inner, inspect.StructType):
            yield path, inner
            for field in inner.fields:
                yield from _structs(field.type, (*path, _step(field)))


def _marks(kind: inspect.Type, path: _Path = ()) -> Iterator[_Mark]:
    """The numbers in a struct, at any depth, whose type says more."""
    for inner in _inside(kind):
        if isinstance(inner, inspect.Metadata) and inner.extra:
            yield _Mark(path, inner.extra)
        if isinstance(inner, inspect.StructType):
            for field in inner.fields:
                yield from _marks(field.type, (*path, _step(field)))


def _step(field: inspect.Field) -> _FieldStep:
    many = any(isinstance(inner, inspect.VarTupleType) for inner in _inside(field.type))
    return _FieldStep(field.name, field.encode_name, many)


def _inside(kind: inspect.Type) -> Iterator[inspect.Type]:
    """A type, and those that it is put together of, but for the fields of structs."""
    yield kind
    if isinstance(kind, inspect.UnionType):
        for inner in kind.types:
            yield from _inside(inner)
    elif isinstance(kind, inspect.VarTupleType):
        yield from _inside(kind.item_type)
