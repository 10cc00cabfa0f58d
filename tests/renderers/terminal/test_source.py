import made_traces
from msgspec.structs import replace

from buildtrace.renderers import Options, to_text
from buildtrace.traces.definitions import block


def made_at(file, line, name="Thing.build"):
    recording = made_traces.Recording()
    with recording.call(name, recording.layer("thing", "Thing"), file=str(file)):
        pass
    trace = recording.trace()
    trace.calls = tuple(replace(call, line=line) for call in trace.calls)
    return to_text(trace, Options(views=("source",)), width=80)


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
