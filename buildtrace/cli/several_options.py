"""The options of `buildtrace check` that are about whole folders, and about a baseline."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.cli.baseline import Baseline
    from buildtrace.cli.parser import Parser
    from buildtrace.diagnosis.settings import Settings

ONLY_SEVERAL = ("jobs", "timeout", "since", "no_cache", "cache_dir")
"""Options that make no sense for one script, which runs in the process of the command."""


class Several(NamedTuple):
    """What a check of several scripts is asked for.

    Attributes:
        targets: the folders, files and patterns of files.
        folder: the one that all of them are in.
        jobs: so many scripts run at the same time; `None` for what the machine has room for.
        timeout: the seconds that each may take; `None` for the usual number.
        since: a commit: only what has changed since then is checked; `None` for everything.
        cache: the folder of the runs that are kept; `None` if none are.
    """

    targets: tuple[str, ...]
    folder: Path
    jobs: int | None = None
    timeout: float | None = None
    since: str | None = None
    cache: Path | None = None


def add_baseline_options(group: argparse._ActionsContainer) -> None:
    """The options about findings that are known."""
    group.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="do not report the findings that are in this file",
    )
    group.add_argument(
        "--update-baseline",
        action="store_true",
        help="write all that is found into the baseline, and take out what is gone",
    )


def add_several_options(parser: Parser) -> None:
    """The options about folders and several files."""
    group = parser.add_argument_group("folders and several files")
    group.add_argument(
        "--each",
        action="store_true",
        help="take each argument for a file or a folder to check, not for one of the script's; "
        "without any, this folder",
    )
    group.add_argument(
        "--jobs",
        type=_jobs,
        metavar="N",
        help="run N scripts at the same time (default: by the processors and the free memory)",
    )
    group.add_argument(
        "--timeout",
        type=_seconds,
        metavar="SECONDS",
        help="end a script after so long (default: 300)",
    )
    group.add_argument(
        "--since",
        metavar="REV",
        help="check only what has changed since this commit of git, or imports what has",
    )
    group.add_argument("--no-cache", action="store_true", help="run also what has not changed")
    group.add_argument(
        "--cache-dir",
        type=Path,
        metavar="DIR",
        help="keep the runs there (default: .buildtrace_cache beside pyproject.toml, or here)",
    )


def _jobs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of scripts, from 1 up")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def several_of(parser: Parser, given: argparse.Namespace, theirs: Sequence[str]) -> Several | None:
    """The folders and files that a command line names; `None` if it names one program.

    Raises:
        UsageError: it asks of one program what can be asked of several only, or the reverse.
    """
    if given.migrate:
        _refuse(parser, given, "--migrate runs nothing", ONLY_SEVERAL)
        return _whole(parser, theirs) if given.each else None
    is_several = given.each or (given.since is not None and not theirs)
    is_several = is_several or bool(theirs and not given.module and _means_several(theirs[0]))
    if not is_several:
        says = "is for folders and several files: name a folder, or use --each"
        _refuse(parser, given, "", ONLY_SEVERAL, says)
        if given.module is None:
            _hint(theirs)
        return None
    if given.module is not None:
        parser.error("-m names one module: leave out --each, or name folders and files")
    if given.trial:
        parser.error(
            f"--{given.trial} runs one script, again and again: name it alone, as in "
            f"`{parser.prog} --{given.trial} SCRIPT.py`"
        )
    return _whole(parser, theirs)


def _whole(parser: Parser, theirs: Sequence[str]) -> Several:
    for target in theirs:
        if target.startswith("-") and not Path(target).exists():
            parser.error(f"{target} is no file or folder: options stand before the first one")
    targets = tuple(theirs) or (".",)
    return Several(targets, _folder_of(targets))


def _refuse(
    parser: Parser,
    given: argparse.Namespace,
    why: str,
    names: Sequence[str],
    says: str = "",
) -> None:
    for name in names:
        if getattr(given, name) not in (None, False):
            option = f"--{name.replace('_', '-')}"
            parser.error(f"{option} {says}" if says else f"{why}: leave out {option}")


def _means_several(target: str) -> bool:
    """Whether an argument is a folder that is no program, or a pattern of files."""
    from buildtrace.cli.program import Program
    from buildtrace.cli.repository.named_files import is_pattern

    path = Path(target)
    if not path.is_dir():
        return is_pattern(target)
    # A folder of TensorFlow's is refused with a word of its own.
    return not (Program(target).is_application or (path / "saved_model.pb").exists())


def _hint(theirs: Sequence[str]) -> None:
    """Tell who seems to name several scripts that the first one gets the others."""
    from buildtrace.cli.streams import say

    def is_source(name: str) -> bool:
        return Path(name).is_dir() or (name.endswith(".py") and Path(name).is_file())

    if len(theirs) > 1 and all(map(is_source, theirs)):
        others = f"{theirs[1]}{' …' if len(theirs) > 2 else ''}"
        say(f"{theirs[0]} runs with the argument {others}: --each checks each of them")


def _folder_of(targets: Sequence[str]) -> Path:
    """The folder that all targets are in."""
    from buildtrace.cli.repository.named_files import is_pattern

    places = [Path.cwd() if is_pattern(target) else Path(target).resolve() for target in targets]
    folders = [place if place.is_dir() else place.parent for place in places]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # on two drives
        return Path.cwd()


def with_settings(several: Several, settings: Settings, given: argparse.Namespace) -> Several:
    """The request with what options say, or else the settings."""
    return several._replace(
        jobs=given.jobs or settings.jobs,
        timeout=given.timeout or settings.timeout,
        since=given.since,
        cache=None if given.no_cache else _cache(given.cache_dir, several.folder),
    )


def _cache(given: Path | None, folder: Path) -> Path:
    from buildtrace.cli.repository.run_cache import FOLDER
    from buildtrace.diagnosis.settings import FILE

    if given is not None:
        path = given.expanduser().absolute()
        if path.exists() and not path.is_dir():
            raise UsageError(f"--cache-dir {given}: it is a file")
        return path
    places = (place for place in (folder, *folder.parents) if (place / FILE).is_file())
    return next(places, Path.cwd()) / FOLDER


def baseline_of(parser: Parser, given: argparse.Namespace, settings: Settings) -> Baseline | None:
    """The baseline that is named, by an option or by the settings; `None` if there is none.

    Raises:
        UsageError: it makes no sense, or cannot be read.
    """
    from buildtrace.cli.baseline import Baseline, read
    from buildtrace.cli.request import check_writable

    named = given.baseline or (settings.folder / settings.baseline if settings.baseline else None)
    update = given.update_baseline
    if update and named is None:
        parser.error("--update-baseline needs to know which file: --baseline FILE")
    if update and (given.select or given.ignore):
        parser.error("--update-baseline is about all rules: leave out --select and --ignore")
    if update and given.trial:
        parser.error(f"--update-baseline goes without --{given.trial}")
    if named is None:
        return None
    path = named.expanduser().absolute()
    if update:
        check_writable(path)
    known = read(path, may_miss=update)
    return Baseline(path, known, update, all_rules=not (given.select or given.ignore))
