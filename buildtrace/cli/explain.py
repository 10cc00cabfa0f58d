"""`buildtrace explain CODE`: the page of a rule, made of the rule itself; or that of a landmark."""

from __future__ import annotations

import difflib
import sys
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.cli.landmark_pages import Page
    from buildtrace.cli.parser import Parser
    from buildtrace.diagnosis import Rule
    from buildtrace.renderers.text.lines import Line

USAGE = """\
buildtrace explain
       buildtrace explain [OPTIONS] CODE|LANDMARK…
       buildtrace explain [OPTIONS] --all"""

IGNORING = {
    "on one line": "`# buildtrace: ignore[{code}]`",
    "in one run": "`buildtrace check --ignore {code} SCRIPT.py`",
    "in a project": '`ignore = ["{code}"]` under `[tool.buildtrace]` in `pyproject.toml`',
}
"""Where to ignore a rule → how."""

WIDEST = 100
"""Sentences in longer lines are hard to read."""


def main(arguments: Sequence[str]) -> int:
    """Show the rules and landmarks that the arguments name, or the table of all rules.

    Returns:
        The exit code.

    Raises:
        UsageError: there is no such rule, or no such landmark.
    """
    given = build_parser().parse_args(arguments)
    from buildtrace.cli.streams import own_output
    from buildtrace.diagnosis import all_rules

    chosen = all_rules() if given.all else _named([code for code in given.codes if _is_code(code)])
    functions = _functions([name for name in given.codes if not _is_code(name)])
    if given.format == "markdown":
        with own_output(sys.stdout) as stdout:
            stdout.write(_markdown(chosen, functions))
        return 0
    from buildtrace.cli.console import own_console
    from buildtrace.renderers.text.lines import Lines

    with own_console(sys.stdout) as console:
        Lines(lambda width: _lines(chosen, functions, min(width, WIDEST))).stream(console)
    return 0


def build_parser() -> Parser:
    """The parser of the verb's arguments."""
    from buildtrace.cli.parser import Parser
    from buildtrace.cli.verbs import sentence

    parser = Parser(prog="buildtrace explain", usage=USAGE, description=sentence("explain"))
    parser.add_argument(
        "codes",
        nargs="*",
        metavar="CODE|LANDMARK",
        help="a rule's code (BT105), its beginning (BT1), or a landmark",
    )
    parser.add_argument("--all", action="store_true", help="show every rule")
    parser.add_argument(
        "--format",
        choices=["text", "markdown"],
        default="text",
        help="for the terminal (the default), or for a page of documentation",
    )
    return parser


def _is_code(word: str) -> bool:
    """Whether a word can only be meant as a rule's code."""
    from buildtrace.diagnosis import all_rules, settings

    letters = all_rules()[0].code.rstrip("0123456789")
    return word.strip().upper().startswith((letters, settings.ALL)) or not word.strip()


def _named(codes: Sequence[str]) -> tuple[Rule, ...]:
    from buildtrace.diagnosis import all_rules, settings

    wanted = tuple(settings.codes(list(codes), "explain"))
    return tuple(rule for rule in all_rules() if rule.code.startswith(wanted)) if wanted else ()


def _functions(names: Sequence[str]) -> list[Page]:
    from buildtrace.cli import landmark_pages

    return list(dict.fromkeys(page for name in names for page in landmark_pages.pages(name)))


def _lines(chosen: Sequence[Rule], functions: Sequence[Page], width: int) -> Iterator[Line]:
    from buildtrace.cli import landmark_pages
    from buildtrace.diagnosis import all_rules

    if not chosen and not functions:
        yield from _table(all_rules(), width)
        return
    each = [_page(rule, width) for rule in chosen]
    each += [landmark_pages.lines(page, width) for page in functions]
    for number, page in enumerate(each):
        if number:
            yield from ([], [])
        yield from page


def where(rule: Rule) -> str:
    """The generations of Keras that the rule is about."""
    from buildtrace.generations import GENERATIONS

    return " and ".join(g.title for g in GENERATIONS if g.name in rule.generations)


# -- in the terminal ----------------------------------------------------------------------------


def _table(chosen: Sequence[Rule], width: int) -> Iterator[Line]:
    from buildtrace.generations import GENERATIONS
    from buildtrace.renderers.text import styles
    from buildtrace.renderers.text.lines import Part, width_of, wrapped

    for topic, group in groupby(chosen, key=lambda rule: rule.topic):
        yield [Part(topic, styles.HEADING)]
        for rule in group:
            first = [
                Part(f"  {rule.code}  "),
                Part(f"{rule.severity:9}", styles.SEVERITY[rule.severity]),
            ]
            only = "" if len(rule.generations) == len(GENERATIONS) else f" ({where(rule)} only)"
            yield from wrapped(rule.title + only, width, first, [Part(" " * width_of(first))])
    yield []
    yield [Part("`buildtrace explain CODE` says why, and how to do it right.", styles.QUIET)]


def _page(rule: Rule, width: int) -> Iterator[Line]:
    from buildtrace.renderers.text import styles
    from buildtrace.renderers.text.lines import Part, wrapped

    yield from wrapped(f"{rule.code}  {rule.title}", width, [], [], styles.NAME)
    severity = Part(rule.severity, styles.SEVERITY[rule.severity])
    yield [severity, Part(f" · {rule.topic} · {where(rule)}", styles.QUIET)]
    yield []
    yield from wrapped(rule.why, width, [], [])
    bad, good = rule.bad.splitlines(), rule.good.splitlines()
    yield from _example("Bad", "red", bad, good)
    yield from _said(rule, width)
    yield from _example("Good", "green", good, bad)
    yield []
    yield [Part("To ignore it", styles.HEADING)]
    for scope, how in IGNORING.items():
        plain = how.format(code=rule.code).replace("`", "")
        yield [Part(f"  {scope:14}", styles.QUIET), Part(plain)]


def _example(title: str, style: str, lines: Sequence[str], others: Sequence[str]) -> Iterator[Line]:
    from buildtrace.renderers.text import code
    from buildtrace.renderers.text.lines import Part

    yield []
    yield [Part(title, f"bold {style}")]
    margins = (Part("  │ " if new else "    ", style) for new in _differing(lines, others))
    for margin, line in zip(margins, code.lines("\n".join(lines)), strict=False):
        yield [margin, *line] if line else []


def _said(rule: Rule, width: int) -> Iterator[Line]:
    """What is said of the bad example; its lines are wrapped here, as all is that one reads."""
    from buildtrace.diagnosis import said
    from buildtrace.renderers.text import styles
    from buildtrace.renderers.text.lines import Part, wrapped

    for keras, text in said.said(rule.code).items():
        yield []
        yield [Part(_heading(keras), styles.HEADING)]
        for line in text.splitlines():
            start = [Part(" " * (4 + len(line) - len(line.lstrip())))]
            yield from wrapped(line.strip(), width, start, start)


def _heading(keras: str) -> str:
    on = f" on {keras}" if keras else ""
    return f"What `buildtrace check` says of it{on}"


def _differing(lines: Sequence[str], others: Sequence[str]) -> list[bool]:
    """Of each line, whether the other example lacks it."""
    lacking = [True] * len(lines)
    matcher = difflib.SequenceMatcher(None, lines, others, autojunk=False)
    for start, _, size in matcher.get_matching_blocks():
        lacking[start : start + size] = [False] * size
    return lacking


# -- for documentation --------------------------------------------------------------------------


def _markdown(chosen: Sequence[Rule], functions: Sequence[Page]) -> str:
    from buildtrace.cli import landmark_pages

    if not chosen and not functions:
        return _markdown_table()
    return "\n".join([*map(markdown, chosen), *map(landmark_pages.markdown, functions)])


def markdown(rule: Rule) -> str:
    """The page of a rule."""
    from buildtrace.diagnosis import said

    says = "".join(
        f"**{_heading(keras)}**\n\n```\n{text}\n```\n\n"
        for keras, text in said.said(rule.code).items()
    )
    ignoring = "\n".join(
        f"- {scope}: {how.format(code=rule.code)}" for scope, how in IGNORING.items()
    )
    return f"""\
## {rule.code}: {rule.title}

{rule.severity} · {rule.topic} · {where(rule)}

{rule.why}

**Bad**

```python
{rule.bad.strip()}
```

{says}**Good**

```python
{rule.good.strip()}
```

To ignore it:

{ignoring}
"""


def _markdown_table() -> str:
    from buildtrace.diagnosis import all_rules

    rows = [f"| {r.code} | {r.severity} | {where(r)} | {r.title} |" for r in all_rules()]
    return "\n".join(["| code | severity | Keras | |", "|---|---|---|---|", *rows, ""])
