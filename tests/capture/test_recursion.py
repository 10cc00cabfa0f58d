"""Python's recursion limit: what builds untraced builds traced, and what is endless ends alike."""

from __future__ import annotations

import bisect
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scenarios import Keras, mlp
from wellformed import faults_of, survives_a_file

import buildtrace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from forked import Python

LIMIT = 400
"""Some of what Keras and TensorFlow do in a recursion takes time by the square of its depth."""

OURS = ("/buildtrace/hooks.py", str(Path(buildtrace.__file__).parent))


def in_a_thread(run: Callable[[], Any]) -> Any:
    """The result of `run` in a stack that begins afresh: pytest's frames eat into the limit."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(run()))
    thread.start()
    thread.join()
    return results[0]


@pytest.fixture
def low_limit() -> Iterator[None]:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(LIMIT)
    yield
    sys.setrecursionlimit(limit)


def error_of(run: Callable[[], Any]) -> Exception | None:
    """What a run ends with."""
    try:
        run()
    except Exception as error:
        return error
    return None


def frames_of(error: BaseException) -> list[str]:
    """The files of the frames that an exception came through, the innermost last."""
    files, traceback = [], error.__traceback__
    while traceback is not None:
        files.append(traceback.tb_frame.f_code.co_filename)
        traceback = traceback.tb_next
    return files


def is_ours(file: str) -> bool:
    return any(part in file for part in OURS)


def chain(k: Keras, length: int) -> Any:
    x = y = k.Input((1,))
    for _ in range(length):
        y = k.layers.Activation("linear")(y)
    return k.Model(x, y)


def size_of_chain(k: Keras, length: int) -> Any:
    """How many layers its graph has; where that is too deep, Keras 2 makes none, and is silent."""
    try:
        return len(getattr(chain(k, length), "_nodes_by_depth", ()))
    except RecursionError:
        return "RecursionError"


@pytest.mark.slow
@pytest.mark.parametrize("length", [980, 1300])
def test_a_deep_chain_ends_traced_as_it_does_untraced(k: Keras, length: int) -> None:
    limit = sys.getrecursionlimit()
    plain = in_a_thread(lambda: size_of_chain(k, length))
    assert (plain == length + 1) == (length == 980), "even plain Keras is otherwise"
    with buildtrace.trace() as trace:
        assert in_a_thread(lambda: size_of_chain(k, length)) == plain
        assert sys.getrecursionlimit() == limit
    assert sys.getrecursionlimit() == limit
    assert len(trace.find("_build_map_helper")) >= min(length, 980)


@pytest.mark.slow
def test_a_script_that_sets_the_limit_builds_as_deep_as_it_wants(k: Keras) -> None:
    """The command traces all of a script, so the limit is set while the hooks are in."""
    limit, length = sys.getrecursionlimit(), 1480
    with buildtrace.trace():
        sys.setrecursionlimit(1500)
        try:
            size = in_a_thread(lambda: size_of_chain(k, length))
            assert sys.getrecursionlimit() == 1500
        finally:
            sys.setrecursionlimit(limit)
    assert size == length + 1


def lineage(k: Keras, generations: int) -> list[Any]:
    """Dense, and below it so many classes, the `build` of each of which goes through all above."""
    classes = [k.layers.Dense]
    for _ in range(generations):

        class Child(classes[-1]):  # type: ignore[misc, name-defined]
            def build(self, input_shape: Any) -> None:
                super().build(input_shape)

        classes.append(Child)
    return classes


@pytest.mark.usefixtures("low_limit")
def test_a_build_through_many_classes_ends_traced_as_it_does_untraced(k: Keras) -> None:
    classes = lineage(k, LIMIT)

    def end(generations: int) -> list[Any]:
        layer = classes[generations](1)
        error = in_a_thread(lambda: error_of(lambda: layer.build((None, 3))))
        frames = frames_of(error) if error is not None else []
        return [type(error), len(layer.weights), [f for f in frames if is_ours(f)]]

    fitting = bisect.bisect(range(LIMIT), 0, key=lambda n: end(n)[0] is not type(None)) - 1
    assert fitting > LIMIT / 2, "even plain Keras is otherwise"
    for generations in (fitting, LIMIT):
        plain = end(generations)
        with buildtrace.trace() as trace:
            assert end(generations) == plain
        assert len(trace.find("Child.build")) >= fitting


def test_the_limit_is_the_programs_own_between_builds(k: Keras) -> None:
    limit = sys.getrecursionlimit()
    with buildtrace.trace():
        assert sys.getrecursionlimit() == limit
        mlp(k).build((None, 3))
        assert sys.getrecursionlimit() == limit
    assert sys.getrecursionlimit() == limit


@pytest.mark.parametrize("wanted", [777, 2000, 5000])
def test_a_limit_that_is_set_in_a_build_stays(k: Keras, wanted: int) -> None:
    limit = sys.getrecursionlimit()

    class Sets(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            sys.setrecursionlimit(wanted)

    try:
        with buildtrace.trace():
            Sets().build((None, 3))
            assert sys.getrecursionlimit() == wanted
            mlp(k).build((None, 3))
            assert sys.getrecursionlimit() == wanted
        assert sys.getrecursionlimit() == wanted
    finally:
        sys.setrecursionlimit(limit)


def test_a_limit_that_is_put_back_in_a_build_is_as_before(k: Keras) -> None:
    limit = sys.getrecursionlimit()

    class Raises(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            before = sys.getrecursionlimit()
            sys.setrecursionlimit(5000)
            mlp(k).build((None, 3))
            sys.setrecursionlimit(before)

    with buildtrace.trace():
        Raises().build((None, 3))
        assert sys.getrecursionlimit() == limit


def test_the_highest_limit_that_python_takes(k: Keras) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(2**31 - 1)
    try:
        with buildtrace.trace() as trace:
            mlp(k).build((None, 3))
        assert sys.getrecursionlimit() == 2**31 - 1
    finally:
        sys.setrecursionlimit(limit)
    assert trace.find("Dense.build")


# -- endless recursion ------------------------------------------------------------------------


def itself_by_call(k: Keras) -> Any:
    class Endless(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return self(inputs)

    return Endless()(k.Input((3,)))


def a_function_in_build(k: Keras) -> Any:
    class Endless(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.again()

        def again(self) -> None:
            self.again()

    return Endless().build((None, 3))


def the_class_in_build(k: Keras) -> Any:
    class Endless(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            type(self).build(self, input_shape)

    Endless().build((None, 3))


def a_new_layer_in_build(k: Keras) -> Any:
    class Endless(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            Endless().build(input_shape)

    Endless().build((None, 3))


def an_input_at_the_end(k: Keras) -> Any:
    """The hook of the landmark is the only one on the stack; traced, this may still fit."""
    return deeper(LIMIT - 45, lambda: k.Input((3,)))


def more_layers_than_fit(k: Keras) -> Any:
    if k.generation == 2:  # which would swallow the error
        return itself_by_call(k)
    return k.Sequential([k.layers.Activation("linear") for _ in range(LIMIT + 50)]).build((None, 1))


ENDLESS = [
    more_layers_than_fit,
    a_new_layer_in_build,
    a_function_in_build,
    the_class_in_build,
    an_input_at_the_end,
    itself_by_call,
]


def deeper(frames: int, run: Callable[[], Any]) -> Any:
    return deeper(frames - 1, run) if frames else run()


def faults_after(k: Keras, endless: Callable[[Keras], Any], frames: int) -> list[str]:
    """What is wrong with the end of a recursion that begins with so many frames on the stack."""
    k.clear_session()
    plain = error_of(lambda: endless(k))  # autograph has an error of its own in its place
    assert plain is not None or endless is an_input_at_the_end
    k.clear_session()
    with warnings.catch_warnings(record=True) as shown, buildtrace.trace() as trace:
        warnings.simplefilter("always")
        error = error_of(lambda: deeper(frames, lambda: endless(k)))
        limit = sys.getrecursionlimit()
        mlp(k).build((None, 3))
    faults = [*faults_of(trace)]
    faults += [str(warning.message) for warning in shown if "buildtrace" in str(warning.message)]
    faults += [] if survives_a_file(trace) else ["it cannot be saved"]
    alike = type(error) in (type(plain), RecursionError) or (
        error is None and endless is an_input_at_the_end
    )
    faults += [] if alike else [f"it is {error!r}"]
    faults += [] if trace.roots[-1].name == "Sequential.build" else ["the next is not recorded"]
    faults += [] if limit == sys.getrecursionlimit() else ["the limit is not the program's"]
    current: BaseException | None = error
    while current is not None:
        files = frames_of(current)
        if files and is_ours(files[-1]):
            faults.append(f"{current!r} ends in {files[-1]}")
        if sys.version_info >= (3, 11) and any(is_ours(file) for file in files):
            faults.append(f"{current!r} has a frame of ours")
        current = current.__cause__ or current.__context__
    return faults


@pytest.mark.sampled(5)
@pytest.mark.usefixtures("low_limit")
@pytest.mark.parametrize("many", [1, pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("endless", ENDLESS, ids=lambda endless: endless.__name__)
def test_an_endless_recursion_ends_in_the_programs_own_code(
    k: Keras, endless: Callable[[Keras], Any], many: int
) -> None:
    """Begun at several depths, so that the last frame is now in one function, now in another."""
    faults = [
        f"{frames} deeper: {fault}"
        for frames in range(0, 40, 40 // many)
        for fault in in_a_thread(lambda frames=frames: faults_after(k, endless, frames))
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.usefixtures("low_limit")
def test_the_calls_of_an_endless_recursion_are_recorded(k: Keras) -> None:
    plain = in_a_thread(lambda: error_of(lambda: itself_by_call(k)))
    with buildtrace.trace() as trace:
        error = in_a_thread(lambda: error_of(lambda: itself_by_call(k)))
    assert type(error) in (type(plain), RecursionError)
    call = next(call for call in trace.roots if call.error is not None)
    assert call.error is not None
    if k.generation == 3:  # autograph's error has no line where its own recursion is all there is
        assert Path(__file__).name in {Path(line.file).name for line in call.error.lines}
    depth = 0
    while True:
        inside = [inner for inner in trace.children(call) if inner.error is not None]
        if not inside:
            break
        call, depth = inside[-1], depth + 1
    assert depth > 20
    assert call.error is not None
    assert call.error.type == "RecursionError"
    assert not faults_of(trace)


def test_the_command_shows_no_frame_of_ours(k: Keras, python: Python, tmp_path: Path) -> None:
    script = tmp_path / "endless.py"
    script.write_text(
        f"import {k.package} as keras\n"
        "class Endless(keras.layers.Layer):\n"
        "    def call(self, inputs):\n"
        "        return self(inputs)\n"
        "Endless()(keras.Input((3,)))\n"
    )
    command = ["-m", "buildtrace", "--view", "tree", script]
    environment = os.environ | {"PYTHONPATH": str(Path(buildtrace.__file__).parents[1])}
    done = python(*command, cwd=tmp_path, env=environment, keras=str(k.generation))
    assert done.returncode == 1
    frames = [line for line in done.stderr.splitlines() if line.startswith('  File "')]
    assert any("endless.py" in line for line in frames)
    assert not any(map(is_ours, frames))


def test_a_thread_that_never_ends_a_build_does_not_keep_the_limit(k: Keras) -> None:
    """Its build goes on when the trace is over, and the next trace is none of its business."""
    limit = sys.getrecursionlimit()
    begun, go_on = threading.Event(), threading.Event()

    class Waits(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            begun.set()
            go_on.wait(60)

    thread = threading.Thread(target=lambda: Waits().build((None, 3)))
    try:
        with buildtrace.trace():
            thread.start()
            assert begun.wait(60)
        with buildtrace.trace():
            mlp(k).build((None, 3))
            assert sys.getrecursionlimit() == limit
    finally:
        go_on.set()
        thread.join(60)
    assert sys.getrecursionlimit() == limit
