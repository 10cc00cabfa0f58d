"""What XLA says that the forward step of a model takes: compiled for shapes, run on nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from buildtrace.planning.planned import Compiled
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Sequence


def compiled_forward(models: Sequence[Any], batch: int) -> Compiled:
    """What the compiler says of the forward step of the largest model.

    Args:
        models: those of the script.
        batch: samples in a batch.

    Returns:
        Its figures, or in one line why there are none.
    """
    if "jax" not in sys.modules:
        return Compiled(missing="only JAX tells that, and the script did not use it")
    if not models:
        return Compiled(missing="no model was built")
    model = max(models, key=lambda one: one.count_params())
    try:
        inputs = _inputs(model, batch)
    except ValueError as error:
        return Compiled(missing=str(error))
    try:
        return _compiled(model, inputs)
    except Exception as error:  # the compiler may lack memory, or the model what it needs
        said = str(error).strip().splitlines() or [""]
        return Compiled(missing=wording.sanitize_long(f"{type(error).__name__}: {said[0]}", 300))


def _jax() -> Any:
    """What the script has imported: this package does without."""
    return sys.modules["jax"]


def _compiled(model: Any, inputs: Any) -> Compiled:
    jax = _jax()

    def forward(trained: Any, others: Any, data: Any) -> Any:
        return model.stateless_call(trained, others, data, training=False)[0]

    weights = [_spec(variable) for variable in model.trainable_variables]
    others = [_spec(variable) for variable in model.non_trainable_variables]
    analysis = jax.jit(forward).lower(weights, others, inputs).compile().memory_analysis()
    if analysis is None:
        return Compiled(missing=f"the compiler for {jax.default_backend()} does not tell")
    return Compiled(
        arguments=analysis.argument_size_in_bytes,
        outputs=analysis.output_size_in_bytes,
        temporaries=analysis.temp_size_in_bytes,
        aliased=analysis.alias_size_in_bytes,
        code=analysis.generated_code_size_in_bytes,
        platform=jax.default_backend(),
    )


def _spec(variable: Any) -> Any:
    """The shape of a variable, with the sharding that it has or would have."""
    jax = _jax()

    layout = getattr(variable, "_layout", None)
    sharding = getattr(layout, "backend_layout", layout)
    return jax.ShapeDtypeStruct(variable.shape, variable.dtype, sharding=sharding)


def _inputs(model: Any, batch: int) -> Any:
    """The shapes of a model's inputs, in the structure that it has.

    Raises:
        ValueError: one of them is not known.
    """
    import keras

    jax = _jax()
    graph = getattr(model, "_functional", None) or model  # a Sequential has it inside
    struct = getattr(graph, "_inputs_struct", None)
    if struct is None:
        raise ValueError("the model has no inputs of its own, whose shapes would be known")

    def spec(tensor: Any) -> Any:
        sizes = (batch, *tensor.shape[1:])
        if None in sizes:
            raise ValueError(
                f"the input {wording.sanitize(tensor.name)} has the shape {tensor.shape}: to be "
                "compiled, all of it but the batch has to be known"
            )
        return jax.ShapeDtypeStruct(sizes, tensor.dtype)

    return keras.tree.map_structure(spec, struct)
