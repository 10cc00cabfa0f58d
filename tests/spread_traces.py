"""Traces whose weights are spread over devices. No Keras needed."""

import msgspec

from buildtrace.traces.schema import Distribution, LayoutPattern, VariableLayout


def spread(trace, shape=(2, 4), **layouts):
    """The trace, with its weights spread by name over a mesh."""
    patterns = tuple(
        LayoutPattern(pattern=f".*{name}", axes=axes) for name, axes in layouts.items()
    )
    trace.distributions = (
        Distribution(
            id=0,
            class_name="ModelParallel",
            mesh_axes=("batch", "model"),
            mesh_shape=shape,
            batch_axis="batch",
            patterns=patterns,
        ),
    )
    places = {name: place for place, name in enumerate(layouts)}
    trace.weights = tuple(
        msgspec.structs.replace(
            weight,
            layout=VariableLayout(
                distribution=0,
                axes=layouts.get(weight.name, ()),
                pattern=places.get(weight.name),
            ),
        )
        for weight in trace.weights
    )
    return trace
