"""The call tree as nested `<details>`, which fold without a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers.notebook import colored
from buildtrace.renderers.terminal import summary
from buildtrace.renderers.terminal.tree import Tree
from buildtrace.renderers.text import styles
from buildtrace.renderers.text.lines import Part
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers import Options
    from buildtrace.traces.schema import Call, SourceLine
    from buildtrace.traces.trace import Trace

FEW = 60
"""A tree of so many calls is open at first."""

OPEN = 2
"""Of a bigger one so many levels are, and all that lead to a failed call."""

INDENT = "margin-left:1.4em"


def render(trace: Trace, options: Options) -> str:
    """The tree, or a saved file's layers, with what stands above and below, as a piece of a page.

    Raises:
        UsageError: the trace has no model of the name asked for.
    """
    if trace.saved:  # there are layers and no calls: few enough, and no need to fold
        return colored.views(trace, options._replace(views=("tree",)))
    tree = Tree(trace, options, colored.WIDTH)
    return f'<div style="{colored.MONOSPACE}">{"".join(_pieces(tree, trace, options))}</div>'


def _pieces(tree: Tree, whole: Trace, options: Options) -> Iterator[str]:
    trace = tree.trace
    for line in summary.header(trace, colored.WIDTH):
        yield f"<div>{colored.line(line)}</div>"
    caller: SourceLine | None = None
    for number, root in enumerate(tree.shown.roots):
        if root.caller and (number == 0 or root.caller != caller):
            yield f'<div style="margin-top:0.8em">{colored.line(tree.caller(root.caller))}</div>'
        caller = root.caller
        yield from _branch(tree, root)
    if trace.calls:
        yield f'<div style="margin-top:0.8em">{colored.line(summary.totals_line(trace))}</div>'
        for line in summary.held_lines(trace):
            yield f"<div>{colored.line(line)}</div>"
    for line in summary.folded(trace, tree.shown, colored.WIDTH):
        yield f"<div>{colored.line(line)}</div>"
    if lines := colored.ending(whole, options):
        yield colored.block(lines)


def _branch(tree: Tree, root: Call) -> Iterator[str]:
    """A root with all inside it. Not recursive: a chain of calls may be very deep."""
    stack: list[tuple[Call | str, Call | None, int]] = [(root, None, 0)]
    all_open = len(tree.shown.calls) <= FEW
    while stack:
        item, parent, level = stack.pop()
        if isinstance(item, str):
            yield item
            continue
        after = [_note(line) for line in tree.hidden_after(item, 0)]
        children = tree.shown.children(item)
        said = colored.line(_said(tree, item, parent))
        if not children:
            yield f'<div style="{INDENT}">{said}</div>{"".join(after)}'
            continue
        unfolded = " open" if all_open or level < OPEN or item.id in tree.facts.failing else ""
        yield f'<details style="{INDENT}"{unfolded}><summary>{said}</summary>'
        stack.append(("</details>" + "".join(after), None, level))
        stack += [(child, item, level + 1) for child in reversed(children)]


def _said(tree: Tree, call: Call, parent: Call | None) -> list[Part]:
    said = tree.name(call)
    for detail in tree.details(call, parent):
        said += [Part(" " * detail.gap), detail.part]
    return [*said, Part(f"  {wording.duration(call.duration_ns)}", styles.QUIET)]


def _note(line: list[Part]) -> str:
    return f'<div style="{INDENT}">{colored.line(line)}</div>'
