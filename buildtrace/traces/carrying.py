"""What a trace file carries of source code: as much as the views show of it, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from buildtrace.traces.schema import Excerpt, SourceFile, SourceLine
from buildtrace.traces.source_origins import RoomForSource

if TYPE_CHECKING:
    from buildtrace.traces.trace import Trace


def carried(trace: Trace) -> tuple[SourceFile, ...]:
    """The sources for a trace file: what a loaded trace has brought, or what is read for it now."""
    if not isinstance(trace.sources, msgspec.UnsetType):
        return trace.sources
    room = RoomForSource()
    code = trace.index.source_code
    user, library = trace.index.user_lines, trace.index.library_lines
    excerpts = {
        file: room.fitting(code.excerpts(file, [*user.get(file, ()), *library.get(file, ())]))
        for file in {**user, **library}
    }
    functions: dict[str, list[Excerpt]] = {}
    for (file, line, _), calls in trace.index.calls_by_function.items():
        text = "\n".join(code.function(calls[0])[0])
        functions.setdefault(file, []).extend(room.fitting([Excerpt(line=line, text=text)]))
    files = [
        _file(trace, file, excerpts.get(file, []), functions.get(file, []))
        for file in {**excerpts, **functions, **dict.fromkeys(trace.index.user_files)}
    ]
    return tuple(file for file in files if file != SourceFile(file=file.file))


def _file(trace: Trace, file: str, excerpts: list[Excerpt], functions: list[Excerpt]) -> SourceFile:
    code = trace.index.source_code
    lines = trace.index.user_lines.get(file, ())
    names = {line: code.function_at(SourceLine(file=file, line=line)) for line in sorted(lines)}
    ignored = code.ignored_in(file) if file in trace.index.user_files else {}
    return SourceFile(
        file=file,
        functions=tuple(functions),
        excerpts=tuple(excerpts),
        inside={line: name for line, name in names.items() if name},
        ignored={line: tuple(codes) for line, codes in ignored.items()},
    )
