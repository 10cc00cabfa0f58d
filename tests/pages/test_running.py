"""A page that is not true fails; what varies from run to run does not count."""

import pytest
from forked import Python

from pages.outputs import difference
from pages.running import Run


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("1 model · 1.30 s", "1 model · 12.7 ms"),
        ("keras 3.15.1 · Python 3.11.7", "keras 3.16 · Python 3.13.0"),
        ("…\nlast", "first\nsecond\nlast"),
        ("kernel GlorotU…  1 ms", "kernel GlorotUniform  250.1 ms"),
        ("layer.py:872, in x", "layer.py:900, in x"),
    ],
)
def test_what_varies_does_not_count(tmp_path, shown, printed):
    assert not difference(shown, printed, tmp_path)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("4 weights", "5 weights"),
        ("first", "first\nsecond"),
        ("…\nlast", "first\nlast\nmore"),
        ("train.py:3", "train.py:4"),
    ],
)
def test_all_else_counts(tmp_path, shown, printed):
    (tmp_path / "train.py").touch()
    assert difference(shown, printed, tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("```sh\nfalse\n```\n", "page.md:1: `false"),
        ("```python\n1 / 0\n```\n", "ZeroDivisionError"),
        ("```console\n$ echo one\ntwo\n```\n", "something else was printed"),
        ("```sh\necho one\n```\n\n```text\ntwo\n```\n", "something else was printed"),
        ("<!-- exit code: 1 -->\n```sh\ntrue\n```\n", "ended with 0"),
        ("```fortran\nEND\n```\n", "nobody knows"),
        ("```text\none\n```\n", "no block before it"),
    ],
)
def test_a_page_that_is_not_true_fails(tmp_path, text, says):
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(AssertionError, match=says):
        Run(page, tmp_path, Python(forks=False))()


def test_blocks_of_a_page_share_files_and_names(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- file: one.txt\nuno\n-->\n```console\n$ cat one.txt\nuno\n```\n"
        "<!-- python\nname = 'seen'\n-->\n```python\nprint(name)\n```\n\n```text\nseen\n```\n"
        "<!-- not run: it would fail -->\n```sh\nfalse\n```\n"
    )
    Run(page, tmp_path, Python(forks=False))()
