"""Comments in source code that speak to buildtrace.

One that ignores findings stands in the statement that they are about, on any of its lines:
`# buildtrace: ignore[BT105]`, `# buildtrace: ignore[BT1, BT203]`, or for all codes
`# buildtrace: ignore`. One that says that a script must not be run again, to try something, stands
anywhere in it: `# buildtrace: run once`.
"""

from __future__ import annotations

import io
import re
import tokenize

_COMMENT = re.compile(r"#\s*buildtrace:\s*ignore(?:\[([^\]]*)\]|(?![\w\[-]))")
_ONCE = re.compile(r"#\s*buildtrace:\s*run once\b")
_BETWEEN = (
    tokenize.NL,
    tokenize.COMMENT,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
)
"""Tokens that may stand between two statements."""


def ignored_lines(source: str) -> dict[int, list[str]]:
    """Line → the codes that a comment in its statement ignores; "" stands for all.

    What is no Python counts as far as it can be read.
    """
    by_line: dict[int, list[str]] = {}
    if "buildtrace" not in source:
        return by_line
    first: int | None = None
    codes: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                codes += _codes_in(token.string)
            if token.type not in _BETWEEN and first is None:
                first = token.start[0]
            if token.type == tokenize.NEWLINE:
                for line in range(first or token.start[0], token.end[0] + 1):
                    by_line.setdefault(line, []).extend(codes)
            if token.type == tokenize.NEWLINE or (token.type == tokenize.NL and first is None):
                first, codes = None, []
    except (tokenize.TokenError, SyntaxError):
        pass
    return {line: codes for line, codes in by_line.items() if codes}


def runs_once(source: str) -> bool:
    """Whether a comment says that a script must not be run again."""
    if "buildtrace" not in source:
        return False
    try:
        tokens = [*tokenize.generate_tokens(io.StringIO(source).readline)]
    except (tokenize.TokenError, SyntaxError):
        return _ONCE.search(source) is not None
    return any(t.type == tokenize.COMMENT and _ONCE.search(t.string) for t in tokens)


def _codes_in(comment: str) -> list[str]:
    match = _COMMENT.search(comment)
    if match is None:
        return []
    if match[1] is None:
        return [""]
    return [code.strip().upper() for code in match[1].split(",") if code.strip()]
