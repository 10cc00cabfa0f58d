"""Reads an events file as TensorBoard itself does."""

from __future__ import annotations

import contextlib
import re
import tempfile
from typing import Any

NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*")
"""What a node may be called (_VALID_OP_NAME_REGEX in framework/ops.py of TensorFlow 2.21)."""


def _events(data: bytes) -> list[Any]:
    """The events, by TensorBoard's reader, which checks the sums in the file."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.tensorflow_stub import errors, pywrap_tensorflow

    found = []
    with tempfile.NamedTemporaryFile(suffix=".tfevents") as file:
        file.write(data)
        file.flush()
        reader = pywrap_tensorflow.PyRecordReader_New(file.name)
        with contextlib.suppress(errors.OutOfRangeError):
            while True:
                reader.GetNext()
                found.append(Event.FromString(reader.record()))
    return found


def graph_in(data: bytes) -> Any:
    """The one graph that the content of a file has, with names as TensorFlow has them."""
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    version, event = _events(data)
    assert version.file_version == "brain.Event:2"
    graph = GraphDef.FromString(event.graph_def)
    assert [node.name for node in graph.node if not NAME.fullmatch(node.name)] == []
    return graph
