"""What a shell completes behind `buildtrace`: a script, made of the parsers by shtab.

It is static: pressing the tab key starts no Python. shtab knows verbs, options and choices, but not
that all behind a program is the program's own, as `split` in parser.py has it: that is added in
completion_shells.py.
"""

from __future__ import annotations

import importlib
import pkgutil
import shlex
from argparse import Action, ArgumentParser
from typing import TYPE_CHECKING, Any

from buildtrace.cli.completion_shells import AROUND
from buildtrace.cli.verbs import VERBS
from buildtrace.errors import MissingPackageError

if TYPE_CHECKING:
    from collections.abc import Iterator


def script(shell: str, root: ArgumentParser) -> str:
    """The script that makes a shell complete the command's arguments.

    Args:
        shell: one of `SHELLS`.
        root: the parser of the options that stand before a script. It gets the verbs here.

    Raises:
        MissingPackageError: shtab is not installed.
    """
    try:
        import shtab
    except ImportError as error:
        raise MissingPackageError("completion needs shtab: pip install shtab") from error
    _add_verbs(root)
    before, after = AROUND.get(shell, ("", ""))
    words = _words(root) | {"files": str(shtab.glob(*_patterns()).get(shell))}
    return f"{shtab.complete(root, shell, preamble=before % words)}{after % words}\n"


def _add_verbs(root: ArgumentParser) -> None:
    """Give the command's parser those of its verbs, all with what shtab has to know of them."""
    for action in root._actions:
        _tell(action)
    verbs = root.add_subparsers(prog=root.prog, metavar="VERB", parser_class=ArgumentParser)
    for verb, does in VERBS.items():
        own = importlib.import_module(f"buildtrace.cli.{verb}").build_parser()
        parser = verbs.add_parser(verb, parents=[own], add_help=False, help=does, description=does)
        for action in own._actions:
            _tell(action)
        if _takes_program(parser):
            _add_program(parser)


def _takes_program(parser: ArgumentParser) -> bool:
    return any("-m" in action.option_strings for action in parser._actions)


def _add_program(parser: ArgumentParser) -> None:
    import shtab

    program: Any = parser.add_argument("program", help="what to run, or a file to show")
    program.complete = shtab.glob(*_patterns())


def _tell(action: Action) -> None:
    """Give an argument what its values are completed with, by the word that stands for it."""
    if action.nargs == "?":  # its value is not a word of its own, see `split`
        action.nargs, action.choices = 0, None
    if action.choices or action.nargs == 0 or not isinstance(action.metavar, str):
        return
    choices, told = _values(action.metavar), _files(action.metavar)
    if choices:
        action.choices = choices
    elif told:
        vars(action)["complete"] = told


def _values(metavar: str) -> list[str]:
    """The values that a word of the help stands for, if they can be listed."""
    if metavar == "MODULE":
        import buildtrace.examples as examples

        found = pkgutil.iter_modules(examples.__path__, f"{examples.__name__}.")
        return [module.name for module in found]
    if metavar == "CODES":
        return _codes()
    if metavar == "CODE|LANDMARK":
        from buildtrace.generations import GENERATIONS

        landmarks = (row.name for generation in GENERATIONS for row in generation.landmarks)
        return [*_codes(), *dict.fromkeys(landmarks)]
    return []


def _codes() -> list[str]:
    from buildtrace.diagnosis import all_rules

    return [rule.code for rule in all_rules()]


def _files(metavar: str) -> Any:
    """How shtab completes the files that a word of the help stands for; `None` if it is none."""
    import shtab

    if metavar in ("PATH", "FILE"):
        return shtab.FILE
    if metavar in ("DIR", "FOLDER"):
        return shtab.DIRECTORY
    return shtab.glob("*.json", "*.json.gz") if metavar.endswith(".json") else None


def _patterns() -> Iterator[str]:
    """The files that can be run or shown."""
    from buildtrace.cli.program import MODEL_SUFFIXES
    from buildtrace.renderers import RENDERERS

    yield "*.py"
    yield from (f"*{r.suffix}" for r in RENDERERS.values() if r.loads and r.suffix)
    yield from (f"*{suffix}" for suffix in MODEL_SUFFIXES)


def _words(root: ArgumentParser) -> dict[str, str]:
    """What a shell has to know to find the program: options with a value, and verbs."""
    verbs = root._get_positional_actions()[0].choices
    assert isinstance(verbs, dict)
    actions = [action for parser in (root, *verbs.values()) for action in parser._actions]
    values = (name for a in actions if a.nargs is None for name in a.option_strings)
    running = (verb for verb, parser in verbs.items() if _takes_program(parser))
    return {
        "values": shlex.join(dict.fromkeys(values)),
        "verbs": shlex.join(VERBS),
        "running": shlex.join(running),
    }
