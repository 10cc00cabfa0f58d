"""The rules' pages, made of the rules themselves: `docs/rules/CODE.md`, and their index.

What the rules say of their bad examples, which is in the recorded runs of these, goes into the
package for `buildtrace explain`.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

from diagnosis.recordings import SCRIPT, RecordedRuns, key_of

from buildtrace.cli import explain
from buildtrace.diagnosis import all_rules
from buildtrace.diagnosis.said import FILE
from buildtrace.generations import GENERATIONS
from buildtrace.renderers.terminal import listing
from docs_pages import landmarks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from buildtrace.diagnosis import Rule

MADE = "made by `python tests/docs_pages`"


def files(docs: Path) -> Iterator[tuple[Path, str]]:
    """The files, and what they should hold; what the package holds first: the pages have it."""
    yield FILE, recorded()
    yield docs / "rules.md", index()
    for name, page in pages().items():
        yield docs / "rules" / name, page


def recorded() -> str:
    """What the package should hold of what the rules say."""
    runs = {name: RecordedRuns("examples", name).runs for name in ("keras2", "keras3", "jax")}
    titles = {g.name: g.title for g in GENERATIONS} | {"jax": "Keras 3 on JAX"}
    said = {
        rule.code: {
            titles[name]: _text(runs[name][key_of(rule.bad)].diagnosed().findings)
            for name in ((rule.backend,) if rule.backend else rule.generations)
        }
        for rule in all_rules()
    }
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def _text(findings) -> str:
    return listing.text(listing.lines(findings, SCRIPT.parent))


def index() -> str:
    """What the index should hold."""
    lines = [
        "# The rules of check",
        "",
        "What [`buildtrace check`](check.md) finds. Each rule has a page: why Keras behaves so,",
        "a bad and a good example, and what is said of the bad one.",
        "`buildtrace explain BT105` shows the same in a terminal.",
        "",
        f"This page and those of the rules are {MADE}.",
    ]
    for title, rules in grouped().items():
        lines += ["", f"## {title}", "", "| code | severity | Keras | |"]
        lines += ["|---|---|---|---|"]
        for rule in rules:
            code = f"[{rule.code}](rules/{rule.code}.md)"
            where = explain.where(rule).replace("Keras ", "")
            lines.append(f"| {code} | {rule.severity} | {where} | {rule.title} |")
    return "\n".join(lines) + "\n"


def grouped() -> dict[str, list[Rule]]:
    """The rules by their topic."""
    groups = groupby(all_rules(), key=lambda rule: rule.topic)
    return {topic.capitalize(): list(rules) for topic, rules in groups}


def pages() -> dict[str, str]:
    """The files that there should be in the folder of pages, by name."""
    end = f"\n[All rules](../rules.md). This page is {MADE}.\n"
    made = {rule.code: _page(rule) for rule in all_rules()}
    return {f"{code}.md": page + end for code, page in made.items()}


def _page(rule: Rule) -> str:
    """What `explain` says of the rule, with links to the landmarks that the reason names."""
    text = explain.markdown(rule).removeprefix("#")
    return text.replace(rule.why, landmarks.linked(rule.why, "rules"), 1)
