"""Nothing that a terminal would obey comes out of the command, whatever things are called."""

import json
import re

import made_traces
import pytest
from msgspec.structs import replace

from buildtrace.cli.check_formats import FORMATS
from buildtrace.renderers import RENDERERS, VIEWS, save
from buildtrace.traces.schema import ErrorInfo, Finding, SourceLine

EVIL = "\x1b[31mred\x1b]0;title\x07\x9b2J\x85\x08\x7f\u202egnp\u2066\u200f\u200e\u2028\r\nnext"
"""Colors, a title, C1 codes, backspaces, text from right to left, and line breaks."""

UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
"""What no terminal may get: C0 but for the line feed, C1, and what turns the direction."""


def everywhere_evil(text=EVIL):
    """A trace of a failed build in which each name, message, file and line of code is evil."""
    source = "/nowhere/model.py"
    caller = SourceLine(file=f"/nowhere/{text}.py", line=3)
    error = ErrorInfo(type=f"Error{text}", message=f"{text} {text}", lines=(caller,))
    r = made_traces.Recording(caller=(caller.file, caller.line))
    given = made_traces.spec(None, 3, dtype=f"float{text}")
    rows = [(r.layer(f"in{text}", "InputLayer"), given)]
    for number in range(3):
        layer = r.layer(f"layer_{number}{text}", f"Class{text}")
        with (
            r.call("Layer.__call__", layer, [given], [given], foreign=(text,)),
            r.call(f"Class{text}.build", layer, [given], file=source),
        ):
            r.add_weight(layer, f"w{text}", (3, 3), initializer=f"Init{text}")
        rows.append((layer, given))
    with r.call("Layer.__call__", rows[-1][0], [given], error=error):
        pass
    model = r.layer(f"model{text}", f"Model{text}")
    r.graphs.append(made_traces.chain(model, *rows, weights=range(3)))
    finding = Finding(
        code=f"BT101{text}",
        title=text,
        severity="error",
        message=text,
        why=text,
        fix=f"x = '{text}'",
        calls=(0,),
        caller=caller,
    )
    trace = replace(r.trace(error), findings=(finding,))
    keras = replace(trace.environment.keras[0], version=text, package=f"keras{text}")
    return replace(trace, environment=replace(trace.environment, python=text, keras=(keras,)))


@pytest.fixture
def evil_file(tmp_path, monkeypatch):
    """A file with that trace, which carries evil source code as well."""
    monkeypatch.chdir(tmp_path)
    save(everywhere_evil(), tmp_path / "evil.json")
    data = json.loads((tmp_path / "evil.json").read_text())
    code = f"def build(self):\n\tx = '{EVIL}'\n"
    files = {call["file"] for call in data["calls"]} | {data["calls"][0]["caller"]["file"]}
    data["sources"] = [
        {
            "file": file,
            "functions": [{"line": 10, "text": code}],
            "excerpts": [{"line": 1, "text": f"# {EVIL}\n{code}"}],
            "inside": {"3": f"Net{EVIL}.call"},
        }
        for file in sorted(files)
    ]
    (tmp_path / "evil.json").write_text(json.dumps(data))
    save(made_traces.mlp3(), tmp_path / "good.json")
    return "evil.json"


def assert_safe(*texts):
    for text in texts:
        found = UNSAFE.search(text)
        assert not found, (found[0], text[max(found.start() - 80, 0) : found.end() + 20])


VERBS = [
    ["--view", "tree", "--full", "--explain"],
    ["--depth", "1"],
    ["--model", f"model{EVIL}"],
    ["--model", f"no model{EVIL}"],
    *([f"--view={view}"] for view in VIEWS),
    ["check"],
    *(["check", "--format", form] for form in FORMATS),
    ["diff", "good.json"],
    ["diff", "--full", "good.json"],
    ["diff", "--format", "json", "good.json"],
]


@pytest.mark.parametrize("arguments", VERBS, ids=repr)
def test_no_verb_sends_what_a_terminal_obeys(cli, evil_file, arguments):
    result = cli(*arguments, evil_file)
    assert result.code in (0, 1)
    assert result.out
    assert_safe(result.out, result.err)


@pytest.mark.parametrize(
    "arguments", [["--view", "tree"], ["--view", "source"], ["check"]], ids=repr
)
def test_nor_in_color(cli, evil_file, arguments, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = cli(*arguments, evil_file)
    colors = re.findall(r"\x1b\[[\d;]*m", result.out)
    links = re.findall(r"\x1b\]8;(?:id=\d+)?;[!-~]*\x1b\\", result.out)
    text = re.sub(r"\x1b\[[\d;]*m|\x1b\]8;(?:id=\d+)?;[!-~]*\x1b\\", "", result.out)
    assert len(colors) > 5
    assert len(links) % 2 == 0
    assert_safe(text)


@pytest.mark.parametrize("form", ["txt", "html", "svg", "dot", "mermaid"])
def test_nor_is_it_in_a_file_that_is_looked_at(cli, evil_file, tmp_path, form):
    result = cli("-o", tmp_path / "x", "--format", form, evil_file)
    assert result.code == 0
    text = (tmp_path / "x").read_text()
    assert_safe(text.replace("\t", " ") if form == "dot" else text, result.err)


def test_what_is_evil_is_still_said(cli, evil_file):
    """It is written out, so that one sees what a thing is called."""
    assert "layer_0\\x1b[31mred" in cli("--full", evil_file).out
    (finding, *_) = json.loads(cli("check", "--format", "json", evil_file).out) or [None]
    assert finding is None or finding["message"]


ERRORS = [
    [f"no{EVIL}.py"],
    [f"no{EVIL}.json"],
    ["-m", f"no{EVIL}"],
    [f"--no{EVIL}"],
    ["--view", EVIL, "good.json"],
    ["--depth", EVIL, "good.json"],
    ["--format", EVIL, "-o", "x", "good.json"],
    ["-o", f"x.{EVIL}", "good.json"],
    ["-o", f"{EVIL}/x.json", "good.json"],
    ["-o", EVIL, "good.json"],
    ["good.json", EVIL],
    ["check", f"no{EVIL}.py"],
    ["check", "--select", EVIL, "good.json"],
    ["check", "--ignore", EVIL, "good.json"],
    ["check", f"--no{EVIL}"],
    ["check", "-o", f"x.{EVIL}", "good.json"],
    ["diff", f"no{EVIL}.json", "good.json"],
    ["diff", "--only", EVIL, "good.json", "good.json"],
    ["diff", "--keras", EVIL, "good.json"],
    ["diff", "--backend", EVIL, "good.json"],
    ["diff", "-o", f"x.{EVIL}", "good.json", "good.json"],
    ["explain", EVIL],
    ["landmarks", EVIL],
    ["doctor", EVIL],
]


@pytest.mark.parametrize("arguments", ERRORS, ids=repr)
def test_no_error_does(cli, evil_file, arguments):
    result = cli(*arguments)
    assert (result.code, result.out) == (2, "")
    assert_safe(result.err)
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "buildtrace", "calls": 7}'])
def test_a_damaged_file_with_such_a_name_does_not(cli, tmp_path, content):
    path = tmp_path / f"{EVIL.replace('/', '')}.json"
    path.write_text(content)
    result = cli(path)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert_safe(result.err)


def test_a_file_is_written_under_such_a_name_and_said_to_be(cli, evil_file, tmp_path):
    result = cli("-o", tmp_path / f"{EVIL}.txt", "good.json")
    assert result.code == 0
    assert (tmp_path / f"{EVIL}.txt").exists()
    assert_safe(result.err)
    assert result.err.count("\n") == 1


def test_what_the_script_prints_is_left_alone(cli, script):
    name = script(f"print({EVIL!r})")
    assert EVIL.replace("\r\n", "\n").split("\n")[0] in cli(name).out.replace("\r\n", "\n")


def test_the_text_of_an_exception_of_ours_is_safe(tmp_path):
    from buildtrace.errors import BuildtraceError

    with pytest.raises(BuildtraceError) as error:
        save(made_traces.mlp3(), tmp_path / f"x.{EVIL}")
    assert_safe(str(error.value))


def test_every_format_is_made_of_it(tmp_path):
    """Half of a surrogate included, which is in no file, but in the names of some."""
    trace = everywhere_evil(f"{EVIL}\udcff")
    for name in RENDERERS:
        save(trace, tmp_path / "x", name)
        assert (tmp_path / "x").stat().st_size
