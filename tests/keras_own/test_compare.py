"""The comparison sees every difference; the arms see what Keras' tests would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from keras_own.arms import ArmFailedError, run
from keras_own.compare import confirmed, differences
from keras_own.modules import ALL, MORE, QUICK, lacks, test_files
from keras_own.notes import ArmNote, TestNote
from keras_own.report import by_module

if TYPE_CHECKING:
    from collections.abc import Callable


def passed() -> TestNote:
    phases = ["setup: passed", "call: passed", "teardown: passed"]
    return TestNote(phases, ["a.py:3: UserWarning: text"], "printed\n", {"numpy": "12ab"}, calls=7)


CHANGES: dict[str, tuple[str, Callable[[TestNote], Any]]] = {
    "outcome": ("phases", lambda note: note.phases.__setitem__(1, "call: failed ValueError: no")),
    "phase missing": ("phases", lambda note: note.phases.pop()),
    "another line": ("warnings", lambda note: note.warnings.__setitem__(0, "b.py:3: UserWarning")),
    "one more warning": ("warnings", lambda note: note.warnings.append("c.py:1: UserWarning")),
    "output": ("output", lambda note: setattr(note, "output", "printed\nmore\n")),
    "state": ("state", lambda note: note.state.update(numpy="34cd")),
}


@pytest.mark.parametrize(("aspect", "change"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_a_difference(aspect: str, change: Callable[[TestNote], Any]) -> None:
    changed = passed()
    change(changed)
    plain = ArmNote({"same": passed(), "changed": passed()})
    (found,) = differences(plain, ArmNote({"same": passed(), "changed": changed}))
    assert (found.test, found.aspect) == ("changed", aspect)
    assert [line for line in found.lines if line[0] in "+-" and line[:3] not in ("+++", "---")]


def test_a_test_that_ran_only_once_is_a_difference() -> None:
    both, one = ArmNote({"a": passed(), "b": passed()}), ArmNote({"a": passed()})
    for plain, traced in ((both, one), (one, both)):
        assert {found.test for found in differences(plain, traced)} == {"b"}


def noted(output: str) -> ArmNote:
    note = passed()
    note.output = output
    return ArmNote({"a": note})


@pytest.mark.parametrize(
    ("again", "traced_again", "why"),
    [
        ("untraced", "traced", None),
        ("untraced", "traced otherwise", None),
        ("untraced", "untraced", "traced, but once only"),
        ("now so", "traced", "traced or not"),
        ("now so", "now so", "traced or not"),
    ],
)
def test_a_difference_is_judged_by_a_second_run(
    again: str, traced_again: str, why: str | None
) -> None:
    plain = noted("untraced")
    found = differences(plain, noted("traced"))
    assert len(found) == 1
    real, flaky = confirmed(found, plain, noted(again), noted(traced_again))
    assert real == ([] if why else found)
    assert flaky == ([(found[0], why)] if why else [])


def test_modules_are_counted_in_each_arm() -> None:
    failed = TestNote(["setup: passed", "call: failed ValueError: no", "  a.py:1 in f"])
    skipped = TestNote(["setup: skipped Skipped: no", "teardown: passed"])
    plain = ArmNote({"m_test.py::a": passed(), "m_test.py::b": skipped, "n_test.py::c": passed()})
    other = ArmNote({"m_test.py::a": failed, "m_test.py::b": skipped, "outside": TestNote()})
    head, m, n = by_module({"plain": plain, "each": other})
    assert head.split()[:3] == ["passed/failed/skipped", "plain", "each"]
    assert m.split()[:3] == ["m_test", "1/0/1", "0/1/1"]
    assert n.split()[:3] == ["n_test", "1/0/0", "0/0/0"]
    assert "differs" in m
    assert "differs" in n


def test_the_same_is_no_difference() -> None:
    untraced = passed()
    untraced.calls = 0
    assert not differences(ArmNote({"a": untraced}, peak_mib=1), ArmNote({"a": passed()}))


def test_notes_come_back_from_the_file() -> None:
    note = ArmNote({"a": passed()}, problems=["one"], traces=2, cpu_seconds=1.5, peak_mib=3)
    assert msgspec.json.decode(msgspec.json.encode(note), type=ArmNote) == note


# -- on the real Keras ------------------------------------------------------------------------

TELLING = """
import warnings
from pathlib import Path
import keras

def hooked():
    file = Path(keras.layers.Layer.__call__.__code__.co_filename)
    return Path(keras.__file__).parent not in file.parents

def build():
    keras.Sequential([keras.layers.Dense(2)]).build((None, 3))

def test_same():
    build()

def test_sees_the_hook():
    build()
    assert not hooked()

def test_warns_of_it():
    build()
    warnings.warn(keras.layers.Layer.__call__.__code__.co_filename)

def test_prints_it():
    build()
    print(keras.layers.Layer.__call__.__code__.co_filename)

def test_makes_a_layer_for_each_hook():
    if hooked():
        keras.layers.Dense(2)
"""


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["session", "each"])
def test_what_can_tell_is_found(arm: str, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    if int(keras.__version__.partition(".")[0]) < 3:
        pytest.skip("Keras 2 comes without its tests")
    path = tmp_path / "telling_test.py"
    path.write_text(TELLING)
    plain, traced = run("plain", [path]), run(arm, [path])
    found = {each.test.partition("::test_")[2]: each.aspect for each in differences(plain, traced)}
    assert found == {
        "sees_the_hook": "phases",
        "warns_of_it": "warnings",
        "prints_it": "output",
        "makes_a_layer_for_each_hook": "state",
    }
    assert not plain.problems
    assert not traced.problems
    assert {test.calls > 0 for name, test in traced.tests.items() if "each_hook" not in name} == {
        True
    }


@pytest.mark.slow
def test_an_arm_that_does_not_run_to_its_end_is_no_result(tmp_path: Path) -> None:
    path = tmp_path / "broken_test.py"
    path.write_text("import os\ndef test_ends_it_all():\n    os._exit(0)\n")
    with pytest.raises(ArmFailedError):
        run("plain", [path])


def test_there_are_tests_at_each_place() -> None:
    keras = pytest.importorskip("keras")
    if int(keras.__version__.partition(".")[0]) < 3:
        pytest.skip("Keras 2 comes without its tests")
    files = test_files(MORE)
    assert len(files) == len(set(files))
    assert set(test_files(QUICK)) < set(test_files(ALL)) < set(files)


def test_the_command_says_what_it_takes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "keras_own", "--help"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "--more" in done.stdout


def test_a_module_that_needs_what_is_not_installed_is_known(tmp_path: Path) -> None:
    texts = {
        None: "import json\nfrom conftest import skip_if_backend\nfrom .no_such import other\n",
        "no_such": "import json\nimport os.path, no_such.part\n",
        "nor_this": "from nor_this.part import thing\n",
    }
    for number, (package, text) in enumerate(texts.items()):
        file = tmp_path / f"{number}_test.py"
        file.write_text(text)
        assert lacks(file) == package
    (tmp_path / "later_test.py").write_text("def test():\n    import no_such\n")
    assert lacks(tmp_path / "later_test.py") is None  # that test says so itself
