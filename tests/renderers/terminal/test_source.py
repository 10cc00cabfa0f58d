import made_traces
import pytest
from msgspec.structs import replace

from buildtrace.renderers import Options, to_text
from buildtrace.renderers.terminal.source import SHORT
from buildtrace.traces.definitions import block


def made_at(file, line, name="Thing.build", width=80, **options):
    recording = made_traces.Recording()
    with recording.call(name, recording.layer("thing", "Thing"), file=str(file)):
        pass
    trace = recording.trace()
    trace.calls = tuple(replace(call, line=line) for call in trace.calls)
    return to_text(trace, Options(views=("source",), **options), width=width)


CODE = "class Thing:\n    @wraps\n    def build(self):\n        return '[bold]é'\n\n    x = 1\n"


def test_the_function_and_nothing_else(tmp_path):
    path = tmp_path / "thing.py"
    path.write_text(CODE, encoding="utf-8")
    text = made_at(path, 2)
    assert "Thing.build  thing.py:2" in text
    assert "ran 1 time, for thing" in text
    assert "4     return '[bold]é'" in text
    assert "x = 1" not in text


def test_a_missing_file_and_another_version_are_said(tmp_path):
    assert "its file is not on this machine" in made_at(tmp_path / "no.py", 2)
    path = tmp_path / "other.py"
    path.write_text("def something():\n    pass\n")
    assert "another version" in made_at(path, 1)
    assert "not on this machine" in made_at(path, 100)


def test_a_block_of_broken_code_ends():
    assert 0 < len(block(["def build(:\n", *["    '''\n"] * 1_001], 1)) <= 1_002


DOCUMENTED = """\
class Thing:
    async def build(self):
        \'\'\'Makes it.

        All of it, with four
        lines more.
        \'\'\'
        if self.has_a_name_that_is_long() and self.has_another_long_name():
            return 'it'
"""


def test_a_docstring_is_folded_and_says_how_long_it_is(tmp_path):
    path = tmp_path / "thing.py"
    path.write_text(DOCUMENTED)
    lines = made_at(path, 2).splitlines()
    start = lines.index("  2 async def build(self):")
    assert lines[start : start + 4] == [
        "  2 async def build(self):",
        "  3     '''Makes it.",
        "        … 4 more lines of the docstring; --full shows all",
        "  8     if self.has_a_name_that_is_long() and self.has_another_long_name():",
    ]
    assert "with four" in made_at(path, 2, full=True)
    assert "more lines" not in made_at(path, 2, full=True)


def test_a_short_docstring_and_another_text_are_shown(tmp_path):
    path = tmp_path / "thing.py"
    path.write_text(DOCUMENTED.replace("\n        All of it, with four\n", ""))
    assert "lines more." in made_at(path, 2)
    path.write_text(DOCUMENTED.replace("'''Makes it", "text = '''Makes it"))
    assert "with four" in made_at(path, 2)


def test_a_docstring_does_not_count_as_lines_that_are_shown(tmp_path):
    path = tmp_path / "thing.py"
    body = "".join(f"        line_{n} = {n}\n" for n in range(100))
    path.write_text(DOCUMENTED + body)
    assert f"line_{SHORT - 5 - 1} = " in made_at(path, 2)  # beside five lines that are no docstring
    assert f"line_{SHORT - 5 + 1} = " not in made_at(path, 2)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_what_does_not_fit_hangs_below_its_own_beginning(tmp_path, width):
    path = tmp_path / "thing.py"
    path.write_text(DOCUMENTED)
    lines = made_at(path, 2, width=width).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("  8 "))
    end = next(n for n, line in enumerate(lines) if line.startswith("  9 "))
    assert max(map(len, lines)) <= width
    assert (end - start > 1) == (width < 80)
    for line in lines[start + 1 : end]:
        assert line.startswith(" " * 12)
        assert line[12] != " "
