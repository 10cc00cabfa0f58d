"""What an exception's line compared. The expected texts are written by hand."""

from __future__ import annotations

import json
import sys
import textwrap
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from msgspec.structs import replace

import buildtrace
from buildtrace.capture.raised import error_info, info_of_the_end
from buildtrace.traces import failures
from buildtrace.traces.schema import ComparedValues

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios import Keras


NEEDS_PLACES = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="where in a line it failed is known from Python 3.11 on"
)


def raised_in(tmp_path: Path, body: str, **names: Any) -> ComparedValues | None:
    """What is said of the exception that a function with this body raises, given these names."""
    file = tmp_path / "checks.py"
    file.write_text(f"def check({', '.join(names)}):\n" + textwrap.indent(body, "    "))
    namespace: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), namespace)
    try:
        namespace["check"](**names)
    except Exception as error:
        return error_info(error).compared
    pytest.fail("nothing was raised")


class Named(SimpleNamespace):
    """Has its name as layers have theirs."""

    @property
    def name(self) -> str:
        return str(self._name)


@pytest.mark.parametrize(
    ("condition", "names", "values"),
    [
        ("s[-1] != self.dim", {"s": (2, 400), "self": SimpleNamespace(dim=784)}, "400 != 784"),
        ("a % b != 0 or c is None", {"a": 8, "b": 3, "c": "x"}, "8 % 3 != 0 or 'x' is None"),
        ("len(shapes) != 2", {"shapes": [(1, 2), (3, 4), (5, 6)]}, "3 != 2"),
        ("len(x.shape) > 1", {"x": np.zeros((2, 3))}, "2 > 1"),
        ("x.dtype != 'int32'", {"x": np.zeros(3, "float32")}, "float32 != 'int32'"),
        ("word not in {'same', 'valid'}", {"word": "some"}, "'some' not in {'same', 'valid'}"),
        ("shape[1:] != (3,)", {"shape": (2, 5)}, "(5,) != (3,)"),
        ("self.name in w", {"self": Named(_name="a"), "w": ["a"]}, "'a' in ['a']"),
        ("not flag", {"flag": False}, "not False"),
        ("s[int(i)] != 3", {"s": [2, 768], "i": "-1"}, "[2, 768][int('-1')] != 3"),
        ("s[int(i)] != d", {"s": [2, 768], "i": -1.0, "d": 192}, "768 != 192"),
        ("i in s and x[i] <= 0", {"i": 0, "s": [0], "x": np.zeros(2)}, "0 in [0] and x[i] <= 0"),
        ("set(given) - set(known)", {"given": {"x": 1}, "known": ["y"]}, "set({'x'}) - set(['y'])"),
    ],
)  # fmt: skip
def test_a_condition_is_shown_with_its_values(
    tmp_path: Path, condition: str, names: dict[str, Any], values: str
) -> None:
    told = raised_in(tmp_path, f"if {condition}:\n    raise ValueError('no')", **names)
    assert told is not None
    assert (told.expression, told.values, told.is_condition) == (condition, values, True)


@pytest.mark.parametrize(
    ("body", "expression", "values"),
    [
        ("if a > 1:\n    pass\nelse:\n    raise ValueError", "not a > 1", "not 1 > 1"),
        ("if a > 1:\n    pass\nelif a < 2:\n    raise ValueError", "a < 2", "1 < 2"),
        ("for i in (1, 2):\n    if i > a:\n        raise ValueError", "i > a", "2 > 1"),
        ("assert a == 2", "not a == 2", "not 1 == 2"),
        (
            "if a:\n    raise ValueError(\n        'a long text'\n        f'{a}'\n    )",
            "a",
            "1",
        ),
        ("if a < 2:\n    with open(__file__):\n        raise ValueError", "a < 2", "1 < 2"),
    ],
)
def test_what_had_to_be_true(tmp_path: Path, body: str, expression: str, values: str) -> None:
    told = raised_in(tmp_path, body.replace("__file__", repr(__file__)), a=1)
    assert told is not None
    assert (told.expression, told.values, told.is_condition) == (expression, values, True)


@NEEDS_PLACES
@pytest.mark.parametrize(
    ("body", "expression", "values"),
    [
        ("return 1 + (x @ y)", "x @ y", "(2, 3) float64 @ (4, 5) float64"),
        ("z = x.reshape((7,))", "x.reshape((7,))", None),
        ("import numpy\nnumpy.matmul(x, b=y)", "numpy.matmul(x, b=y)", None),
        ("return x + sizes[5]", "sizes[5]", None),
        (
            "int(y, *sizes, **{'a': x})",
            "int(y, *sizes, **{'a': x})",
            "int((4, 5) float64, *sizes, **{'a': x})",
        ),
    ],
)
def test_the_operation_that_failed(
    tmp_path: Path, body: str, expression: str, values: str | None
) -> None:
    told = raised_in(tmp_path, body, x=np.zeros((2, 3)), y=np.zeros((4, 5)), sizes=(1, 2))
    if values is not None:
        assert told is not None
        assert (told.expression, told.values, told.is_condition) == (expression, values, False)
    elif told is not None:
        assert told.expression == expression


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError('always')",
        "try:\n    x[9]\nexcept IndexError:\n    raise ValueError",
        "if x:\n    try:\n        x[9]\n    except IndexError:\n        raise ValueError",
        "if made():\n    raise ValueError",
        "if id(made) not in (1, 2) and x is not None:\n    raise ValueError",
        "if x == thing:\n    raise ValueError",
        "if " + " or ".join(["x[0] == 1"] * 30) + ":\n    raise ValueError",
    ],
)
def test_nothing_is_said_that_explains_nothing(tmp_path: Path, body: str) -> None:
    assert raised_in(tmp_path, body, x=[1] * 9, made=lambda: True, thing=[1] * 9) is None


class Guarded:
    """Whose attributes must not be asked for."""

    asked = False

    @property
    def size(self) -> int:
        Guarded.asked = True
        return 1

    def __len__(self) -> int:
        Guarded.asked = True
        return 1

    def __getitem__(self, index: int) -> int:
        Guarded.asked = True
        return 1

    def __repr__(self) -> str:
        Guarded.asked = True
        return "guarded"


def test_no_code_of_the_program_is_run_for_it(tmp_path: Path) -> None:
    body = "if thing is not None and n in (1, n) or thing.size:\n    raise ValueError"
    told = raised_in(tmp_path, body, thing=Guarded(), n=1)
    assert told is not None
    assert not Guarded.asked


def test_a_file_that_is_gone_says_nothing(tmp_path: Path) -> None:
    namespace: dict[str, Any] = {}
    text = "def check(a):\n    if a > 1:\n        raise ValueError"
    exec(compile(text, str(tmp_path / "gone.py"), "exec"), namespace)
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - it has no text
        namespace["check"](2)
    assert error_info(raised.value).compared is None


def failed(build: Any) -> ComparedValues | None:
    with pytest.raises(Exception) as raised, buildtrace.trace() as trace:  # noqa: PT011
        build()
    del raised
    failure = failures.failure(trace)
    assert failure is not None
    return failure.error.compared


def test_what_keras_compared(k: Keras) -> None:
    """The conditions are Keras' own, and differ; the values are the program's."""
    layers = k.layers

    def other_size() -> None:
        layer = layers.Dense(4)
        layer(np.zeros((2, 192), "float32"))
        layer(np.zeros((2, 768), "float32"))

    def merged() -> None:
        layers.Add()([k.Input((8, 3)), k.Input((6, 3))])

    told = failed(other_size)
    assert told is not None
    assert "192 is not None" in told.values
    assert "768" in told.values
    told = failed(merged)
    assert told is not None
    assert told.values == "8 != 6"


def test_what_the_users_own_layer_compared(k: Keras) -> None:
    class Heads(k.layers.Layer):  # type: ignore[name-defined, misc]
        def __init__(self, heads: int) -> None:
            super().__init__()
            self.heads = heads

        def build(self, input_shape: Any) -> None:
            if input_shape[-1] % self.heads != 0:
                raise ValueError("must be divisible")
            self.built = True

        def call(self, x: Any) -> Any:
            return x

    told = failed(lambda: Heads(3)(k.Input((8,))))
    assert told is not None
    assert told.expression == "input_shape[-1] % self.heads != 0"
    assert told.values == "8 % 3 != 0"


def test_who_raised_it_is_read_once():
    """Further out only the lines that it came through are read, and its text."""
    try:
        json.loads("{")
    except ValueError as error:
        first = error_info(error)
        known = replace(first, compared=ComparedValues(expression="a", values="1"))
        error.args = ("another text",)
        again = error_info(error, known)
    assert again == replace(known, message="another text")


def give_up():
    try:
        {}["x"]
    except KeyError:
        raise ValueError("no model") from None


def test_what_an_exception_was_raised_in_the_place_of():
    with pytest.raises(ValueError, match="no model") as raised:
        give_up()
    assert info_of_the_end(raised.value).instead_of == ("KeyError: 'x'",)
    assert info_of_the_end(raised.value.__context__).instead_of == ()
