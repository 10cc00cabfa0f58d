"""Trace files: what is damaged is refused with a line that says where, all else is read."""

import gzip
import json
import os
import re
import tracemalloc

import made_traces
import msgspec
import pytest
from loops import case
from msgspec import inspect

from buildtrace.errors import TraceFileError
from buildtrace.traces import compression, schema, trace_file
from buildtrace.traces.schema import LayerRef, LayerState, SourceLine
from buildtrace.traces.trace import Trace


def content():
    """What is in a file with every kind of reference in it, to be damaged."""
    trace = made_traces.towers()
    layers = [LayerRef(id=number, name="x", class_name="X") for number in range(3)]
    state = LayerState(layer=layers[0], after=0, built=True, children=tuple(layers[1:]))
    finding = schema.Finding(code="BT101", message="", why="", fix="", calls=(0,))
    holder = schema.Holder(id=0, name="adam", class_name="Adam", kind="optimizer")
    variables = [
        schema.Variable(
            id=number,
            call=number,
            holder=0,
            name="momentum",
            path=f"adam/momentum_{number}",
            shape=(3,),
            dtype="float32",
            weight=number,
        )
        for number in range(2)
    ]
    parts = [schema.SavedLayer(id=n, name="x", class_name="X") for n in range(2)]
    saved = schema.SavedFile(name="x.keras", format="keras", size=0, layers=tuple(parts))
    more = {"states": (state,), "findings": (finding,), "saved": saved}
    use = schema.Use(
        name="Model.fit", generation="keras3", before=0, trainable=(0,), trained=(0, 1)
    )
    more |= {"holders": (holder,), "variables": tuple(variables), "uses": (use,)}
    unmade = schema.UnmadeVariable(call=1, path="x", shape=(3,), dtype="float32", pattern=0)
    distribution = schema.Distribution(id=0, class_name="ModelParallel", unmade=(unmade,))
    layout = schema.VariableLayout(distribution=0, axes=((), ("model",)))
    more["distributions"] = (distribution,)
    spread = (msgspec.structs.replace(trace.weights[0], layout=layout), *trace.weights[1:])
    trace = msgspec.structs.replace(trace, **more, weights=spread)
    data = json.loads(trace_file.to_json(trace))
    data["graphs"][1]["layer_weights"] = [{"layer": 1, "weights": [0]}]
    return data


def loaded(data):
    return trace_file.from_json(json.dumps(data).encode(), "x.json")


def put(data, path, value):
    """Change what the path leads to, such as `calls.3.parent`."""
    *way, last = [int(key) if key.isdecimal() else key for key in path.split(".")]
    for key in way:
        data = data[key]
    data[last] = value


def where(path):
    """The path as it is written in errors: `$.calls[3].parent`."""
    parts = (f"[{key}]" if key.isdecimal() else f".{key}" for key in path.split("."))
    return f"`${''.join(parts)}`"


UNSOUND = {
    "calls.3.id": [2, 4, 10**6],
    "calls.3.parent": [3, 4, 10**6],
    "weights.1.id": [0, 2],
    "weights.1.call": [10**6],
    "calls.5.holder": [1],
    "holders.0.id": [1],
    "variables.1.id": [0, 2],
    "variables.1.call": [10**6],
    "variables.1.holder": [1, 10**6],
    "variables.1.weight": [4],
    "distributions.0.id": [1],
    "distributions.0.unmade.0.call": [10**6],
    "weights.0.layout.distribution": [1, 10**6],
    "graphs.1.nodes.2.id": [1, 7],
    "graphs.1.edges.3.source": [7, 10**6],
    "graphs.1.edges.3.target": [7, 10**6],
    "graphs.1.inputs.1": [7],
    "graphs.1.outputs.0": [7],
    "graphs.1.missing": [[7]],
    "graphs.1.weights.2": [4],
    "graphs.1.trained_otherwise": [[4]],
    "graphs.1.layer_weights.0.weights.0": [4],
    "states.0.after": [10**6],
    "states.0.unbuilt": [[0]],
    "states.0.replaced": [[3]],
    "uses.0.trainable": [[4]],
    "uses.0.trained.1": [4, 10**6],
    "findings.0.calls.0": [10**6],
    "saved.layers.1.id": [0, 2],
    "saved.layers.1.within": [1, 10**6],
}
"""Ids that lead nowhere, or to what comes later, by where they are."""

WRONG = {
    "calls": [None, {}, 7, "x"],
    "calls.3.id": [-1, "3", 3.5, None, 2**31, 2**64, 10**400],
    "calls.3.parent": [-1, "2", True, 2**64],
    "calls.3.name": [None, 7, ["x"], {}],
    "calls.3.step": ["Build", "", 7],
    "calls.3.line": [-1, 2**31, 1e300],
    "calls.3.thread": [-1, None],
    "calls.3.start_ns": [-1, 2**63, 10**400, 0.5],
    "calls.3.duration_ns": [-1, 2**63, "1"],
    "calls.3.caller": [7, {"file": "x"}, {"file": "x", "line": -1}],
    "calls.3.layer": [7, {"id": -1, "name": "x", "class": "X"}, {"id": 1, "name": "x"}],
    "calls.3.folded": [{"reason": "boredom"}, {"reason": "depth", "calls": -1}],
    "weights.1.shape": [[2**63], [[1]], ["1"], {"1": 1}, [10**400]],
    "weights.1.trainable": [1, "yes"],
    "calls.3.loss": [7, {"name": "mse"}, {"name": "mse", "class": "X", "target": {}}],
    "calls.3.structures": [7, {"outputs": {"form": "heap"}}, {"names": ["a"]}],
    "weights.0.layout.axes": [7, ["model"], [[7]], [None]],
    "distributions.0.mesh_shape": [[-1], ["2"], 8],
    "holders.0.kind": ["layer", None],
    "variables.0.shape": [[2**63], [[1]], ["1"]],
    "variables.0.holder": [None, -1],
    "graphs.1.source": ["guess"],
    "graphs.1.nodes.2.kind": ["box"],
    "graphs.1.nodes.2.depth": [-1, 2**40],
    "graphs.1.nodes.2.layer": [-1, "3"],
    "environment": [None, []],
    "error": ["failed", {"type": "ValueError"}],
}
"""What no field of that name can have."""


@pytest.mark.parametrize("table", [UNSOUND, WRONG], ids=["unsound", "wrong"])
def test_what_does_not_fit_is_refused_with_a_line_that_says_where(table):
    assert loaded(content())
    cases = [(path, value) for path in table for value in table[path]]
    for path, value in cases:
        data = content()
        put(data, path, value)
        with case(path, value):
            with pytest.raises(TraceFileError) as error:
                loaded(data)
            message = str(error.value)
            assert message.startswith("x.json: damaged trace file: ")
            assert where(path)[:-1] in message  # or what is in it
            assert "\n" not in message


@pytest.mark.parametrize("name", ["calls", "weights"])
def test_two_things_with_one_id_are_refused(name):
    data = content()
    data[name].append(data[name][-1])
    with pytest.raises(TraceFileError, match=rf"at `\$\.{name}\[{len(data[name]) - 1}\]\.id`"):
        loaded(data)


def test_parents_in_a_circle_are_refused():
    data = content()
    data["calls"][1]["parent"], data["calls"][2]["parent"] = 2, 1
    with pytest.raises(TraceFileError, match=r"got 2 - at `\$\.calls\[1\]\.parent`"):
        loaded(data)


@pytest.mark.parametrize("shapes", [[[2**62, 2]], [[2**32, 2**32]], [[2**62], [2**62]]])
def test_more_parameters_than_a_number_can_hold_are_refused(shapes):
    data = content()
    for weight, shape in zip(data["weights"], shapes, strict=False):
        weight["shape"] = shape
    with pytest.raises(TraceFileError, match=r"parameters - at `\$\.weights`"):
        loaded(data)


def types_in(kind, name=""):
    """Each type in the schema, with the name of the field that has it."""
    yield kind, name
    for field in getattr(kind, "fields", ()):
        yield from types_in(field.type, field.encode_name)
    single = ("type", "item_type", "key_type", "value_type")
    several = [*getattr(kind, "types", ()), *getattr(kind, "item_types", ())]
    for inner in [*(getattr(kind, part, None) for part in single), *several]:
        if inner is not None:
            yield from types_in(inner, name)


def test_every_number_of_a_trace_has_its_bounds():
    """A field of the bare type `int` would be checked for nothing."""
    kinds = types_in(inspect.type_info(Trace))
    numbers = [(kind, name) for kind, name in kinds if isinstance(kind, inspect.IntType)]
    assert len(numbers) > 50
    assert [name for kind, name in numbers if kind.ge is None or kind.le is None] == []


def test_the_table_of_what_is_unsound_has_each_field_that_is_an_id():
    kinds = types_in(inspect.type_info(Trace))
    told = [re.sub(r"[.\d]*$", "", path).rpartition(".")[2] for path in UNSOUND]
    assert {name for kind, name in kinds if getattr(kind, "extra", None)} == set(told)


GOOD = trace_file.to_json(made_traces.mlp3())


def with_text(text):
    """A file in which a class is called this, as bytes."""
    return GOOD.replace(b'"Sequential"', b'"' + text + b'"')


BROKEN = {
    "empty": b"",
    "blank": b" \n",
    "half": GOOD[: len(GOOD) // 2],
    "without its end": GOOD[:-1],
    "with more behind it": GOOD + b"{}",
    "binary": bytes(range(256)),
    "zeros": b"\0" * 10_000,
    "compressed": gzip.compress(GOOD),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "no UTF-8": with_text(b"\xff"),
    "half a character": with_text(b"\xf0\x9f"),
    "a surrogate in UTF-8": with_text(b"\xed\xa0\x80"),
    "half a surrogate": with_text(rb"\ud800"),
    "half a surrogate, the second": with_text(rb"\udc00"),
    "a line break in a text": with_text(b"\n"),
    "NaN": GOOD.replace(b'"line":10', b'"line":NaN'),
    "Infinity": GOOD.replace(b'"line":10', b'"line":Infinity'),
    "minus Infinity": GOOD.replace(b'"line":10', b'"line":-Infinity'),
    "a number": b"1",
    "a list": b"[]",
    "brackets": b"[" * 200_000,
    "closed brackets": b"[" * 200_000 + b"]" * 200_000,
    "braces": b'{"a":' * 200_000,
    "brackets in a key that is not known": GOOD[:-1] + b',"x":' + b"[" * 200_000,
    "brackets in a list": GOOD.replace(b'"shape":[', b'"shape":[' + b"[" * 200_000),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_json_is_refused_in_one_line(kind):
    with pytest.raises(TraceFileError) as error:
        trace_file.from_json(BROKEN[kind], "x.json")
    assert str(error.value).startswith("x.json: ")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


def test_the_byte_that_is_no_utf_8_is_named():
    text = with_text(b"\xff")
    with pytest.raises(TraceFileError, match=rf"not UTF-8 \(byte {text.index(0xFF)}\)"):
        trace_file.from_json(text)


@pytest.mark.parametrize("make", [os.mkdir, getattr(os, "mkfifo", None)])
def test_what_is_no_file_is_refused_without_waiting(make, tmp_path):
    if make is None:
        pytest.skip("no pipes with names on this system")
    make(tmp_path / "x.json")
    with pytest.raises(TraceFileError, match="a folder, a pipe or a device"):
        trace_file.load(tmp_path / "x.json")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no such device")  # noqa: PTH110
def test_a_device_that_never_ends_is_refused(tmp_path):
    (tmp_path / "x.json").symlink_to("/dev/zero")
    with pytest.raises(TraceFileError, match="a folder, a pipe or a device"):
        trace_file.load(tmp_path / "x.json")


def test_a_file_that_is_not_there_is_the_system_s_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        trace_file.load(tmp_path / "x.json")


@pytest.mark.parametrize(
    "make",
    [
        made_traces.mlp2,
        made_traces.mlp3,
        made_traces.failing,
        made_traces.evil,
        made_traces.towers,
        made_traces.frozen,
        made_traces.caught,
        Trace,
    ],
)
def test_a_sound_trace_is_the_same_after_it_was_written_and_read(make):
    assert trace_file.from_json(trace_file.to_json(make())) == make()


# -- compressed -------------------------------------------------------------------------------


def test_a_compressed_file_is_the_same_text_without_a_name_and_a_time(tmp_path):
    trace = made_traces.mlp3()
    for name in ("a.json.gz", "B.JSON.GZ"):
        trace.save(tmp_path / name)
    written = (tmp_path / "a.json.gz").read_bytes()
    assert written == (tmp_path / "B.JSON.GZ").read_bytes()
    assert written[3:8] == b"\0" * 5  # the flags, one of which is for a name, and the time
    assert gzip.decompress(written) == GOOD
    assert trace_file.load(tmp_path / "a.json.gz") == trace


@pytest.mark.parametrize("name", ["x.json", "x.json.gz", "x"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_content_tells_whether_a_file_is_compressed(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(GOOD))
    assert trace_file.load(tmp_path / name) == made_traces.mlp3()


def test_a_file_that_gzip_itself_has_made_has_a_name_in_it(tmp_path):
    with gzip.open(tmp_path / "x.json.gz", "wb") as file:
        file.write(GOOD)
    assert b"x.json" in (tmp_path / "x.json.gz").read_bytes()
    assert trace_file.load(tmp_path / "x.json.gz") == made_traces.mlp3()


PACKED = compression.compressed(GOOD)

BADLY_PACKED = {
    "half": (PACKED[: len(PACKED) // 2], "its end is missing: copy it anew"),
    "without its last byte": (PACKED[:-1], "its end is missing: copy it anew"),
    "the magic bytes alone": (PACKED[:2], "its end is missing: copy it anew"),
    "zeros": (PACKED[:2] + b"\0" * 100, "damaged: copy it anew"),
    "another checksum": (PACKED[:-8] + b"\0" * 8, "damaged: copy it anew"),
    "twice": (PACKED + PACKED, "more follows the compressed trace"),
    "with text behind it": (PACKED + b"x", "more follows the compressed trace"),
    "in two members": (
        compression.compressed(GOOD[:9]) + compression.compressed(GOOD[9:]),
        "more follows the compressed trace",
    ),
    "nothing": (gzip.compress(b""), "not a readable trace file"),
    "other JSON": (gzip.compress(b"{}"), "not a buildtrace file"),
    "a picture": (gzip.compress(b"\x89PNG\r\n\x1a\n\0\0"), "not a readable trace file"),
    "compressed again": (gzip.compress(PACKED), "not a readable trace file"),
}


def refusal(path):
    """The line with which a file is refused."""
    with pytest.raises(TraceFileError) as error:
        trace_file.load(path)
    line = str(error.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert len(line) < len(str(path)) + 200
    return line


@pytest.mark.parametrize("kind", BADLY_PACKED)
def test_what_is_no_compressed_trace_is_refused_in_one_line(tmp_path, kind):
    content, says = BADLY_PACKED[kind]
    (tmp_path / "x.json.gz").write_bytes(content)
    assert says in refusal(tmp_path / "x.json.gz")


def test_no_byte_of_a_compressed_file_can_change_unnoticed(tmp_path):
    path = tmp_path / "x.json.gz"
    for place in range(3, len(PACKED), 7):
        changed = bytearray(PACKED)
        changed[place] ^= 0x55
        path.write_bytes(changed)
        try:
            assert trace_file.load(path) == made_traces.mlp3()  # such as another time in its header
        except TraceFileError:
            assert refusal(path)


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused_before_it_fills_the_memory(
    tmp_path, monkeypatch
):
    bomb = gzip.compress(GOOD[:-1] + b" " * 2**26 + b"}", 1)  # a sound trace, but for its size
    (tmp_path / "x.json.gz").write_bytes(bomb)
    assert trace_file.load(tmp_path / "x.json.gz") == made_traces.mlp3()
    monkeypatch.setattr(compression, "LARGEST", 2**22)
    tracemalloc.start()
    line = refusal(tmp_path / "x.json.gz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert line.endswith("and name what comes out of it")
    assert "larger than 4 MiB" in line
    assert peak < 2**24


def test_what_a_newer_version_adds_is_left_alone():
    data = content()
    data["more"] = data["calls"][0]["more"] = {"deep": [[[{}]]]}
    assert loaded(data) == loaded(content())


def test_the_version_is_looked_at_before_all_else():
    data = content() | {"version": 99, "calls": "in another form"}
    with pytest.raises(TraceFileError, match="newer buildtrace"):
        loaded(data)


def test_a_name_that_is_no_text_is_written_out():
    """Python has such a name of a script whose own is no UTF-8."""
    trace = made_traces.mlp3()
    odd = msgspec.structs.replace(trace.calls[0], caller=SourceLine(file="m\udcff.py", line=1))
    trace = msgspec.structs.replace(trace, calls=(odd, *trace.calls[1:]))
    again = trace_file.from_json(trace_file.to_json(trace))
    assert again.calls[0].caller == SourceLine(file="m\\udcff.py", line=1)
    assert again.calls[1:] == trace.calls[1:]


def test_a_file_leaves_out_only_what_is_known_by_its_value():
    """Not a word that is as usual: one that was unpickled is another object, and would be there."""
    classes = [c for c in vars(schema).values() if isinstance(c, type)]
    plain = [c for c in classes if issubclass(c, schema.PlainData)]
    words = {
        c.__name__: [
            f.name for f in msgspec.structs.fields(c) if isinstance(f.default, str) and f.default
        ]
        for c in plain
        if c.__struct_config__.omit_defaults
    }
    assert len(words) > 10
    assert not {name: fields for name, fields in words.items() if fields}


@pytest.mark.parametrize("part", ["calls", "landmarks"])
def test_a_generation_that_nobody_knows_is_refused(part):
    data = content()
    data[part][0]["generation"] = "keras1"
    with pytest.raises(TraceFileError, match=r"damaged trace file.*keras1"):
        trace_file.from_json(json.dumps(data).encode())
