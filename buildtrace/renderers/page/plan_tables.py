"""The tables of a plan's page: where the bytes go, by purpose, block, dtype and device."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.planning import placements
from buildtrace.planning.amounts import alike
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from buildtrace.planning.planned import (
        Activations,
        NotCounted,
        Plan,
        PlannedBlock,
        PlannedVariable,
    )

MOST_ROWS = 200
"""So many rows of a table are listed."""

MOST_ALIKE = 20
"""So many rows are listed of what each device has whole."""

MOST_NAMES = 8
"""So many names are listed of what is not counted."""


class Heading(NamedTuple):
    """The heading of a column.

    Attributes:
        title: its text.
        number: whether its cells are numbers.
        minor: whether a phone does without it.
    """

    title: str
    number: bool = False
    minor: bool = False


class TableRow(NamedTuple):
    """A row: its cells as text, and how many percent of the whole it is, if that is shown."""

    cells: tuple[str, ...]
    share: float | None = None


class PlanTable(NamedTuple):
    """A table of the page.

    Attributes:
        title: what stands above it.
        lead: a sentence below that; "" if there is nothing to say.
        headings: of the columns.
        rows: those that are shown.
        more: what is said of those that are not; "" if there are none.
        notes: sentences that stand below it.
        folded: whether it is closed at first.
    """

    title: str
    lead: str
    headings: tuple[Heading, ...] = ()
    rows: tuple[TableRow, ...] = ()
    more: str = ""
    notes: tuple[str, ...] = ()
    folded: bool = False

    @property
    def has_shares(self) -> bool:
        """Whether rows show how much of the whole they are."""
        return any(row.share is not None for row in self.rows)


def tables(plan: Plan) -> Iterator[PlanTable]:
    """All tables that there is something to say in, in the order of the page."""
    makers: Sequence[Callable[[Plan], Iterable[PlanTable]]] = (
        _purposes,
        _blocks,
        _replicated,
        _indivisible,
        _layout_map,
        _devices,
        _dtypes,
        _activations,
        _flops,
        _compiled,
        _weights,
    )
    for make in makers:
        yield from make(plan)


def _table(
    title: str,
    headings: Iterable[Heading],
    rows: Sequence[TableRow],
    *,
    lead: str = "",
    notes: Iterable[str] = (),
    folded: bool = False,
    most: int = MOST_ROWS,
) -> PlanTable:
    more = f"and {len(rows) - most:,} more" if len(rows) > most else ""
    shown = tuple(rows[:most])
    return PlanTable(title, lead, tuple(headings), shown, more, tuple(notes), folded)


def _fine(number: int) -> str:
    return wording.size_in_memory(number, fine=True)


def _share(part: int, whole: int) -> float:
    return round(100 * part / max(whole, 1), 3)


def _sized(first: Iterable[str], plan: Plan) -> list[Heading]:
    """Headings of what has bytes: in all, and on a device if there are any."""
    device = [Heading("on a device", number=True)] if plan.mesh else []
    return [*(Heading(title) for title in first), Heading("in all", number=True), *device]


def _sizes(plan: Plan, whole: int, on_device: int) -> list[str]:
    return [_fine(whole), _fine(on_device)] if plan.mesh else [_fine(whole)]


# -- what takes how much ----------------------------------------------------------------------


def _purposes(plan: Plan) -> Iterator[PlanTable]:
    memory, device = plan.amount.memory, plan.amount.on_device
    lines = [
        ("weights", memory.weights, device.weights),
        ("gradients", memory.gradients, device.gradients),
    ]
    if plan.optimizer:
        name = wording.sanitize(plan.optimizer)
        lines.append((f"what {name} keeps", memory.optimizer, device.optimizer))
    lines.append(("together", memory.total, device.total))
    rows = [
        TableRow(
            (name, *_sizes(plan, whole, on_device)),
            None if name == "together" else _share(on_device, device.total),
        )
        for name, whole, on_device in lines
    ]
    yield _table("What it takes", _sized(["for"], plan), rows)


def _blocks(plan: Plan) -> Iterator[PlanTable]:
    whole = plan.amount.on_device.weights
    rows = [
        TableRow(
            (
                _block_name(block),
                ", ".join(dict.fromkeys(wording.sanitize(x.class_name) for x in block.layers)),
                f"{block.amount.parameters:,}",
                *_sizes(plan, block.amount.memory.weights, block.amount.on_device.weights),
            ),
            _share(block.amount.on_device.weights, whole),
        )
        for block in plan.blocks
    ]
    headings = _sized(["block"], plan)
    headings[1:1] = [Heading("class", minor=True), Heading("parameters", number=True, minor=True)]
    if rows:
        yield _table("Weights by block", headings, rows)


def _block_name(block: PlannedBlock) -> str:
    ends = [wording.sanitize(layer.name) for layer in (block.layers[0], block.last)]
    name = " … ".join(dict.fromkeys(ends))
    times = f"{block.repeats:,}× " if block.repeats > 1 else ""  # noqa: RUF001
    return f"{times}{name}"


def _weights(plan: Plan) -> Iterator[PlanTable]:
    """All weights, those that take most of a device first."""
    ordered = sorted(plan.variables, key=lambda v: -v.on_device)
    rows = [
        TableRow(
            (
                wording.sanitize(variable.path),
                wording.shape(variable.shape),
                wording.sanitize(variable.dtype),
                placements.short(variable) if plan.mesh else _fine(variable.size),
            )
        )
        for variable in ordered
        if variable.kind == "weight"
    ]
    headings = [Heading("weight"), Heading("shape", minor=True), Heading("dtype", minor=True)]
    headings.append(Heading("on a device") if plan.mesh else Heading("in all", number=True))
    if rows:
        yield _table("Weights, the heaviest first", headings, rows, folded=True)


def _dtypes(plan: Plan) -> Iterator[PlanTable]:
    whole = plan.amount.on_device.total
    rows = [
        TableRow(
            (
                wording.sanitize(row.dtype),
                *_sizes(plan, row.amount.memory.total, row.amount.on_device.total),
            ),
            _share(row.amount.on_device.total, whole),
        )
        for row in plan.dtypes
    ]
    if rows:
        yield _table("By dtype", _sized(["dtype"], plan), rows)


# -- devices ----------------------------------------------------------------------------------


def _devices(plan: Plan) -> Iterator[PlanTable]:
    most = max((device.memory.total for device in plan.devices), default=0)
    rows = [
        TableRow(
            (
                wording.sanitize(" to ".join(device.names)),
                f"{device.number:,}",
                _fine(device.memory.weights),
                _fine(device.memory.total),
            ),
            _share(device.memory.total, most),
        )
        for device in plan.devices
    ]
    if not rows:
        return
    titles = ("devices", "number", "weights", "together")
    headings = [Heading(title, number=title != "devices") for title in titles]
    lead = "Each device holds the same." if len(rows) == 1 else "Bars: of the fullest device."
    yield _table("Balance", headings, rows, lead=lead)


def _replicated(plan: Plan) -> Iterator[PlanTable]:
    """What each device has whole, the heaviest first."""
    whole = [plan.variables[place] for place in plan.replicated]
    if not whole or plan.mesh is None or plan.mesh.devices < 2:
        return
    device = plan.amount.on_device.weights
    size = sum(variable.size for variable in whole)
    rows = [_alike_row(group, device) for group in alike(whole)]
    headings = [Heading("weight"), Heading("shape", minor=True), Heading("dtype", minor=True)]
    headings.append(Heading("size", number=True))
    number = wording.count(len(whole), "weight")
    lead = f"{number}, {_fine(size)}: {_share(size, device):.3g} % of the weights on a device."
    yield _table("Whole on each device", headings, rows, lead=lead, most=MOST_ALIKE)


def _alike_row(group: list[PlannedVariable], device: int) -> TableRow:
    first, last = group[0], group[-1]
    size = sum(variable.size for variable in group)
    ends = " … ".join(dict.fromkeys(wording.sanitize(v.path) for v in (first, last)))
    name = f"{len(group):,}× {ends}" if len(group) > 1 else ends  # noqa: RUF001
    shape, dtype = wording.shape(first.shape), wording.sanitize(first.dtype)
    return TableRow((name, shape, dtype, _fine(size)), _share(size, device))


def _indivisible(plan: Plan) -> Iterator[PlanTable]:
    rows = []
    for entry in plan.indivisible:
        variable = plan.variables[entry.variable]
        along = "+".join(map(wording.sanitize, entry.mesh_axes))
        cells = (wording.sanitize(variable.path), wording.shape(variable.shape))
        rows.append(TableRow((*cells, f"{entry.size:,}", f"{entry.parts:,}", along)))
    headings = [Heading("weight"), Heading("shape", minor=True), Heading("size", number=True)]
    headings += [Heading("into", number=True), Heading("along")]
    if rows:
        lead = "Keras will not place these weights. Elsewhere on this page they are rounded up."
        yield _table("Cannot be divided", headings, rows, lead=lead)


def _layout_map(plan: Plan) -> Iterator[PlanTable]:
    mesh = plan.mesh
    if mesh is None or not mesh.patterns:
        return
    rows = [
        TableRow(
            (
                wording.sanitize(entry.pattern),
                placements.of_axes(entry.axes),
                f"{entry.variables:,}" if entry.variables else "none",
                _fine(entry.on_device) if entry.variables else "",
                wording.line(entry.caller) if entry.caller else "",
            ),
            _share(entry.on_device, plan.amount.on_device.weights),
        )
        for entry in mesh.patterns
    ]
    headings = [Heading("pattern"), Heading("split along"), Heading("weights", number=True)]
    headings += [Heading("on a device", number=True), Heading("from", minor=True)]
    yield _table("Layout map", headings, rows)


# -- what else was asked ----------------------------------------------------------------------


def _activations(plan: Plan) -> Iterator[PlanTable]:
    found = plan.activations
    if found is None:
        return
    ordered = sorted(found.outputs, key=lambda output: -output.size)
    rows = [
        TableRow(
            (
                wording.sanitize(output.name),
                wording.sanitize(output.class_name),
                wording.shape(output.shape),
                f"{output.calls:,}",
                _fine(output.size),
            ),
            _share(output.size, found.size),
        )
        for output in ordered
    ]
    headings = [Heading("layer"), Heading("class", minor=True), Heading("shape", minor=True)]
    headings += [Heading("calls", number=True, minor=True), Heading("in all", number=True)]
    title = f"Lower bound of activations, for a batch of {found.batch:,}"
    lead = _bound(plan, found)
    notes = _left_out("of unknown size, not counted", found.unknown)
    yield _table(title, headings, rows, lead=lead, notes=notes, folded=True)


def _bound(plan: Plan, found: Activations) -> str:
    text = f"At least {_fine(found.size)} in all"
    if plan.mesh and found.on_device != found.size:
        text += f", {_fine(found.on_device)} on a device"
    return (
        f"{text}: the outputs of layers that a training step keeps unless it computes them again. "
        "This is no peak: what is inside of layers and between them is more."
    )


def _flops(plan: Plan) -> Iterator[PlanTable]:
    flops = plan.flops
    counted = [layer for layer in flops.layers if layer.multiply_adds]
    if not counted and not flops.not_counted:
        return
    ordered = sorted(counted, key=lambda layer: -layer.multiply_adds)
    rows = [
        TableRow(
            (
                wording.sanitize(layer.name),
                wording.sanitize(layer.class_name),
                wording.sanitize(layer.formula),
                f"{layer.calls:,}",
                f"{layer.multiply_adds:,}",
            ),
            _share(layer.multiply_adds, flops.multiply_adds),
        )
        for layer in ordered
    ]
    headings = [Heading("layer"), Heading("class", minor=True), Heading("formula", minor=True)]
    headings += [Heading("calls", number=True, minor=True), Heading("multiply-adds", number=True)]
    samples = wording.count(flops.batch, "sample")
    lead = (
        f"{flops.multiply_adds:,} in a forward pass of {samples}: products with kernels and of "
        "attention. By the usual convention nothing else counts: no bias, activation, "
        "normalization, pooling or look-up."
    )
    notes = _left_out("not counted", flops.not_counted)
    yield _table("Multiply-adds", headings, rows, lead=lead, notes=notes, folded=True)


def _left_out(what: str, left: Iterable[NotCounted]) -> Iterator[str]:
    """For each reason, the classes that are left out for it."""
    classes: dict[str, dict[str, int]] = {}
    for one in left:
        counts = classes.setdefault(one.reason, {})
        counts[one.class_name] = counts.get(one.class_name, 0) + 1
    for reason, counts in classes.items():
        names = [
            f"{wording.sanitize(name)}{f' ({number:,}×)' if number > 1 else ''}"  # noqa: RUF001
            for name, number in counts.items()
        ]
        because = "" if reason in what else f" ({wording.sanitize(reason)})"
        yield f"{what}{because}: {wording.listed(names, MOST_NAMES)}"


def _compiled(plan: Plan) -> Iterator[PlanTable]:
    compiled = plan.compiled
    if compiled is None:
        return
    if compiled.missing:
        lead = wording.sanitize_long(compiled.missing)
        yield _table("XLA's own figures of the forward step", (), (), lead=lead)
        return
    names = ("arguments", "outputs", "temporaries", "aliased", "code")
    rows = [TableRow((name, _fine(getattr(compiled, name)))) for name in names]
    lead = f"For one device, compiled for {wording.sanitize(compiled.platform)}."
    headings = [Heading(""), Heading("size", number=True)]
    yield _table("XLA's own figures of the forward step", headings, rows, lead=lead)
