"""Ctrl-C at a chosen moment of a run: no clock, so each run is interrupted at the same place.

Python looks for interrupts where a function begins and where a call of C is over. A profile hook
is called there too, and what it raises comes out of the frame as an interrupt would.
"""

from __future__ import annotations

import gc
import importlib
import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from scenarios import GENERATIONS

import buildtrace

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import CodeType, FrameType

    from scenarios import Keras

CAPTURE = str(Path(buildtrace.__file__).parent / "capture") + os.sep
HOOKS = CAPTURE + "hooks.py"


class Place(NamedTuple):
    """Where in the code a moment is."""

    event: str
    code: CodeType
    line: int

    def __str__(self) -> str:
        file = Path(self.code.co_filename).stem
        return f"{self.event} in {file}.{self.code.co_name}:{self.line}"


class Interrupt:
    """Within the block, raises KeyboardInterrupt at the n-th moment in code of the capture's.

    Attributes:
        seen: how many moments there were.
        places: of every moment, if none was to be interrupted.
        where: the interrupt came; empty if it did not.
    """

    def __init__(self, at: int | None = None) -> None:
        self.seen = 0
        self.places: list[Place] = []
        self.where = ""
        self._at = at

    def __enter__(self) -> Interrupt:
        gc.disable()  # what it runs would be more moments, now here and now there
        sys.setprofile(self._hook)
        return self

    def __exit__(self, *exc: object) -> None:
        sys.setprofile(None)
        gc.enable()

    def of_each_place(self, rank: int) -> list[int]:
        """The first moment at each place; the last for a rank of -1."""
        found: dict[Place, list[int]] = {}
        for number, place in enumerate(self.places):
            found.setdefault(place, []).append(number)
        return [numbers[rank] for numbers in found.values()]

    def counts(self, frame: FrameType, event: str) -> bool:
        """Whether this is a moment that counts, if it is one at all."""
        return frame.f_code.co_filename.startswith(CAPTURE)

    def _hook(self, frame: FrameType, event: str, argument: Any) -> None:
        if self.counts(frame, event) and event in ("call", "c_return"):
            self.seen += 1
            if self._at is None:
                self.places.append(Place(event, frame.f_code, frame.f_lineno))
            elif self.seen - 1 == self._at:
                self.where = str(Place(event, frame.f_code, frame.f_lineno))
                raise KeyboardInterrupt


class KerasInterrupt(Interrupt):
    """The same in Keras' code: the n-th moment is the same one traced and untraced.

    What the recorder asks Keras for does not count. Neither does TensorFlow's code: an interrupt
    in there may end the process, traced or not (`tf.convert_to_tensor` in a loop is enough).
    """

    def __init__(self, package: str, at: int | None = None) -> None:
        super().__init__(at)
        file = importlib.import_module(package).__file__
        assert file is not None
        self._folder = str(Path(file).parent) + os.sep
        self._recorder_frames = 0

    def counts(self, frame: FrameType, event: str) -> bool:
        file = frame.f_code.co_filename
        if file.startswith(CAPTURE) and file != HOOKS:
            self._recorder_frames += {"call": 1, "return": -1}.get(event, 0)
        return file.startswith(self._folder) and not self._recorder_frames


def share_of(k: Keras, moments: Collection[int]) -> list[int]:
    """Every second moment, where two generations are here: our own code is the same for both."""
    return sorted(moments)[k.generation % len(GENERATIONS) :: len(GENERATIONS)]


def sample(moments: Collection[int], many: int, seed: int) -> list[int]:
    """Some of these moments, in their order; always the same ones."""
    return sorted(random.Random(seed).sample(sorted(moments), min(many, len(moments))))
