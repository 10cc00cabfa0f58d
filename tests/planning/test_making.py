"""What a plan says of traces made by hand, worked out by hand. No Keras needed."""

import msgspec
import pytest
from made_traces import mlp2, mlp3, saved_model, trained
from spread_traces import spread

from buildtrace.planning import PlanRequest, make_plan
from buildtrace.planning.devices import names
from buildtrace.planning.placements import of_axes, of_mesh, short
from buildtrace.traces.dtype_sizes import bytes_per_number
from buildtrace.traces.trace import Trace

MODEL = ((), ("model",))


def test_the_sums_of_a_model_without_devices():
    plan = make_plan(trained())
    numbers = 784 * 512 + 512 + 512 * 10 + 10
    assert plan.amount.weights == 4
    assert plan.amount.parameters == plan.amount.trainable == numbers
    assert plan.amount.memory.weights == plan.amount.memory.gradients == 4 * numbers
    assert plan.amount.memory.optimizer == 8 * numbers + 4
    assert plan.amount.on_device == plan.amount.memory
    assert plan.optimizer == "Adam"
    assert (plan.mesh, plan.devices, plan.replicated, plan.fit) == (None, (), (), None)


def test_the_parts_of_a_model_add_up_to_it():
    plan = make_plan(trained())
    whole = plan.amount.memory.weights
    assert sum(block.amount.memory.weights for block in plan.blocks) == whole
    assert sum(layer.amount.memory.weights for layer in plan.layers if layer.is_whole) == whole
    assert sum(row.amount.memory.total for row in plan.dtypes) == plan.amount.memory.total
    (model,) = plan.models
    assert model.amount.memory.weights == whole


def test_an_optimizer_that_is_not_known_is_not_made_up():
    plan = make_plan(mlp3())
    assert plan.optimizer == ""
    assert plan.amount.memory.optimizer == 0
    assert {variable.kind for variable in plan.variables} == {"weight", "gradient"}


def test_layers_alike_in_a_row_are_one_block():
    plan = make_plan(mlp3(units=(64, *[64] * 5, 10)))
    # The first has another kernel, and the last as well.
    assert [block.repeats for block in plan.blocks] == [1, 5, 1]
    inner = plan.blocks[1]
    assert (inner.layers[0].name, inner.last.name) == ("dense_1", "dense_5")
    assert inner.amount.parameters == 5 * (64 * 64 + 64)


def test_a_row_of_which_one_is_not_trained_is_no_row():
    trace = mlp3(units=(64, *[64] * 5, 10))
    weights = [
        msgspec.structs.replace(weight, trainable="dense_3/" not in weight.path)
        for weight in trace.weights
    ]
    trace.weights = tuple(weights)
    plan = make_plan(trace)
    assert 5 not in [block.repeats for block in plan.blocks]
    frozen = [variable for variable in plan.variables if not variable.trainable]
    assert {variable.path.split("/")[-2] for variable in frozen} == {"dense_3"}
    assert plan.amount.memory.gradients == 4 * plan.amount.trainable


def test_weights_that_were_put_aside_take_nothing():
    trace = mlp3()
    trace.weights = (
        msgspec.structs.replace(trace.weights[0], replaced=True),
        *trace.weights[1:],
    )
    assert make_plan(trace).amount.weights == 3


def test_each_device_of_a_mesh():
    plan = make_plan(spread(trained(), kernel=MODEL, bias=(("batch",),)))
    on_device = 4 * (784 * 512 // 4 + 512 // 2 + 512 * 10 // 4 + 10 // 2)
    # 10 is not divisible by 4: 512 times 3 of them, on the fullest device.
    uneven = on_device + 4 * 512 * 3 - 4 * 512 * 10 // 4
    assert plan.amount.on_device.weights == uneven
    assert plan.mesh.devices == 8
    assert [(device.number, device.memory.weights) for device in plan.devices] == [(8, uneven)]
    assert [entry.variables for entry in plan.mesh.patterns] == [2, 2]


def test_slots_lie_as_their_weights_do():
    plan = make_plan(spread(trained(), (1, 2), kernel=MODEL))
    weights = {v.weight: v.on_device for v in plan.variables if v.kind == "weight"}
    slots = [v for v in plan.variables if v.kind == "optimizer" and v.weight is not None]
    assert len(slots) == 8
    assert all(slot.on_device == weights[slot.weight] for slot in slots)


def test_all_that_is_not_divisible_is_told():
    plan = make_plan(spread(mlp3(units=(6, 10)), (4, 4), kernel=MODEL, bias=(("batch",),)))
    told = [(plan.variables[one.variable].path, one.axis, one.size) for one in plan.indivisible]
    assert told == [
        ("dense/kernel", 1, 6),
        ("dense/bias", 0, 6),
        ("dense_1/kernel", 1, 10),
        ("dense_1/bias", 0, 10),
    ]
    assert {one.parts for one in plan.indivisible} == {4}


def test_what_is_whole_on_each_device_comes_heaviest_first():
    plan = make_plan(spread(mlp3(), bias=(("model",),)))
    assert [plan.variables[place].shape for place in plan.replicated] == [(784, 512), (512, 10)]


def test_a_mesh_of_another_shape():
    trace = spread(mlp3(units=(64, 64)), (2, 4), kernel=MODEL, bias=(("model",),))
    plan = make_plan(trace, PlanRequest(mesh_shape=(2, 16)))
    assert plan.mesh.devices == 32
    assert plan.amount.on_device.weights == 4 * (784 * 64 + 64 + 64 * 64 + 64) // 16


def test_several_axes_of_a_mesh_along_one_of_a_weight():
    plan = make_plan(spread(mlp3(units=(64,)), kernel=((), ("batch", "model"))))
    kernel = plan.variables[0]
    assert kernel.shard == (784, 8)
    assert of_axes(kernel.axes) == "(None, batch+model)"
    assert short(kernel) == "(None, batch+model) · 24.5 KiB"
    assert of_mesh(plan.mesh) == "batch=2 × model=4"  # noqa: RUF001


def test_weights_without_a_layout_are_told():
    trace = spread(mlp3(), kernel=MODEL)
    trace.weights = (msgspec.structs.replace(trace.weights[0], layout=None), *trace.weights[1:])
    plan = make_plan(trace)
    assert [note for note in plan.notes if "1 weight of 4 got no layout" in note]
    assert plan.variables[0].on_device == plan.variables[0].size


def test_variables_on_devices_that_they_name():
    trace = mlp3()
    places = ["/GPU:0,1", "/GPU:0,1", "/GPU:1", None]
    trace.weights = tuple(
        msgspec.structs.replace(weight, placement=place)
        for weight, place in zip(trace.weights, places, strict=True)
    )
    held = {device.names[0]: device.memory.weights for device in make_plan(trace).devices}
    both = 4 * (784 * 512 + 512)
    assert held == {"/GPU:0": both, "/GPU:1": both + 4 * 5120, "/CPU:0": 4 * 10}
    assert names("/GPU:0-3 /worker:1/CPU:0")[-2:] == ["/GPU:3", "/worker:1/CPU:0"]
    assert names("(None, model)") == []


@pytest.mark.parametrize(("room", "fits"), [(6_512_804, True), (6_512_803, False)])
def test_whether_it_fits_to_the_byte(room, fits):
    plan = make_plan(trained(), PlanRequest(device_memory=room))
    assert plan.fit.needed == 6_512_804
    assert plan.fit.fits is fits
    assert plan.fit.counted == ("weights", "gradients", "optimizer")


def test_without_training_weights_alone_have_to_fit():
    plan = make_plan(mlp3(), PlanRequest(device_memory=2**30))
    assert plan.fit.counted == ("weights",)
    assert plan.fit.needed == plan.amount.memory.weights


def test_outputs_of_layers_count_if_a_batch_is_asked_for():
    without, with_batch = (
        make_plan(trained(), PlanRequest(device_memory=2**30, batch=batch)) for batch in (None, 8)
    )
    assert without.activations is None
    assert with_batch.fit.needed == without.fit.needed + with_batch.activations.on_device
    assert with_batch.activations.on_device >= 4 * 8 * (512 + 10)
    assert with_batch.fit.counted[-1] == "outputs of layers"


@pytest.mark.parametrize(
    ("dtype", "width"),
    [("float32", 4), ("bfloat16", 2), ("float8_e4m3fn", 1), ("int64", 8), ("complex64", 8),
     ("bool", 1), ("uint8", 1), ("int4", 1), ("string", None), ("resource", None), ("", None)],
)  # fmt: skip
def test_how_wide_a_number_is(dtype, width):
    assert bytes_per_number(dtype) == width


def test_what_has_no_size_is_told_and_not_counted():
    trace = mlp3()
    trace.weights = (
        msgspec.structs.replace(trace.weights[0], dtype="string"),
        *trace.weights[1:],
    )
    plan = make_plan(trace)
    assert plan.variables[0].size == 0
    assert [note for note in plan.notes if "string" in note]


@pytest.mark.parametrize(
    "trace", [Trace(), mlp2(), saved_model()], ids=["empty", "keras2", "saved"]
)
def test_a_plan_of_any_trace_is_made_and_written(trace):
    plan = make_plan(trace, PlanRequest(batch=4, device_memory=1))
    assert msgspec.json.decode(msgspec.json.encode(plan))["version"] == 1
    assert plan.amount.weights == len(trace.weights)
