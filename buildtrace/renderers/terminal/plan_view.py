"""A plan in the terminal: what a build takes, by block and by device, and whether it fits."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from buildtrace.planning import placements
from buildtrace.planning.amounts import alike
from buildtrace.renderers.text import styles
from buildtrace.renderers.text.lines import Line, Part, wrapped
from buildtrace.renderers.text.tables import Column, table
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.planning.planned import (
        Activations,
        Compiled,
        MemoryFit,
        Plan,
        PlannedBlock,
        PlannedVariable,
    )
    from buildtrace.renderers.text.tables import Row
    from buildtrace.traces.schema import SourceLine

MOST_BLOCKS = 24
"""So many blocks are listed; of more, the heaviest."""

MOST_VARIABLES = 8
"""So many variables of one kind are listed one by one."""

MOST_NAMES = 6
"""So many names are listed of what is alike."""

MOST_FINDINGS = 2
"""So many findings of one rule are told."""

_DIGITS = "0123456789"


def lines(plan: Plan, width: int, full: bool) -> Iterator[Line]:
    """All lines of the view.

    Args:
        plan: what to show.
        width: of the terminal.
        full: leave nothing out.
    """
    parts = (
        _heading(plan),
        _stop(plan, width),
        _totals(plan, width),
        _fit(plan.fit, width),
        _blocks(plan, width, full),
        _dtypes(plan, width),
        _mesh(plan, width, full),
        _indivisible(plan, width, full),
        _replicated(plan, width, full),
        _compiled(plan.compiled, width),
        _flops(plan, width, full),
        _findings(plan, width, full),
        _notes(plan, width),
    )
    is_first = True
    for part in parts:
        made = list(part)
        if made and not is_first:
            yield []
        is_first = is_first and not made
        yield from made


# -- in all -----------------------------------------------------------------------------------


def _heading(plan: Plan) -> Iterator[Line]:
    names = [wording.layer_title(model.model) for model in plan.models]
    amount = plan.amount
    yield [Part(wording.listed(names, 4) or wording.sanitize(plan.target), styles.HEADING)]
    if not amount.weights:
        yield [Part("No weight was made: there is nothing to plan.")]
        return
    trained = "all trained"
    if amount.trainable < amount.parameters:
        trained = f"{amount.trainable:,} of them trained"
    yield [
        Part(wording.count(amount.parameters, "parameter"), styles.NAME),
        Part(f" in {wording.count(amount.weights, 'weight')}, {trained}"),
    ]


def _totals(plan: Plan, width: int) -> Iterator[Line]:
    """What each purpose takes, of all and of a device."""
    if not plan.amount.weights:
        return
    memory, device = plan.amount.memory, plan.amount.on_device
    rows = [
        ("weights", memory.weights, device.weights),
        ("gradients", memory.gradients, device.gradients),
    ]
    if plan.optimizer:
        rows.append((plan.optimizer, memory.optimizer, device.optimizer))
    rows.append(("together", memory.total, device.total))
    if plan.activations is not None and plan.activations.outputs:
        batch = f"outputs of layers, batch {plan.activations.batch:,}"
        rows.append((batch, plan.activations.size, plan.activations.on_device))
    columns = [Column(""), Column("in all", right=True)]
    if plan.mesh is not None:
        columns.append(Column(f"each of {plan.mesh.devices:,} devices", right=True))
    made = [
        [[Part(f"  {name}")], [Part(_fine(whole))], [Part(_fine(part), styles.NAME)]][
            : len(columns)
        ]
        for name, whole, part in rows
    ]
    yield from table(columns, made, width)
    if plan.activations is not None:
        yield from _of_activations(plan.activations, width)
    if not plan.optimizer:
        yield from _paragraph(
            "  What an optimizer keeps is not known: --optimizer adam", width, styles.QUIET
        )
    for held in plan.devices if plan.mesh is None else ():
        yield [Part(f"  {', '.join(held.names)}: {_fine(held.memory.total)}")]


def _of_activations(activations: Activations, width: int) -> Iterator[Line]:
    """What is to be known of the outputs of layers."""
    if activations.outputs:
        yield from _paragraph(
            "  The outputs of layers are a lower bound of what activations take, and no peak.",
            width,
            styles.QUIET,
        )
    if activations.unknown:
        reasons: dict[str, list[str]] = {}
        for one in activations.unknown:
            reasons.setdefault(one.reason, []).append(wording.sanitize(one.name))
        for reason, names in reasons.items():
            listed = wording.listed(dict.fromkeys(names), 3)
            text = f"  outputs that are not counted ({reason}): {listed}"
            yield from _paragraph(text, width, styles.SWALLOWED)


def _fit(fit: MemoryFit | None, width: int) -> Iterator[Line]:
    if fit is None:
        return
    spare = fit.available - fit.needed
    said = f"{_fine(abs(spare))} {'to spare' if fit.fits else 'too much'}"
    head = "fits" if fit.fits else "does not fit"
    style = styles.CHANGE if fit.fits else styles.ERROR
    text = (
        f"into {_fine(fit.available)} of a device: {wording.listed(fit.counted)} take "
        f"{_fine(fit.needed)}, {said}"
    )
    first: Line = [Part(head, style), Part(" ")]
    yield from wrapped(text, width, first, [Part("  ")])


def _fine(number: int) -> str:
    return wording.size_in_memory(number, fine=True)


# -- by block and dtype -----------------------------------------------------------------------


def _blocks(plan: Plan, width: int, full: bool) -> Iterator[Line]:
    """A row for each block; of many, for the heaviest in the order of the build."""
    if len(plan.blocks) < 2:
        return
    shown = list(plan.blocks)
    if not full and len(shown) > MOST_BLOCKS:
        heaviest = sorted(shown, key=lambda block: -block.amount.memory.total)[:MOST_BLOCKS]
        kept = {block.id for block in heaviest}
        shown = [block for block in shown if block.id in kept]
    columns = [
        Column("block", least=26),
        Column("class", least=16, rank=4),
        Column("", right=True),
        Column("parameters", right=True, rank=3),
        Column("weights", right=True),
    ]
    if plan.mesh is not None:
        columns += [Column("a device", right=True), Column("of it", right=True, rank=1)]
    yield from table(columns, [_block_row(plan, block, len(columns)) for block in shown], width)
    left = [block for block in plan.blocks if block not in shown]
    if left:
        size = sum(block.amount.memory.weights for block in left)
        number = wording.count(len(left), "smaller block")
        yield [Part(f"… {number}, {wording.size_in_memory(size)} (--full)", styles.NOTE)]


def _block_row(plan: Plan, block: PlannedBlock, columns: int) -> Row:
    amount = block.amount
    share = amount.on_device.weights / max(plan.amount.on_device.weights, 1)
    row: Row = [
        [Part(_block_name(block))],
        [Part(_block_classes(block), styles.QUIET)],
        [Part(f"{block.repeats}×" if block.repeats > 1 else "")],  # noqa: RUF001
        [Part(f"{amount.parameters:,}")],
        [Part(wording.size_in_memory(amount.memory.weights))],
        [Part(wording.size_in_memory(amount.on_device.weights), styles.NAME)],
        [Part(f"{share:.0%}")],
    ]
    return row[:columns]


def _block_name(block: PlannedBlock) -> str:
    first = wording.sanitize(block.layers[0].name)
    last = wording.sanitize(block.last.name)
    if first == last:
        return first
    stem = first.rstrip(_DIGITS)
    numbered = stem == last.rstrip(_DIGITS) != first
    return f"{first}…{last.removeprefix(stem)}" if numbered else f"{first} … {last}"


def _block_classes(block: PlannedBlock) -> str:
    classes = [wording.sanitize(layer.class_name) for layer in block.layers]
    return ", ".join(dict.fromkeys(classes))


def _dtypes(plan: Plan, width: int) -> Iterator[Line]:
    """What is of which dtype, where there is more than one."""
    if len(plan.dtypes) < 2:
        return
    parts = [
        f"{wording.sanitize(row.dtype)} {wording.size_in_memory(row.amount.memory.total)}"
        for row in plan.dtypes
    ]
    yield from wrapped(" · ".join(parts), width, [Part("by dtype: ", styles.QUIET)], [Part("  ")])


# -- devices ----------------------------------------------------------------------------------


def _mesh(plan: Plan, width: int, full: bool) -> Iterator[Line]:
    """The mesh, and what each entry of its layout map matched."""
    mesh = plan.mesh
    if mesh is None:
        return
    yield [
        Part(wording.sanitize(mesh.class_name), styles.HEADING),
        Part(f" over {placements.of_mesh(mesh)}, by {wording.sanitize(mesh.source)}"),
    ]
    if plan.devices and not plan.indivisible:
        yield [Part("  balance: each device holds the same", styles.QUIET)]
    columns = [
        Column("  pattern", least=20),
        Column("split along", least=8),
        Column("weights", right=True),
        Column("a device", right=True),
        Column("", rank=2),
    ]
    matched = [entry for entry in mesh.patterns if entry.variables or full]
    rows: list[Row] = [
        [
            [Part(f"  {wording.sanitize(entry.pattern)}")],
            [Part(placements.of_axes(entry.axes))],
            [Part(f"{entry.variables:,}", "" if entry.variables else styles.SWALLOWED)],
            [Part(wording.size_in_memory(entry.on_device) if entry.variables else "")],
            [Part(wording.line(entry.caller), styles.QUIET)],
        ]
        for entry in matched
    ]
    if rows:
        yield from table(columns, rows, width)
    for entry in mesh.patterns:
        if not (entry.variables or entry.others or plan.findings):
            yield from _told(
                f"nothing is matched by {wording.sanitize(entry.pattern)}", entry.caller, width
            )


def _indivisible(plan: Plan, width: int, full: bool) -> Iterator[Line]:
    """The dimensions that their parts do not divide, alike ones in a row."""
    if not plan.indivisible:
        return
    number = wording.count(len(plan.indivisible), "dimension")
    yield from wrapped(
        f"{number} cannot be divided: Keras will not place these weights. Above, they are rounded "
        "up.",
        width,
        [Part("✗ ", styles.ERROR)],
        [Part("  ")],
        styles.ERROR,
    )
    groups: dict[tuple[object, ...], list[PlannedVariable]] = {}
    for entry in plan.indivisible:
        variable = plan.variables[entry.variable]
        what = (variable.shape, entry.size, entry.mesh_axes, entry.parts)
        groups.setdefault(what, []).append(variable)
    for (_, size, axes, parts), variables in groups.items():
        along = "+".join(map(wording.sanitize, axes))  # type: ignore[call-overload]
        of = f" of {wording.count(len(variables), 'weight')}" if len(variables) > 1 else ""
        text = f"{size} into {parts} along {along}: {variables[0].shape}{of}"
        yield from wrapped(text, width, [Part("  ")], [Part("    ")])
        most = len(variables) if full else MOST_NAMES
        for variable in variables[:most]:
            yield [Part(f"    {wording.sanitize(variable.path)}", styles.QUIET)]
        if variables[most:]:
            yield [Part(f"    … {len(variables) - most:,} more (--full)", styles.NOTE)]


def _replicated(plan: Plan, width: int, full: bool) -> Iterator[Line]:
    """What each device has whole, heaviest first."""
    whole = [plan.variables[place] for place in plan.replicated]
    if not whole or plan.mesh is None or plan.mesh.devices < 2:
        return
    size = sum(variable.size for variable in whole)
    share = size / max(plan.amount.on_device.weights, 1)
    yield from wrapped(
        f"{wording.count(len(whole), 'weight')}, {wording.size_in_memory(size)}: {share:.0%} of "
        "the weights on a device",
        width,
        [Part("whole on each device: ", styles.HEADING)],
        [Part("  ")],
    )
    columns = [
        Column("", least=24, tail=True),
        Column("", right=True),
        Column("", least=6, rank=1),
        Column("", rank=2),
        Column("", right=True),
    ]
    groups = [[variable] for variable in whole] if full else alike(whole)
    rows: list[Row] = [
        [
            [Part(f"  {wording.sanitize(group[0].path)}")],
            [Part(f"{len(group):,}×" if len(group) > 1 else "")],  # noqa: RUF001
            [Part(wording.shape(group[0].shape), styles.QUIET)],
            [Part(wording.sanitize(group[0].dtype), styles.QUIET)],
            [Part(_fine(sum(variable.size for variable in group)), styles.NAME)],
        ]
        for group in groups[: None if full else MOST_VARIABLES]
    ]
    yield from list(table(columns, rows, width))[1:]
    if left := [] if full else groups[MOST_VARIABLES:]:
        number = sum(map(len, left))
        rest = wording.size_in_memory(sum(v.size for group in left for v in group))
        yield [Part(f"  … {number:,} more, {rest} (--full)", styles.NOTE)]


# -- what else is asked -----------------------------------------------------------------------


def _compiled(compiled: Compiled | None, width: int) -> Iterator[Line]:
    if compiled is None:
        return
    heading = [Part("XLA of the forward step: ", styles.HEADING)]
    if compiled.missing:
        yield from wrapped(compiled.missing, width, heading, [Part("  ")])
        return
    parts = [
        f"arguments {_fine(compiled.arguments)}",
        f"outputs {_fine(compiled.outputs)}",
        f"temporaries {_fine(compiled.temporaries)}",
    ]
    text = f"{', '.join(parts)}: its own figures for one device, compiled for {compiled.platform}"
    yield from wrapped(text, width, heading, [Part("  ")])


def _flops(plan: Plan, width: int, full: bool) -> Iterator[Line]:
    """Multiply-adds: the sum, by formula, and what is not in it."""
    flops = plan.flops
    if not flops.layers:
        return
    sums: dict[str, int] = {}
    for layer in flops.layers:
        sums[layer.formula] = sums.get(layer.formula, 0) + layer.multiply_adds
    yield [
        Part(f"{flops.multiply_adds:,} multiply-adds", styles.HEADING),
        Part(" in a forward pass on one sample"),
    ]
    for formula, number in sorted(sums.items(), key=lambda pair: -pair[1]):
        if not number:
            continue  # none by convention
        yield from wrapped(f"{number:,}  {formula}", width, [Part("  ")], [Part("    ")])
    if flops.not_counted:
        named = dict.fromkeys(wording.sanitize(layer.class_name) for layer in flops.not_counted)
        listed = wording.listed(named, None if full else MOST_NAMES)
        yield from _paragraph(f"  not counted, without a formula: {listed}", width, styles.QUIET)


def _stop(plan: Plan, width: int) -> Iterator[Line]:
    """Where the script was ended, and what the plan lacks for that."""
    stop = plan.stop
    if stop is None:
        return
    where = f" at {wording.line(stop.caller)}" if stop.caller else ""
    if stop.is_failure:
        text = f"the script failed{where}: {stop.what}. The plan is of what it had built by then"
        yield from wrapped(text, width, [Part("✗ ", styles.ERROR)], [Part("  ")])
    else:
        text = f"planned up to `{stop.what}`{where}, which needs values"
        yield from wrapped(text, width, [Part("· ", styles.QUIET)], [Part("  ")], styles.QUIET)
    for lack in stop.lacks:
        yield from wrapped(lack, width, [Part("! ", styles.SWALLOWED)], [Part("  ")])


def _findings(plan: Plan, width: int, full: bool) -> Iterator[Line]:
    """What the rules about devices say, of each rule the first few."""
    shown: Counter[str] = Counter()
    for finding in plan.findings:
        shown[finding.code] += 1
        if full or shown[finding.code] <= MOST_FINDINGS:
            where = f"{wording.line(finding.caller)}: " if finding.caller else ""
            first: Line = [Part(f"{finding.code} ", styles.SEVERITY[finding.severity])]
            yield from wrapped(f"{where}{finding.message}", width, first, [Part("  ")])
    for code, number in shown.items():
        if not full and number > MOST_FINDINGS:
            yield [Part(f"… {number - MOST_FINDINGS:,} more of {code} (--full)", styles.NOTE)]
    if shown:
        yield [Part(f"`buildtrace explain {' '.join(shown)}` says why.", styles.QUIET)]


def _notes(plan: Plan, width: int) -> Iterator[Line]:
    for note in plan.notes:
        yield from wrapped(note, width, [Part("! ", styles.SWALLOWED)], [Part("  ")])


def _told(text: str, caller: SourceLine | None, width: int) -> Iterator[Line]:
    where = f" ({wording.line(caller)})" if caller else ""
    yield from wrapped(f"{text}{where}", width, [Part("  ! ", styles.SWALLOWED)], [Part("    ")])


def _paragraph(text: str, width: int, style: str = "") -> Iterable[Line]:
    indent = text[: len(text) - len(text.lstrip())]
    return wrapped(text.strip(), width, [Part(indent)], [Part(indent)], style)
