"""What must not be imported before it is needed."""

import pytest

HEAVY = ("tensorflow", "keras", "tf_keras", "numpy", "pygraphviz", "graphviz")
PROBE = """
import sys
sys.argv = {argv!r}
from buildtrace.cli import main
try:
    main()
except SystemExit:
    pass
print("LOADED", *[name for name in {names!r} if name in sys.modules])
"""


def loaded(command, names, *arguments):
    result = command("-c", PROBE.format(argv=["buildtrace", *arguments], names=names))
    return result.out.rpartition("LOADED")[2].split()


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_next_to_nothing(command, option):
    slow = ("rich", "msgspec", "importlib.metadata", "inspect")
    assert loaded(command, (*HEAVY, *slow), option) == []


@pytest.mark.parametrize(
    "verb",
    [
        *("landmarks", "landmarks --help", "doctor --help", "nope.py"),
        *("check --help", "check nope.py", "explain", "explain --all", "explain --help"),
        *("schema", "schema --help"),
    ],
)
def test_verbs_and_errors_load_no_keras(command, verb):
    assert loaded(command, HEAVY, *verb.split()) == []


def test_doctor_loads_no_keras(command):
    assert loaded(command, HEAVY[:3], "doctor") == []


def test_a_trace_is_shown_without_keras(command, trace_file):
    assert loaded(command, HEAVY, "--view", "tree", trace_file) == []
    assert loaded(command, HEAVY, "check", trace_file) == []


@pytest.mark.parametrize("verb", ["check", "schema"])
def test_the_help_of_a_verb_loads_next_to_nothing(command, verb):
    assert loaded(command, (*HEAVY, "rich", "msgspec"), verb, "--help") == []


def test_version(cli):
    from buildtrace import __version__

    result = cli("--version")
    assert (result.code, result.out) == (0, f"buildtrace {__version__}\n")
