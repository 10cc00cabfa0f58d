"""Which devices a plan is for: virtual ones of JAX, and the distribution that options ask for.

Keras itself is told of both, as a script would: nothing here knows what a layout means.
"""

from __future__ import annotations

import importlib
import inspect
import os
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from buildtrace.cli import environment
from buildtrace.cli.plan_options import DEFAULT_AXES
from buildtrace.errors import MissingPackageError, UsageError

if TYPE_CHECKING:
    from buildtrace.cli.plan_options import MeshRequest, PlanArguments
    from buildtrace.traces.trace import Trace

BACKEND, FLAGS, PLATFORMS = "KERAS_BACKEND", "XLA_FLAGS", "JAX_PLATFORMS"
"""The environment variables of Keras and of JAX that decide on a backend and its devices."""

COUNT = "--xla_force_host_platform_device_count"


def choose_backend(asked: PlanArguments) -> None:
    """Have Keras compute with JAX, and JAX see as many devices as are asked for.

    Nothing is done where nothing is asked that takes JAX: the script gets what it gets anyway.

    Raises:
        UsageError: another backend is chosen already.
        MissingPackageError: JAX is not installed.
    """
    if not asked.needs_jax:
        return
    option = "--layout" if asked.layout else "--devices" if asked.devices else "--compile"
    chosen = os.environ.setdefault(BACKEND, "jax")
    if chosen != "jax":
        raise UsageError(
            f"{option} is for JAX, the backend of Keras that spreads a model over devices: "
            f"leave out {BACKEND}={chosen}, or set it to jax"
        )
    if not environment.installed("jax"):
        raise MissingPackageError(f"{option} needs JAX, which is not installed: pip install jax")
    if asked.devices:
        others = [f for f in os.environ.get(FLAGS, "").split() if not f.startswith(COUNT)]
        os.environ[FLAGS] = " ".join([*others, f"{COUNT}={asked.devices}"])
        os.environ.setdefault(PLATFORMS, "cpu")


def set_distribution(asked: PlanArguments) -> None:
    """Tell Keras of the mesh and the layout map of the options, before the script runs.

    Raises:
        UsageError: there is no such layout map, or no mesh for it.
    """
    if not asked.layout:
        return
    import keras

    keras3 = environment.major(keras.__version__)
    if keras3 is None or keras3 < 3:
        raise UsageError(f"--layout is for Keras 3, and the installed one is {keras.__version__}")
    layout = _layout_map(asked.layout, asked.mesh)
    batch_axis = layout.device_mesh.axis_names[0]
    keras.distribution.set_distribution(
        keras.distribution.ModelParallel(layout_map=layout, batch_dim_name=batch_axis)
    )


def _layout_map(place: str, mesh: MeshRequest | None) -> Any:
    """The LayoutMap of this name, or what a function of this name gives for the mesh."""
    import keras

    found = _found(place)
    if isinstance(found, keras.distribution.LayoutMap):
        return found if mesh is None else _on_mesh(found, _device_mesh(mesh))
    if not callable(found):
        raise UsageError(f"--layout {place} is a {type(found).__name__}, and no LayoutMap")
    if mesh is None:
        raise UsageError(f"--layout {place} is a function of the mesh: give it one by --mesh 2x4")
    made = found(_device_mesh(mesh)) if _parameters(found) else found()
    if not isinstance(made, keras.distribution.LayoutMap):
        raise UsageError(f"--layout {place} gave a {type(made).__name__}, and no LayoutMap")
    return made


def _parameters(function: Any) -> int:
    try:
        return len(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return 1


def _device_mesh(mesh: MeshRequest) -> Any:
    import keras

    return keras.distribution.DeviceMesh(
        mesh.shape, mesh.axes, keras.distribution.list_devices()[: mesh.devices]
    )


def _on_mesh(layout: Any, mesh: Any) -> Any:
    """The entries of a layout map for another mesh."""
    import keras

    other = keras.distribution.LayoutMap(mesh)
    for key, entry in layout.items():
        other[key] = tuple(entry.axes)
    return other


def _found(place: str) -> Any:
    """What FILE.py:NAME or MODULE:NAME stands for; NAME may have dots."""
    source, _, name = place.rpartition(":")
    try:
        thing: Any = _names_of(source)
    except (ImportError, OSError) as error:
        raise UsageError(f"--layout {place}: {error}") from error
    for part in name.split("."):
        is_file = isinstance(thing, dict)
        thing = thing.get(part, _found) if is_file else getattr(thing, part, _found)
        if thing is _found:
            raise UsageError(f"--layout {place}: there is no {part} in {source}")
    return thing


def _names_of(source: str) -> Any:
    """The names that a file defines, or the module."""
    if source.endswith(".py"):
        path = Path(source)
        if not path.is_file():
            raise UsageError(f"--layout: there is no file {source}")
        sys.path.append(str(path.resolve().parent))  # it may have modules beside it
        return runpy.run_path(str(path), run_name="layout")
    sys.path.append(str(Path.cwd()))
    return importlib.import_module(source)


def shape_for(trace: Trace, asked: PlanArguments) -> tuple[int, ...]:
    """The shape that `--mesh` gives the mesh of a trace; empty if it is to stay as it is.

    Raises:
        UsageError: there is no such mesh.
    """
    from buildtrace.planning.devices import distribution_of

    if asked.mesh is None or asked.layout:
        return ()
    distribution = distribution_of(trace)
    if distribution is None:
        raise UsageError(
            "--mesh: spread by what? There is no distribution of Keras here: "
            "name a layout map with --layout FILE.py:NAME"
        )
    if set(asked.mesh.axes) == set(distribution.mesh_axes):
        sizes = dict(zip(asked.mesh.axes, asked.mesh.shape, strict=True))
        return tuple(sizes[name] for name in distribution.mesh_axes)
    if asked.mesh.axes != DEFAULT_AXES or len(distribution.mesh_axes) != len(DEFAULT_AXES):
        raise UsageError(
            "--mesh: the axes of the mesh are those of the distribution here: "
            f"{', '.join(f'{name}=N' for name in distribution.mesh_axes)}"
        )
    return asked.mesh.shape
