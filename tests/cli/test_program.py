"""What a command line names to be run or shown."""

from __future__ import annotations

from buildtrace.cli.program import Program, same_program


def test_runs_of_one_program_are_known_as_such(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = Program("model.py")
    other = Program(str(tmp_path / "model.py"), keras="2", backend="jax")
    assert same_program(model, other)
    assert not same_program(model, model._replace(arguments=("--deep",)))
    assert not same_program(model, model._replace(target="other.py"))
    assert not same_program(model, model._replace(is_module=True))
    trace = Program("build.json")
    assert not same_program(trace, trace)


def test_a_trace_is_told_by_its_suffix():
    assert Program("build.JSON").is_trace
    assert Program("build.v2.json.GZ").is_trace
    assert not Program("build.py").is_trace
    assert not Program("build.html").is_trace
    assert not Program("build.gz").is_trace
    assert not Program("build.json", is_module=True).is_trace
