"""The text of a script, read and written with its own encoding and ends of lines."""

from __future__ import annotations

import io
import tokenize
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis.edited import edited
from buildtrace.errors import BuildtraceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from buildtrace.traces.schema import Edit


class ScriptError(BuildtraceError):
    """A script cannot be changed; the text says why, as a clause."""


class ScriptText(NamedTuple):
    """What is in a script.

    Attributes:
        text: with line feeds alone.
        encoding: as Python finds it, with a mark at the beginning or without.
        end: of lines.
    """

    text: str
    encoding: str
    end: str

    def with_edits(self, edits: Sequence[Edit], known: str) -> ScriptText:
        """The script with these edits.

        Args:
            edits: all of this script.
            known: the text that they were placed in.

        Raises:
            ScriptError: the script is another one by now, or they do not fit together.
        """
        if self.text.rstrip("\n") != known.rstrip("\n"):
            raise ScriptError("it has changed since it was run")
        text = edited(self.text, edits)
        if text is None:
            raise ScriptError("the changes do not fit together")
        try:
            compile(text, "<edited>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ScriptError("with the changes it is no Python") from error
        return self._replace(text=text)

    @property
    def whole(self) -> str:
        """The text with its own ends of lines."""
        return self.text.replace("\n", self.end)

    def content(self) -> bytes:
        """The script as it is in a file."""
        return self.whole.encode(self.encoding)


def read(path: Path) -> ScriptText:
    """What is in a script.

    Raises:
        ScriptError: it cannot be read, or not be written again as it is.
    """
    try:
        data = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except OSError as error:
        raise ScriptError(f"it cannot be read ({error.strerror})") from error
    except (SyntaxError, ValueError, LookupError) as error:
        raise ScriptError("its encoding is not what it says") from error
    end = "\r\n" if "\r\n" in text else "\n"
    plain = text.replace(end, "\n")
    if "\r" in plain or plain.replace("\n", end) != text:
        raise ScriptError("its lines end in more than one way")
    return ScriptText(plain, encoding, end)
