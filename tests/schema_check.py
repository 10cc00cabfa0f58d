"""Every trace that a test writes or reads is checked by the schema of the trace file.

Whatever is written has to be as the schema says, and so has whatever the loader takes: what the
schema refuses is refused by the loader as well. This goes on beside all tests, which know nothing
of it.
"""

from __future__ import annotations

import functools
import json

import pytest

from buildtrace.traces import trace_file
from buildtrace.traces.json_schema import trace_file_schema

LARGEST = 2**20
"""Larger traces are no other; they only take longer."""


@functools.cache
def validator():
    """What checks by the schema, quickly; `None` if it is not installed."""
    try:
        import jsonschema_rs
    except ImportError:
        return None
    return jsonschema_rs.Draft202012Validator(trace_file_schema())


def check(text: bytes | bytearray) -> None:
    """Fail if the trace file of this text is not as the schema says."""
    if validator() is None or len(text) > LARGEST:
        return
    error = next(validator().iter_errors(json.loads(bytes(text))), None)
    assert error is None, f"the schema says: {error.message} - at {error.instance_path}"


@pytest.fixture(scope="session", autouse=True)
def checked_by_schema():
    """Check what goes through the two doors of the trace file."""

    def written(trace):
        text = to_json(trace)
        check(text)
        return text

    def taken(text, name="trace"):
        trace = from_json(text, name)
        check(text)
        return trace

    to_json, from_json = trace_file.to_json, trace_file.from_json
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trace_file, "to_json", written)
        patch.setattr(trace_file, "from_json", taken)
        yield
