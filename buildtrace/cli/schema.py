"""`buildtrace schema`: the JSON Schema of the trace file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.cli.parser import Parser

EPILOG = """\
A trace file is what `buildtrace -o build.json SCRIPT.py` writes. To check one
by its schema, with the validator of your choice:
  buildtrace schema -o trace-file.schema.json
  python -m jsonschema -i build.json trace-file.schema.json"""


def main(arguments: Sequence[str]) -> int:
    """Print the schema, or write it to files; returns the exit code.

    Raises:
        UsageError: the arguments make no sense, or a file cannot be written.
    """
    from buildtrace.cli.request import check_writable
    from buildtrace.cli.streams import own_output, say

    outputs = build_parser().parse_args(arguments).output
    for path in outputs:
        check_writable(path.absolute())
    text = schema_text()
    for path in outputs:
        from buildtrace import renderers

        renderers.write(path, text)
        say(f"wrote {path}")
    if not outputs:
        with own_output(sys.stdout) as stdout:
            stdout.write(text)
    return 0


def build_parser() -> Parser:
    """The parser of the verb's options."""
    from buildtrace.cli.parser import Parser, add_files
    from buildtrace.cli.verbs import sentence

    parser = Parser(prog="buildtrace schema", description=sentence("schema"), epilog=EPILOG)
    add_files(parser, "write it to a file instead of printing it (repeatable)")
    return parser


def schema_text() -> str:
    """The schema as JSON for people: a page of the docs is the same text."""
    import json

    from buildtrace.traces.json_schema import trace_file_schema

    return json.dumps(trace_file_schema(), indent=1, ensure_ascii=False) + "\n"
