"""Prints the tree of calls in a trace file: python read_trace.py build.json."""

import gzip
import json
import sys
from pathlib import Path


def read(path):
    """The content of a trace file, compressed or not."""
    data = Path(path).read_bytes()
    trace = json.loads(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)
    if trace.get("format") != "buildtrace" or trace["version"] != 1:
        sys.exit(f"{path}: not a trace file of version 1")
    return trace


def tree(trace):
    """A line for each call, indented by its depth, with its layer and the weights that it made."""
    weights, inner = {}, {}
    for weight in trace["weights"]:
        weights.setdefault(weight["call"], []).append(f"{weight['name']} {weight['shape']}")
    for call in reversed(trace["calls"]):
        inner.setdefault(call["parent"], []).append(call)
    waiting = [(0, call) for call in inner.get(None, [])]
    while waiting:
        depth, call = waiting.pop()
        layer = call.get("layer")  # what is as usual is left out
        about = [f"{layer['name']} ({layer['class']})"] if layer else []
        yield "  ".join(["  " * depth + call["name"], *about, *weights.get(call["id"], [])])
        waiting += [(depth + 1, child) for child in inner.get(call["id"], [])]


if __name__ == "__main__":
    print(*tree(read(sys.argv[1])), sep="\n")
