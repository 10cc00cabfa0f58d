"""The page of all options of all verbs, made of the parsers that read them: `docs/options.md`."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING

from buildtrace.cli import parser as command
from buildtrace.cli.verbs import VERBS

if TYPE_CHECKING:
    from argparse import Action, ArgumentParser
    from collections.abc import Iterator
    from pathlib import Path

MADE = "made by `python tests/docs_pages`"

HEAD = f"""# All options

What `--help` says, of the command and of each verb. [The command](command.md) and the pages of the
verbs tell what it is good for. This page is {MADE}.
"""


def files(docs: Path) -> Iterator[tuple[Path, str]]:
    """The file, and what it should hold."""
    parts = [HEAD, *_verb("buildtrace", command.build_parser())]
    for verb in VERBS:
        module = importlib.import_module(f"buildtrace.cli.{verb}")
        parts += _verb(f"buildtrace {verb}", module.build_parser())
    yield docs / "options.md", "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _verb(name: str, parser: ArgumentParser) -> Iterator[str]:
    yield f"## `{name}`"
    yield _prose(parser.description or "")
    usage = (line.strip() for line in (parser.usage or "").splitlines())
    yield "\n".join(["```text", *filter(None, usage), "```"])
    for group in parser._action_groups:
        rows = [_row(parser, action) for action in group._group_actions if action.dest != "help"]
        if rows:
            title = (group.title or "").replace("positional arguments", "arguments")
            yield "\n".join([f"| {title} | |", "|---|---|", *rows])
    if parser.epilog:
        # Tables stay as they are in a terminal, and so do examples.
        yield f"```text\n{parser.epilog.strip()}\n```"


def _row(parser: ArgumentParser, action: Action) -> str:
    formatter = parser._get_formatter()
    default = formatter._get_default_metavar_for_optional(action)
    argument = formatter._format_args(action, default if action.option_strings else action.dest)
    names = [f"{name} {argument}".strip() for name in action.option_strings] or [argument]
    told = formatter._expand_help(action) if action.help else ""
    if action.metavar and any(choice not in told for choice in action.choices or ()):
        told += "; one of " + ", ".join(f"`{choice}`" for choice in action.choices)
    return f"| {', '.join(f'`{_cell(name)}`' for name in names)} | {_cell(_prose(told))} |"


def _prose(text: str) -> str:
    return re.sub(r"[ \n]+", " ", text).strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
