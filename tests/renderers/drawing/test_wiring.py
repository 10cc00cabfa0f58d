"""However coarse a picture is, its wiring is that of the layers."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from applications import APPLICATIONS, make
from loops import case
from renderers import graphs
from renderers.drawing import wiring

import buildtrace
from buildtrace.renderers import Options
from buildtrace.renderers.drawing import opening
from buildtrace.renderers.drawing.caption import TIMES
from buildtrace.renderers.drawing.diagram import Group, NodeRef, boxes, count_boxes
from buildtrace.renderers.drawing.levels import LEVELS, READABLE, diagrams
from buildtrace.renderers.drawing.topology import diagram_of


def edges_of(trace):
    """What feeds what: of a model inside another one, its inputs and its output are meant."""
    inside = {graph.model.id: graph for graph in trace.graphs}
    nested = {n.layer for graph in trace.graphs for n in graph.nodes} & inside.keys()
    for graph in trace.graphs:
        arrived = Counter()
        for edge in graph.edges:
            source, target = (
                NodeRef(graph.model.id, edge.source),
                NodeRef(graph.model.id, edge.target),
            )
            if (layer := graph.nodes[edge.source].layer) in nested:
                (end,) = inside[layer].outputs
                source = NodeRef(layer, end)
            if (layer := graph.nodes[edge.target].layer) in nested:
                begin = inside[layer].inputs[arrived[edge.target]]
                arrived[edge.target] += 1
                target = NodeRef(layer, begin)
            yield source, target


def check_levels(trace):
    """Assert that each level of the picture is wired as the layers are."""
    edges = [*edges_of(trace)]
    nodes = {NodeRef(g.model.id, n.id): n for g in trace.graphs for n in g.nodes}
    frames = 0
    for coarsen in LEVELS:
        diagram = diagram_of(trace, Options(full=True), coarsen)
        wiring.check(diagram, edges)
        wiring.check_alike(diagram, nodes)
        frames += len(wiring.frames(diagram.models))
    return frames


def check_opened(trace):
    """Assert that each picture with an open block is wired as the layers are, and shows these."""
    edges = [*edges_of(trace)]
    options = Options()
    diagram = next(diagrams(trace, options))
    found = [*opening.blocks(diagram.models)]
    for block in found:
        opened = opening.opened(trace, options, diagram, block)
        wiring.check(opened, edges)
        (frame,) = [g for g in wiring.groups(opened.models) if g.id == block.opened_id]
        own = [row.node_refs for box in boxes(frame.members) for row in box.rows]
        assert all(len(node_refs) == 1 for node_refs in own)
        assert {node_ref for node_refs in own for node_ref in node_refs} == block.nodes
        # The rest is as it was, so that it can stay where it was.
        kept = {row.node_refs for box in boxes(diagram.models) for row in box.rows}
        now = {row.node_refs for box in boxes(opened.models) for row in box.rows}
        assert {refs for refs in kept if not block.nodes & {*refs}} <= now
    return len(found)


# -- random models ----------------------------------------------------------------------------

CLASSES = ("Dense", "Conv2D", "Add", "ReLU")


def random_models(seed):
    """A model of blocks, some of them alike, and the models inside it."""
    rng = random.Random(seed)
    model, inner = graphs.Model(), []
    inputs = [model.add(f"in_{n}", "InputLayer") for n in range(rng.choice((1, 1, 2, 5)))]
    last, earlier = rng.choice(inputs), [*inputs]
    for stage in range(rng.randint(1, 6)):
        add = rng.choice((_blocks_in_a_row, _branches, _noise, _models_in_a_row))
        last = add(rng, model, last, earlier, f"stage{stage}", inner)
        earlier.append(last)
    for head in range(rng.choice((0, 1, 2, 6))):
        model.add(f"head_{head}", "Dense", last)
    for unused in range(rng.choice((0, 0, 0, 1, 7))):
        model.add(f"unused_{unused}", "Dense")
    return [model, *inner]


def _blocks_in_a_row(rng, model, last, earlier, name, _inner):
    """Blocks of the same random form, each on top of the one before; one of them may be odd."""
    seed, times = rng.random(), rng.randint(2, 6)
    besides = rng.choice(([], [rng.choice(earlier)]))
    odd = rng.choice((None, None, rng.randrange(times)))
    collected = []
    for block in range(times):
        form = random.Random(seed)
        start = last
        made = [last]
        for layer in range(form.randint(1, 5)):
            sources = form.sample(range(len(made)), min(len(made), form.choice((1, 1, 2))))
            more = besides if form.random() < 0.3 else []
            made.append(
                model.add(
                    f"{name}_{block}_{layer}",
                    form.choice(CLASSES),
                    *(made[s] for s in sources),
                    *more,
                )
            )
        loose = [m for m in made[1:] if not any(e.source == m for e in model.edges)]
        last = model.add(f"{name}_{block}_out", "Add", start, *loose)
        if block == odd:
            earlier.append(made[-1])
        collected.append(last)
    if rng.random() < 0.2:
        last = model.add(f"{name}_all", "Concatenate", *collected)
    return last


def _branches(rng, model, last, earlier, name, _inner):
    """Branches that begin and end at the same layers, or at inputs of their own; most are alike."""
    ends = [last]
    own = rng.random() < 0.4
    for branch in range(rng.randint(2, 7)):
        end = rng.choice((last, last, last, rng.choice(earlier)))
        if own:
            end = model.add(f"{name}_{branch}_in", "InputLayer")
        for layer in range(rng.choice((1, 2, 2))):
            end = model.add(f"{name}_{branch}_{layer}", "Dense", end)
        ends.append(end)
    return model.add(f"{name}_join", "Concatenate", *ends)


def _noise(rng, model, last, earlier, name, _inner):
    """Layers that read whatever there is."""
    made = [last, rng.choice(earlier)]
    for layer in range(rng.randint(1, 12)):
        sources = rng.sample(made, min(len(made), rng.choice((1, 1, 1, 2, 3))))
        made.append(model.add(f"{name}_{layer}", rng.choice(CLASSES), *dict.fromkeys(sources)))
    loose = [m for m in made[2:] if not any(e.source == m for e in model.edges)]
    return model.add(f"{name}_out", "Add", *loose)


def _models_in_a_row(rng, model, last, earlier, name, inner):
    """Models inside the model that are alike but, at times, for their wiring."""
    mask = rng.choice(([], [rng.choice(earlier)]))
    for number in range(rng.randint(1, 6)):
        id_ = 100_000 + 1_000 * len(inner)
        each = graphs.Model(f"{name}_{number}", id=id_)
        inputs = [each.add(f"in_{n}", "InputLayer") for n in range(1 + len(mask))]
        first = each.add("first", "Dense", inputs[0])
        second = each.add("second", "Dense", rng.choice((first, first, first, inputs[0])))
        each.add("out", "Add", first, second, inputs[-1])
        inner.append(each)
        last = model.add(each.ref.name, "Functional", last, *mask, layer=id_, kind="model")
    return last


MODELS, IN_A_TEST = 1_000, 20


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(seed, marks=[pytest.mark.slow] if seed else [])
        for seed in range(0, MODELS, IN_A_TEST)
    ],
)
def test_random_models_keep_their_wiring(first):
    """And more than half of them have something to fold."""
    frames = []
    for seed in range(first, first + IN_A_TEST):
        with case("seed", seed):
            frames.append(check_levels(graphs.trace(*random_models(seed))))
    assert sum(number > 0 for number in frames) > IN_A_TEST / 2


# -- models that were drawn wrong ---------------------------------------------------------------


def drawn(trace, **options):
    """The picture at the level that suits it, with its wiring checked."""
    diagram = next(diagrams(trace, Options(**options)))
    wiring.check(diagram, [*edges_of(trace)])
    return diagram


def titles(members):
    """The titles of frames and boxes, those of what is in a frame in a list behind it."""
    found = []
    for member in members:
        if isinstance(member, Group):
            found += [member.title, titles(member.members)]
        else:
            found.append(" + ".join(row.title for row in member.rows))
    return found


def many_inputs():
    """13 inputs of two sorts, mixed, each with a layer of its own."""
    model = graphs.Model()
    names = "age gain loss education years gender hours marital country job race relation class"
    numbers = {"age", "gain", "loss", "years", "hours"}
    ends = []
    for name in names.split():
        given = model.add(name, "InputLayer", shape=(None,))
        class_name, shape = ("ExpandDims", 1) if name in numbers else ("Embedding", 2)
        ends.append(model.add(f"{name}_coded", class_name, given, shape=(None, shape)))
    joined = model.add("joined", "Concatenate", *ends, shape=(None, 21))
    model.add("dense", "Dense", joined)
    return graphs.trace(model)


def test_of_many_inputs_those_with_alike_branches_stand_side_by_side():
    (model,) = drawn(many_inputs()).models
    assert titles(model.members) == [
        f"{TIMES} 5, side by side: age … hours",
        ["age", "age_coded"],
        f"{TIMES} 8, side by side: education … class",
        ["education", "education_coded"],
        "joined + dense",
    ]


@pytest.mark.parametrize("heads", [2, 6])
def test_parallel_heads_are_no_chain(heads):
    model = graphs.residual(blocks=12)
    trunk = model.nodes[-2].id
    for number in range(heads):
        model.add(f"head_{number}", "Dense", trunk, shape=(None, 3), parameters=7)
    for diagram in diagrams(graphs.trace(model), Options()):
        wiring.check(diagram, [*edges_of(graphs.trace(model))])
        assert not any("head_0 + head_1" in title for title in titles(diagram.models[0].members))


def test_layers_that_nothing_connects_are_not_in_a_row():
    model = graphs.Model()
    for number in range(20):
        model.add(f"part_{number}", "Dense", parameters=8)
    (model,) = drawn(graphs.trace(model)).models
    assert not any(group.repeats > 1 and not group.side_by_side for group in model.members[1:2])
    assert any("side by side" in str(title) for title in titles(model.members))


def cells(number, end="Concatenate"):
    """Cells that read the two before them, as NASNet's do; the names say nothing of a cell."""
    model = graphs.Model()
    before = last = model.add("stem", "Conv2D", model.add("image", "InputLayer"))
    for cell in range(number):
        here = model.add(f"relu_{2 * cell}", "ReLU", last)
        there = model.add(f"relu_{2 * cell + 1}", "ReLU", before)
        made = [
            model.add(f"conv_{5 * cell + n}", f"Conv{n}", (here, there)[n % 2]) for n in range(5)
        ]
        sums = [model.add(f"add_{4 * cell + n}", "Add", made[n], made[n + 1]) for n in range(4)]
        before, last = last, model.add(f"end_{cell}", end, *sums)
    model.add("head", "Dense", model.add("pool", "Pooling", last))
    return graphs.trace(model)


def test_a_network_of_cells_is_drawn_cell_by_cell():
    diagram = drawn(cells(16))
    box_of = {row.title: box.id for box in boxes(diagram.models) for row in box.rows}
    ends = [box_of["stem"], *(box_of[f"… end_{n}"] for n in range(16))]
    drawn_edges = {(c.source, c.target) for c in diagram.connections}
    for first, second, third in zip(ends, ends[1:], ends[2:], strict=False):
        assert {(first, third), (second, third)} <= drawn_edges
    assert len(box_of) == 1 + 1 + 16 + 2


def test_a_stack_with_a_mask_is_drawn_once_however_many_blocks_it_has():
    pictures = []
    for blocks in (12, 32):
        model = graphs.Model()
        ids, mask = model.add("ids", "InputLayer"), model.add("mask", "InputLayer")
        last = model.add("embedding", "Embedding", ids)
        for number in range(blocks):
            last = model.add(f"block_{number}", "Decoder", last, mask, parameters=9)
        model.add("norm", "Norm", last)
        (group,) = drawn(graphs.trace(model)).models
        pictures.append(str(titles(group.members)))
    assert f"{TIMES} 12: block_0 … block_11', ['block_0']" in pictures[0]
    assert pictures[1] == pictures[0].replace(f"{TIMES} 12", f"{TIMES} 32").replace("11", "31")


def test_a_shared_layer_that_is_called_many_times_is_told_from_many_layers():
    model = graphs.Model()
    last = model.add("in", "InputLayer")
    for number in range(30):
        last = model.add("shared", "Dense", last, layer=7, index=number)
    model.weights.append((7, 50))
    (group,) = drawn(graphs.trace(model)).models
    notes = [row.note for box in boxes(group.members) for row in box.rows]
    assert "call 2 of 30 … call 30 of 30" in notes


def test_a_nested_model_that_repeats_is_called_by_its_name():
    outer, inner = graphs.Model(), []
    last = outer.add("in", "InputLayer")
    for number in range(12):
        inner.append(graphs.residual(blocks=1))
        inner[-1].ref = graphs.LayerRef(
            id=5_000 + 50 * number, name=f"stage_{number}", class_name="F"
        )
        last = outer.add(f"stage_{number}", "F", last, layer=5_000 + 50 * number, kind="model")
    (group,) = drawn(graphs.trace(outer, *inner)).models
    assert f"{TIMES} 12: stage_0 … stage_11" in titles(group.members)


def test_each_model_of_a_script_keeps_its_structure():
    many = [graphs.mlp(f"small_{n}", id=10_000 * n) for n in range(1, 11)]
    for number, model in enumerate(many):
        model.add(f"kind_{number}", f"Kind{number}", 2)
    trace = graphs.trace(graphs.residual(blocks=8), *many)
    first, *others = drawn(trace).models
    alone = drawn(graphs.trace(graphs.residual(blocks=8))).models[0]
    assert titles(first.members) == titles(alone.members)
    assert len(others) == 10
    for number, model in enumerate(others):
        assert titles(model.members) == ["pixels", "hidden", "digits", f"kind_{number}"]


def test_models_that_one_picture_has_no_room_for_are_named():
    models = []
    for number in range(10):
        model = graphs.Model(f"model_{number}", f"Class{number}", id=1000 * (number + 1))
        last = model.add("in", "InputLayer")
        for layer in range(20):
            last = model.add(f"layer_{layer}", f"Kind{layer}", last)
        models.append(model)
    diagram = next(diagrams(graphs.trace(*models), Options()))
    assert [group.title for group in diagram.models] == [f"model_{n}" for n in range(7)]
    assert diagram.notes == ("and 3 more models: model_7, model_8 and model_9",)
    whole = next(diagrams(graphs.trace(*models), Options(full=True)))
    assert len(whole.models) == 10


def test_outputs_of_a_nested_model_are_told_apart_by_their_numbers():
    inner = graphs.Model("two", id=500)
    given = inner.add("given", "InputLayer")
    inner.add("left", "Dense", given)
    inner.add("right", "Dense", given)
    outer = graphs.Model("outer")
    two = outer.add("two", "F", outer.add("outside", "InputLayer"), layer=500, kind="model")
    for output, name in ((1, "of_right"), (0, "of_left")):
        node = outer.add(name, "Dense")
        tensor = outer.nodes[two].outputs[0]
        outer.edges.append(graphs.Edge(source=two, target=node, tensor=tensor, output=output))
    (diagram,) = diagrams(graphs.trace(outer, inner), Options())
    title = {box.id: row.title for box in boxes(diagram.models) for row in box.rows}
    assert {(title[c.source], title[c.target]) for c in diagram.connections} == {
        ("outside", "given"),
        ("given", "left"),
        ("given", "right"),
        ("right", "of_right"),
        ("left", "of_left"),
    }


# -- real models --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", APPLICATIONS)
def test_each_application_keeps_its_wiring_and_stays_readable(k, name):
    with buildtrace.trace() as trace:
        make(k, name)
    check_levels(trace)
    assert count_boxes(drawn(trace)) <= READABLE


@pytest.mark.slow
def test_each_output_of_a_nested_model_is_told_from_the_others(k):
    with buildtrace.trace() as trace:
        given = k.Input((8,), name="given")
        left, right = (k.layers.Dense(4, name=name)(given) for name in ("left", "right"))
        inner = k.Model(given, [left, right], name="two")
        outside = k.Input((8,), name="outside")
        first, second = inner(outside)
        # The second output is read first.
        ends = [
            k.layers.Dense(3, name="of_right")(second),
            k.layers.Dense(2, name="of_left")(first),
        ]
        k.Model(outside, ends, name="outer")
    (diagram,) = diagrams(trace, Options(full=True, model="outer"))
    title = {box.id: row.title for box in boxes(diagram.models) for row in box.rows}
    drawn_edges = {(title[c.source], title[c.target]) for c in diagram.connections}
    assert {("left", "of_left"), ("right", "of_right")} <= drawn_edges
    assert len(drawn_edges) == 5


# -- open blocks ------------------------------------------------------------------------------


def test_an_open_block_is_wired_as_its_layers_are():
    assert check_opened(graphs.trace(graphs.residual(blocks=12))) > 0


def test_open_blocks_of_random_models():
    opened = 0
    for seed in range(60):
        models = random_models(seed)
        if len(models) == 1:
            opened += check_opened(graphs.trace(*models))
    assert opened > 10
