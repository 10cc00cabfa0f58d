"""BT104, on traces made by hand."""

from __future__ import annotations

from made_traces import Recording, spec

from diagnosis.hand import error, line, said, state

MISSING = "Cross.build() missing 1 required positional argument: 'context'"
NAMES = (
    "For a `build()` method with more than one argument, all arguments should have a `_shape` "
    "suffix and match an argument from `call()`."
)


def on_2(build=("query", "context"), text=MISSING, lines=()):
    r, e = Recording("keras2"), error("TypeError", text, *lines)
    layer, given = r.layer("cross", "Cross"), [spec(2, 3), spec(2, 3)]
    with (
        r.call("Layer.__call__", layer, given, error=e),
        r.call("Layer._maybe_build", layer, given, error=e),
        r.call("Cross.build", layer, given[:1], error=e),
    ):
        pass
    states = [state(layer, 0, built=False, build=build, call=["query", "context"])]
    return said("BT104", r, states)


def on_3(build=("query", "context"), kind="ValueError", text=NAMES):
    r, e = Recording("keras3"), error(kind, text)
    layer, given = r.layer("cross", "Cross"), [spec(2, 3), spec(2, 3)]
    with (
        r.call("Layer.__call__", layer, given, error=e),
        r.call("Layer._maybe_build", layer, given, error=e),
    ):
        pass
    states = [state(layer, 0, built=False, build=build, call=["query", "context", "training"])]
    return said("BT104", r, states)


def test_keras_2_gives_one_shape():
    (finding,) = on_2()
    assert finding.caller == line(2)  # where `build` is defined
    message = "takes query and context, but Keras 2 passes only the shape of the first"
    assert message in finding.message
    assert "query_shape, context_shape = input_shape" in finding.fix
    assert "query, context = inputs" in finding.fix


def test_keras_2_gives_a_shape_to_one_that_takes_none():
    (finding,) = on_2([], "Cross.build() takes 1 positional argument but 2 were given")
    assert "takes nothing" in finding.message


def test_keras_2_an_error_in_build_is_another_matter():
    assert on_2(text="unsupported operand type(s)", lines=[5]) == []
    assert on_2(build=["input_shape"], text="x.build() missing 1 required argument") == []


def test_keras_3_gives_shapes_by_name():
    (finding,) = on_3()
    assert finding.caller == line(2)
    assert "Keras 3 passes query_shape and context_shape" in finding.message
    assert finding.fix.startswith("def build(self, query_shape, context_shape):")


def test_keras_3_right_names_are_well():
    assert on_3(["query_shape", "context_shape"]) == []
    assert on_3(["input_shape"]) == []


def test_keras_3_another_error_is_another_matter():
    assert on_3(text="units must be positive") == []
    assert on_3(kind="TypeError") == []
