"""The door to source code: what it gives of a recorded trace, and of one that was loaded."""

import json
import linecache
import os
import sys
import threading
from pathlib import Path

import made_traces
import pytest
from msgspec.structs import replace

from buildtrace.errors import TraceFileError
from buildtrace.renderers import Options, to_text
from buildtrace.traces import definitions, installed_keras, source_code, source_origins
from buildtrace.traces.schema import Excerpt, SourceFile, SourceLine
from buildtrace.traces.trace import Trace
from buildtrace.traces.trace_file import from_json, to_json

NUMBERED = "".join(f"x{number} = {number}\n" for number in range(1, 101))


def called_from(file, *lines, defined_at=0):
    """A trace of one call from each of these lines, perhaps of a function in the same file."""
    recording = made_traces.Recording()
    for line in lines:
        with recording.call(
            "Dense.build", caller=SourceLine(file=str(file), line=line), file=str(file)
        ):
            pass
    trace = recording.trace()
    return replace(trace, calls=tuple(replace(call, line=defined_at) for call in trace.calls))


def loaded(trace):
    return from_json(to_json(trace))


def script(tmp_path, text, name="model.py"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


# -- statements -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("raise ValueError(text)\nx = 1", 1),
        ("raise ValueError(\n    text\n)\nx = 1", 3),
        ('raise ValueError(  # (\n    \'(\' + """\n)"""\n)\nx = 1', 4),
        ("x = 1 + \\\n    2\ny = 3", 2),
        ("raise ValueError(\n    text", 2),  # it goes on where we have no more of it
        ("fail(x))\ny = 3", 1),  # it is the second line of a statement
        ("if x:  # no body\n    y = 3", 1),
        ("x = 'no end\ny = 3", 1),
    ],
)
def test_the_lines_of_a_statement(code, lines):
    assert definitions.statement(code.split("\n")) == code.split("\n")[:lines]


# -- what is carried --------------------------------------------------------------------------


def test_lines_around_the_users_are_carried_and_no_others(tmp_path):
    file = script(tmp_path, NUMBERED)
    (source,) = loaded(called_from(file, 20, 24, 50)).sources
    assert source.file == file
    pieces = [(e.line, e.text.split("\n")[0], e.text.split("\n")[-1]) for e in source.excerpts]
    assert pieces == [(15, "x15 = 15", "x29 = 29"), (45, "x45 = 45", "x55 = 55")]


@pytest.mark.parametrize("made", [made_traces.frozen, made_traces.caught])
def test_what_is_asked_of_a_loaded_trace_is_what_was_asked_before(tmp_path, made):
    file = script(tmp_path, made_traces.SCRIPT, "net.py")
    before = made(file)
    text = to_json(before)
    answers = [_asked(before, file, line) for line in (9, 13, 17, 18)]
    Path(file).unlink()
    after = from_json(text)
    assert [_asked(after, file, line) for line in (9, 13, 17, 18)] == answers
    assert any(answers)


def test_the_line_of_keras_that_raised_is_carried_with_its_statement(tmp_path):
    lines = ["def check(x):", "    if x:", "        raise ValueError(", "            f'No: {x}'"]
    lines += ["        )", "    return x"]
    raised_at = SourceLine(file=script(tmp_path, "\n".join(lines), "input_spec.py"), line=3)
    before = made_traces.frozen(raised_at=raised_at)
    text = to_json(before)
    statements = [before.index.source_code.statement(raised_at)]
    Path(raised_at.file).unlink()
    after = from_json(text)
    statements.append(after.index.source_code.statement(raised_at))
    assert statements == ["raise ValueError(\n    f'No: {x}'\n)"] * 2
    assert after.index.source_code.line(raised_at) == "raise ValueError("
    assert after.failed.error.raised_at == raised_at


def _asked(trace, file, line):
    code, location = trace.index.source_code, SourceLine(file=file, line=line)
    if line not in trace.index.user_lines[file]:
        return []
    return [code.line(location), code.around(location, 5, 5), code.function_at(location)]


def test_a_function_is_carried_once(tmp_path):
    code = "class A:\n    @wraps\n    def build(self):\n        'é'\n\n    x = 1\n"
    file = script(tmp_path, code)
    (source,) = loaded(called_from(file, 1, 1, 1, defined_at=2)).sources
    assert source.functions == (Excerpt(line=2, text="@wraps\ndef build(self):\n    'é'"),)


def test_code_that_has_no_file_is_carried():
    """As cells of a notebook, and what is typed in."""
    text = "a = 1\nb = 2\n"
    linecache.cache["In[3]"] = (len(text), None, text.splitlines(keepends=True), "In[3]")
    try:
        trace = loaded(called_from("In[3]", 2))
    finally:
        del linecache.cache["In[3]"]
    assert trace.index.source_code.line(SourceLine(file="In[3]", line=2)) == "b = 2"


def test_what_was_loaded_is_saved_again_as_it_came(tmp_path):
    once = to_json(made_traces.frozen(script(tmp_path, made_traces.SCRIPT, "net.py")))
    assert b'"sources":[{' in once
    assert to_json(from_json(once)) == once


def test_the_file_as_it_was_is_shown_when_it_has_changed(tmp_path):
    file = script(tmp_path, NUMBERED)
    before = to_json(called_from(file, 20))
    script(tmp_path, NUMBERED.replace("x", "yyy"))
    location = SourceLine(file=file, line=20)
    assert from_json(before).index.source_code.line(location) == "x20 = 20"
    assert called_from(file, 20).index.source_code.line(location) == "yyy20 = 20"


def test_a_file_has_room_for_so_much(tmp_path, monkeypatch):
    monkeypatch.setattr(source_origins, "MOST_CHARACTERS", 120)
    trace = called_from(script(tmp_path, NUMBERED), 20, 50)  # 11 lines of 8 characters each
    (source,) = loaded(trace).sources
    assert [excerpt.line for excerpt in source.excerpts] == [15]


def test_a_loaded_trace_has_no_more_room():
    text = "x" * (source_origins.MOST_CHARACTERS // 2)
    trace = called_from("a.py", 1, 2, 3, defined_at=4)
    excerpts = [Excerpt(line=line, text=text) for line in (1, 2, 3)]
    trace.sources = (SourceFile(file="a.py", functions=(excerpts[0],), excerpts=(*excerpts,)),)
    code = trace.index.source_code
    known = [bool(code.line(SourceLine(file="a.py", line=line))) for line in (1, 2, 3)]
    assert known == [True, True, False]


def test_a_function_is_shown_once_whatever_it_is_called():
    """A small file could say else that its one function has a hundred thousand names."""
    trace = called_from("a.py", *[1] * 50, defined_at=4)
    calls = (replace(call, name=f"A{call.id}.build") for call in trace.calls)
    trace = replace(trace, calls=tuple(calls))
    source = SourceFile(file="a.py", functions=(Excerpt(line=4, text="def build(): pass"),))
    trace.sources = (source,)
    text = to_text(trace, Options(views=("source",)))
    assert text.count("def build(): pass") == 1
    assert text.count("its source is that of A0.build") == 49


@pytest.mark.parametrize("comment", ["# buildtrace: ignore[BT105]", "# buildtrace: ignore"])
def test_comments_that_ignore_findings_are_carried(tmp_path, comment):
    file = script(tmp_path, f"first(\n    a,\n    b,  {comment}\n)\nsecond()\n")
    code = loaded(called_from(file, 1)).index.source_code
    codes = ["BT105"] if "BT105" in comment else [""]
    for line in (1, 2, 3, 4):
        assert [*code.ignored(SourceLine(file=file, line=line))] == codes
    assert not code.ignored(SourceLine(file=file, line=5))


# -- what is shown ----------------------------------------------------------------------------


@pytest.mark.parametrize("carry", [False, True])
def test_lines_are_safe_and_end(tmp_path, carry):
    text = "def build():\n\tx = '\x1b[31m\u202e\x9b'  \n\ty = '" + "z" * 100_000 + "'\n"
    file = script(tmp_path, text)
    trace = called_from(file, 2, defined_at=1)
    if carry:
        excerpt = Excerpt(line=1, text=text)
        source = SourceFile(file=file, functions=(excerpt,), excerpts=(excerpt,))
        trace.sources = (source,)
    code = trace.index.source_code
    lines = code.function(trace.calls[0])[0]
    assert lines[1] == r"    x = '\x1b[31m\u202e\x9b'"
    assert lines[2] == "    y = '" + "z" * (source_code.LONGEST_LINE - 9) + "…"
    assert code.line(SourceLine(file=file, line=2)) == lines[1].strip()
    assert list(code.around(SourceLine(file=file, line=2), 1, 1).values()) == lines[:3]


def test_no_file_can_say_that_it_is_of_this_process():
    text = to_json(made_traces.mlp3())
    assert from_json(text).sources == ()
    for value in ("null", "true", '"UNSET"', "{}"):
        spoiled = text.replace(b'"sources":[]', f'"sources":{value}'.encode())
        assert spoiled != text
        with pytest.raises(TraceFileError, match="sources"):
            from_json(spoiled)


def test_traces_are_equal_wherever_their_source_is():
    trace = made_traces.mlp3()
    assert replace(trace, sources=(SourceFile(file="a.py"),)) == trace
    assert replace(trace, weights=()) != trace
    assert trace != "trace"
    with pytest.raises(TypeError, match="unhashable"):
        hash(trace)


# -- files of this process --------------------------------------------------------------------


def test_only_regular_files_are_read(tmp_path, monkeypatch):
    (tmp_path / "model.py").write_text("here\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ["model.py", "/dev/zero", str(tmp_path), "a\0b", "/" + "x" * 5_000, "", "<string>"]:
        code = called_from(name, 1).index.source_code
        assert code.line(SourceLine(file=name, line=1)) == "", name
    assert called_from(tmp_path / "model.py", 1).index.source_code.line(
        SourceLine(file=str(tmp_path / "model.py"), line=1)
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a FIFO")
def test_a_pipe_is_not_read(tmp_path):
    """As a script is that a shell makes of a command: to read it would wait, or take it away."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    asking = threading.Thread(target=to_json, args=[called_from(path, 1, defined_at=1)])
    asking.daemon = True
    asking.start()
    asking.join(20)
    assert not asking.is_alive()


# -- functions of the installed Keras ---------------------------------------------------------

DENSE = """\
import secrets

class Dense:
    @decorated
    def build(self, shape):
        return shape

    def call(self, x):
        return x

def build(x):
    return x
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A package that counts as Keras, with a module beside it."""
    folder = tmp_path / "site" / "fakeras"
    (folder / "layers").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('imported')\n")
    (folder / "layers" / "dense.py").write_text(DENSE)
    (tmp_path / "site" / "fakeras.py").write_text(DENSE)
    (tmp_path / "site" / "beside.py").write_text(DENSE)
    (folder / "layers" / "wide.py").write_text(DENSE + "#" * installed_keras.LONGEST_FILE)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(installed_keras, "PACKAGES", ("fakeras", "not_there_at_all"))
    for cached in (installed_keras._lines, installed_keras._folders):
        cached.cache_clear()
    yield
    for cached in (installed_keras._lines, installed_keras._folders):
        cached.cache_clear()


def ran(module, name, line):
    recording = made_traces.Recording()
    with recording.call(name):
        pass
    trace = recording.trace()
    call = replace(trace.calls[0], module=module, line=line)
    return Trace(calls=(call,)).index.source_code.function(call)


@pytest.mark.parametrize(
    ("name", "line", "lines"),
    [
        ("Dense.build", 4, ["@decorated", "def build(self, shape):", "    return shape"]),
        ("Dense.call", 8, ["def call(self, x):", "    return x"]),
        ("build", 11, ["def build(x):", "    return x"]),
    ],
)
def test_a_function_of_keras_is_found_where_it_is_installed(fake, name, line, lines):
    assert ran("fakeras.layers.dense", name, line) == (lines, "")


@pytest.mark.parametrize(
    ("module", "name", "line"),
    [
        ("fakeras.layers.dense", "Dense.build", 5),  # its decorators belong to it
        ("fakeras.layers.dense", "Dense.build", 1),
        ("fakeras.layers.dense", "Dense.build", 10**30),
        ("fakeras.layers.dense", "Dense.build", -4),
        ("fakeras.layers.dense", "Dense.call", 4),
        ("fakeras.layers.dense", "ense.build", 4),
        ("fakeras.layers.dense", "build", 4),
        ("fakeras.layers.dense", "", 4),
        ("fakeras.layers.dense", ".build", 4),
        ("fakeras.layers.wide", "Dense.build", 4),
        ("fakeras", "Dense.build", 4),  # the file beside the folder is none of it
        ("fakeras.", "Dense.build", 4),
        ("fakeras...beside", "Dense.build", 4),
        ("fakeras.layers./dense", "Dense.build", 4),
        ("fakeras.layers/dense", "Dense.build", 4),
        ("fakeras.layers.dense\0", "Dense.build", 4),
        ("beside", "Dense.build", 4),
        ("fakeras.nothing", "Dense.build", 4),
        ("not_there_at_all.layers", "Dense.build", 4),
        ("", "Dense.build", 4),
    ],
)
def test_nothing_else_is(fake, module, name, line):
    code, missing = ran(module, name, line)
    assert code == []
    assert missing.startswith("the trace does not carry it")
    assert ("another version" in missing) == module.split(".")[0].endswith("fakeras")
    assert ("not installed" in missing) == module.startswith("not_there")


def test_an_old_file_has_no_sources():
    fields = json.loads(to_json(made_traces.mlp3()))
    del fields["sources"]
    trace = from_json(json.dumps(fields).encode())
    assert trace.sources == ()
    assert trace == made_traces.mlp3()


def test_showing_what_is_loaded_imports_no_keras():
    assert "fakeras" not in sys.modules
