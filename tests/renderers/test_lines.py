from buildtrace.renderers import format as fmt
from buildtrace.renderers.lines import Part, cut, cut_start, flowing, shorten, size
from buildtrace.renderers.tables import Column, table


def text(line):
    return "".join(part.text for part in line)


def test_control_characters_become_visible():
    assert fmt.clean("a\nb\x1b[0m\u202e") == "a\\nb\\x1b[0m\\u202e"
    assert fmt.clean("模型 é") == "模型 é"
    assert len(fmt.clean("x" * 10_000)) < 300


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
    assert fmt.link("/a b/c.py", 3) == "file:///a%20b/c.py#3"
    assert fmt.link("C:\\x\\y.py", 3) == "file:///C:/x/y.py#3"
    assert fmt.link("<stdin>", 3) == ""
    assert "\x1b" not in fmt.link("/a\x1b]8;;/c.py", 3)


def test_numbers():
    assert fmt.duration(1_234) == "1 µs"
    assert fmt.duration(12_345_678) == "12.3 ms"
    assert fmt.duration(2_345_678_901) == "2.35 s"
    assert fmt.listed("abcdef") == "a, b, c and 3 more"
    assert fmt.listed("abc") == "a, b and c"
    assert fmt.count(1, "call") == "1 call"
