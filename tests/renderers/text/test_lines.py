import io
import re

import made_traces
import pytest
from rich.console import Console
from rich.syntax import Syntax

from buildtrace.renderers import Options
from buildtrace.renderers.terminal import tree
from buildtrace.renderers.text import source_files
from buildtrace.renderers.text.lines import Lines, Part, cut, cut_start, flowing, shorten, size
from buildtrace.renderers.text.tables import Column, SpanningRow, table
from buildtrace.traces import wording


def text(line):
    return "".join(part.text for part in line)


def test_control_characters_become_visible():
    assert wording.sanitize("a\nb\x1b[0m\u202e") == "a\\nb\\x1b[0m\\u202e"
    assert wording.sanitize("模型 é") == "模型 é"
    assert len(wording.sanitize("x" * 10_000)) < 300


def test_cut_counts_columns_not_characters():
    assert text(cut([Part("模型模型"), Part("abc")], 5)) == "模型…"
    assert size("模型…") == 5
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"


def test_the_end_of_a_path_is_kept():
    path = [Part("model/block/"), Part("kernel", "bold")]
    assert text(cut_start(path, 10)) == "…ck/kernel"
    assert cut_start(path, 10)[-1] == path[-1]
    assert cut_start(path, 18) == path
    assert text(cut_start([Part("模型模型")], 5)) == "…模型"


def test_only_plain_parts_are_broken():
    line = [Part("of the shape "), Part("(None, 784, 10)", "bold"), Part(", it says. ")]
    lines = [text(row) for row in flowing(line, 24, [], [Part("  ")])]
    assert lines == ["of the shape", "  (None, 784, 10), it", "  says."]


def test_a_table_drops_the_highest_rank_first():
    columns = [Column("a"), Column("b", rank=1), Column("c", rank=2)]
    rows = [[[Part("x" * 10)], [Part("y" * 10)], [Part("z" * 10)]]]
    assert [text(row) for row in table(columns, rows, 40)][
        1
    ] == "xxxxxxxxxx  yyyyyyyyyy  zzzzzzzzzz"
    assert [text(row) for row in table(columns, rows, 30)][1] == "xxxxxxxxxx  yyyyyyyyyy"


def test_links_are_for_files_only():
    assert source_files.link("/a b/c.py", 3) == "file:///a%20b/c.py#3"
    assert source_files.link("C:\\x\\y.py", 3) == "file:///C:/x/y.py#3"
    assert source_files.link("<stdin>", 3) == ""
    assert "\x1b" not in source_files.link("/a\x1b]8;;/c.py", 3)


def test_numbers():
    assert wording.duration(1_234) == "1 µs"
    assert wording.duration(12_345_678) == "12.3 ms"
    assert wording.duration(2_345_678_901) == "2.35 s"
    assert wording.listed("abcdef", 4) == "a, b, c and 3 more"
    assert wording.listed("abc") == "a, b and c"
    assert wording.count(1, "call") == "1 call"


def test_a_span_takes_the_place_of_the_last_columns():
    columns = [Column("a"), Column("b"), Column("c")]
    rows = [
        [[Part("1")], [Part("2")], [Part("3")]],
        SpanningRow([[Part("4")]], [Part("five and six")]),
    ]
    assert [text(row) for row in table(columns, rows, 40)] == [
        "a  b  c",
        "1  2  3",
        "4  five and six",
    ]
    assert text(list(table(columns, rows, 8))[2]) == "4  five…"


LINES = [
    [Part("plain "), Part("bold", "bold"), Part("", "red"), Part(" link ✗", "cyan", "file:///x#1")],
    [],
    Syntax("x = 1", "python"),
    [Part("[bold]no markup", "bright_blue")],
]


@pytest.mark.parametrize(
    "more",
    [
        {"color_system": None},
        {"color_system": "standard", "force_terminal": True},
        {"color_system": "truecolor", "force_terminal": True},
        {"color_system": "truecolor", "force_terminal": True, "no_color": True},
        {"color_system": "truecolor", "force_terminal": True, "record": True},
        {"color_system": "truecolor", "force_terminal": True, "legacy_windows": True},
    ],
    ids=["none", "standard", "truecolor", "no color", "record", "legacy"],
)
def test_what_is_streamed_looks_as_rich_would_print_it(more):
    texts = []
    for stream in (Lines.stream, lambda lines, console: console.print(lines, end="", crop=False)):
        console = Console(file=io.StringIO(), width=60, _environ={}, **more)
        stream(Lines(lambda _: LINES), console)
        texts.append(re.sub(r"\bid=[\d-]+", "", console.file.getvalue()))
        if console.record:
            assert "\x1b" not in console.export_text(styles=False)
    assert texts[0] == texts[1]


def test_a_terminal_of_few_characters_is_given_no_others():
    file = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    console = Console(file=file, width=60, _environ={})
    Lines(lambda _: [[Part("├─ 模 → é")]]).stream(console)
    file.flush()
    assert file.buffer.getvalue().decode("latin-1") == "|- \\u6a21 > é\n"


def test_the_first_lines_of_a_long_tree_come_before_the_last_are_made():
    whole = made_traces.mlp3([8] * 200)
    lines = iter(tree.render(whole, Options(full=True)).make(120))
    lines_made = 0

    def counted(_):
        nonlocal lines_made
        for line in lines:
            lines_made += 1
            yield line

    seen = []

    class File(io.StringIO):
        def write(self, words):
            seen.append(lines_made)
            return super().write(words)

    Lines(counted).stream(Console(file=File(), width=120))
    assert seen[0] < 200 < 2_000 < lines_made
