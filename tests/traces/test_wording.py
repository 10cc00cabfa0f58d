from __future__ import annotations

import pytest

from buildtrace.traces import wording
from buildtrace.traces.schema import ErrorInfo, LayerRef


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["dense_1", "dense_2", "dense_3"], "dense_1 to dense_3"),
        (["functional_7", "functional_7"], "functional_7"),
        (["functional_7"], "functional_7"),
        (["encoder", "decoder"], "encoder and decoder"),
        (["a", "b", "c", "a"], "a, b and c"),
        (["a", "b", "a"], "a and b"),
        (["a\n", "b\n", "c\n"], r"a\n to c\n"),
    ],
)
def test_a_span_names_each_thing_once(names, said):
    assert wording.span(names) == said


@pytest.mark.parametrize(
    ("name", "class_name", "in_a_sentence", "alone"),
    [
        ("hidden", "Dense", "'hidden' (Dense)", "hidden (Dense)"),
        ("hidden", "", "'hidden'", "hidden"),  # of a file of weights
        ("", "Dense", "a Dense", "(Dense)"),
        ("", "", "a layer", ""),
    ],
)
def test_a_layer_with_what_is_known_of_it(name, class_name, in_a_sentence, alone):
    ref = LayerRef(id=0, name=name, class_name=class_name)
    assert (wording.layer(ref), wording.layer_title(ref)) == (in_a_sentence, alone)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB"),
        (29_304, "28.6 KiB"),
        (1_023_900, "1,000 KiB"),
        (5 * 2**30, "5.0 GiB"),
        (2**62, "4.0 EiB"),
    ],
)
def test_a_number_of_bytes(number, text):
    assert wording.size_in_memory(number) == text


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        (
            "<Variable path=out/kernel, shape=(2, 2), dtype=float32, value=[[1. 2.]\n [3. 4.]]>",
            "<Variable path=out/kernel, shape=(2, 2), dtype=float32, value=[…]>",
        ),
        (
            "<tf.Variable 'out/bias:0' shape=(2,) dtype=float32, numpy=array([1., 2.], "
            "dtype=float32)>",
            "<tf.Variable 'out/bias:0' shape=(2,) dtype=float32, numpy=array([…], dtype=float32)>",
        ),
        ("<Variable path=lr, shape=(), value=0.1>", "<Variable path=lr, shape=(), value=0.1>"),
        ("the user's own value=[1, 2]", "the user's own value=[1, 2]"),
    ],
)
def test_the_numbers_of_a_variable_are_left_out_of_a_message(variable, said):
    error = ErrorInfo(type="ValueError", message=f"does not fit: {variable}, too bad")
    assert wording.essence(error) == [f"ValueError: does not fit: {said}, too bad"]


def test_numbers_that_a_message_is_cut_in_are_left_out_as_well():
    error = ErrorInfo(type="ValueError", message="does not fit: <Variable value=[[1. 2.]\n [3. …")
    assert wording.essence(error) == ["ValueError: does not fit: <Variable value=[…]"]
