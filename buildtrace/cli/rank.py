"""Which of several processes this one is, by what their launcher has put into the environment."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from buildtrace.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACEHOLDER = "{rank}"
"""What stands for the rank in the name of a file."""

PID = "{pid}"
"""What stands for the process's own number."""

TF_CONFIG = "TF_CONFIG"

VARIABLES = (
    "KERAS_DISTRIBUTION_PROCESS_ID",
    "JAX_PROCESS_ID",
    "RANK",
    "OMPI_COMM_WORLD_RANK",
    "PMIX_RANK",
    "PMI_RANK",
    "SLURM_PROCID",
)
"""Those that hold the rank as a number: of Keras, JAX, torchrun, MPI and Slurm."""

_CHIEFS = ("chief", "master")


def rank(environment: Mapping[str, str] | None = None) -> str | None:
    """The rank of this process; `None` if it is not one of several, as far as is known.

    It is a number. Of a task of TensorFlow that is no worker, such as a parameter server, it has
    the type before that: "ps-0". A chief is 0, and the workers come after it, as TensorFlow counts.

    Raises:
        UsageError: a variable makes no sense.
    """
    given = os.environ if environment is None else environment
    if text := given.get(TF_CONFIG, "").strip():
        found = _of_tensorflow(text)
        if found is not None:
            return found
    for name in VARIABLES:
        text = given.get(name, "").strip()
        if text:
            if not re.fullmatch("[0-9]{1,9}", text):
                raise UsageError(f"{name} is {text!r}, which is no rank: it is to be a number")
            return str(int(text))
    return None


def _of_tensorflow(text: str) -> str | None:
    """From TF_CONFIG; `None` if it names no task."""
    try:
        config: Any = json.loads(text)
        task = config.get("task") or {}
        kind, index = task.get("type"), task.get("index")
        cluster = config.get("cluster") or {}
        has_chief = any(chief in cluster for chief in _CHIEFS)
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise UsageError(f"{TF_CONFIG} is not what TensorFlow reads: {error}") from None
    if kind is None and index is None:
        return None
    if not re.fullmatch(r"\w{1,40}", str(kind)) or not re.fullmatch("[0-9]{1,9}", str(index)):
        raise UsageError(f"{TF_CONFIG} names no task: its type is {kind!r}, its index {index!r}")
    number = int(str(index))
    if kind in _CHIEFS:
        return str(number)
    return str(number + has_chief) if kind == "worker" else f"{kind}-{number}"


def named(path: str) -> str:
    """The path with this process's rank in the place of `{rank}`, its number in that of `{pid}`.

    Raises:
        UsageError: the rank is not known: each process would write to the same file.
    """
    path = path.replace(PID, str(os.getpid()))
    if PLACEHOLDER not in path:
        return path
    own = rank()
    if own is None:
        raise UsageError(
            f"-o {path}: which rank this process has is not known: none of {TF_CONFIG}, "
            f"{', '.join(VARIABLES)} is set"
        )
    return path.replace(PLACEHOLDER, own)
