"""The parts that continuous integration runs on different days: together they are everything."""

import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import conftest
import pytest

ROOT = Path(__file__).parents[1]


class Item(SimpleNamespace):
    """A test, as far as it matters for its part."""

    __hash__ = object.__hash__

    def iter_markers(self):
        return (SimpleNamespace(name=marker) for marker in self.markers)


def items(name, tests, *markers):
    return [Item(path=Path(name), markers=markers) for _ in range(tests)]


@pytest.mark.parametrize("parts", [1, 2, 15])
def test_each_test_is_in_one_part(parts):
    tests = [*items("a.py", 40), *items("b.py", 7, "slow"), *items("c.py", 1, "slow", "rest")]
    found = [test for n in range(parts) for test in conftest.Slice(n + 1, parts).of(tests)]
    assert len(found) == len(tests)
    assert set(found) == set(tests)


def test_parts_have_as_many_of_each_module_and_kind():
    kinds = {"fast": items("a.py", 32), "slow": items("a.py", 31, "slow"), "b": items("b.py", 33)}
    mixed = [test for each in zip(*kinds.values(), strict=False) for test in each]
    for number in range(1, 11):
        part = conftest.Slice(number, 10).of(mixed)
        assert all(3 <= len(part & set(tests)) <= 4 for tests in kinds.values())


@pytest.mark.parametrize("text", ["0/4", "5/4"])
def test_there_are_no_other_parts(text):
    with pytest.raises(AssertionError):
        conftest.Slice.read(text)


@pytest.mark.slow
def test_each_row_of_versions_runs_all_its_tests_on_some_day():
    pytest.importorskip("nox", reason="pip install nox")
    spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    noxfile = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(noxfile)
    if not (ROOT / ".ci").is_dir():
        pytest.skip("there is no .ci/run in an sdist")
    (parts,) = re.findall(r"rows=\$\(part (\d+)\)", (ROOT / ".ci" / "run").read_text())
    days = [{} for _ in range(int(parts))]
    for row in noxfile.ROWS:
        for number, day in enumerate(days, 1):
            part = noxfile._part(row, ["--slice", f"{number}/{parts}"])
            if part is not None:
                day[row] = part[1]
        of_the_row = sorted(int(day[row].partition("/")[0]) for day in days if row in day)
        assert of_the_row == list(range(1, int(parts) // 2 + 1)), row.name
    for day in days:
        assert {row.python for row in day} == {"3.10", "3.11", "3.12", "3.13"}
        assert any("tensorflow==2.1" in package for row in day for package in row.packages)
    assert noxfile._part(noxfile.ROWS[0], []) == []
