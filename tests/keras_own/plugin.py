"""The pytest plugin in each arm: traces, or does not, and notes the same things either way."""

from __future__ import annotations

import gc
import hashlib
import importlib
import os
import random
import re
import resource
import sys
import time
import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from patches import is_ours, keras_classes, keras_modules, live_wrappers

import buildtrace
from buildtrace.capture import Tracing
from buildtrace.traces.trace_file import to_json
from keras_own.notes import ArmNote, TestNote

if TYPE_CHECKING:
    from collections.abc import Iterator

ARMS = {
    "plain": "nothing is traced",
    "session": "one tracer from before Keras is imported to the end, one more around each test",
    "each": "a tracer around each test; hooks go in and out, and imports are untraced",
}

VOLATILE = [
    (r"[^\n]*━[^\n]*", "progress"),  # how often the bar is drawn depends on the time
    (r"0x[0-9a-f]+", "0x…"),
    (r"\d+:?\d*m?[µu]?s(/\w+)?\b", "…s"),
    (r"\b\d{12,}(?=: TensorSpec)", "…"),  # the captures of a SavedModel, by address
    (re.escape(os.path.realpath(os.environ.get("TMPDIR", "/tmp"))) + r"/[\w./-]+", "…/"),
    (r"__autograph_generated_file\w+", "generated"),
]
"""What differs from run to run, traced or not: addresses, times, temporary files."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--arm", choices=ARMS)
    parser.addoption("--note", type=Path)


def pytest_configure(config: pytest.Config) -> None:
    sys.modules["conftest"] = _conftest()
    for marker in ("requires_trainable_backend", "multi_device"):
        config.addinivalue_line("markers", f"{marker}: Keras' own")
    config.pluginmanager.register(Arm(config.getoption("arm"), config.getoption("note")))


def _conftest() -> ModuleType:
    """What Keras' tests import from the conftest.py of its repository, which is not installed."""
    module = ModuleType("conftest")

    def skip_if_backend(backend: str, reason: str) -> pytest.MarkDecorator:
        import keras

        return pytest.mark.skipif(keras.backend.backend() == backend, reason=reason)

    module.skip_if_backend = skip_if_backend  # type: ignore[attr-defined]
    return module


class Arm:
    """One run: traces as its arm says, and writes its note at the end."""

    def __init__(self, arm: str, path: Path) -> None:
        self.arm = arm
        self.path = path
        self.note = ArmNote()
        self.limit = sys.getrecursionlimit()
        self.session = Tracing()
        if arm == "session":
            assert "keras" not in sys.modules
            self.session.start()
        # Else pytest would import it, as the package that its tests are in, and by a way of its
        # own that no finder hears of.
        importlib.import_module("keras")
        self.finders = [f for f in sys.meta_path if not _is_buildtraces(f)]

    # -- tracing ------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        _begin_anew()
        began = time.process_time()
        if self.arm == "plain":
            result = yield
        else:
            tracing = Tracing()
            tracing.start()
            result = yield
            self._of(item.nodeid).calls = self._finish(tracing, item.nodeid)
        self._of(item.nodeid).state = self._state()
        self._of(item.nodeid).cpu_seconds = time.process_time() - began
        return result

    def _finish(self, tracing: Tracing, name: str) -> int:
        """The number of calls in the trace, which is made and written."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            tracing.stop()
        self.note.problems += [f"{name}: {warning.message}" for warning in caught]
        written = to_json(tracing.trace)
        assert written
        self.note.traces += 1
        return len(tracing.trace.calls)

    # -- what is noted ------------------------------------------------------------------------

    def _of(self, test: str) -> TestNote:
        return self.note.tests.setdefault(_steady(test), TestNote())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Iterator[None]:
        report: Any = yield
        text = f"{report.when}: {report.outcome}"
        if call.excinfo is not None:
            text += f" {call.excinfo.typename}: {_steady(str(call.excinfo.value))}"
            text += "".join(f"\n  {line}" for line in _frames(call.excinfo.tb))
        self._of(item.nodeid).phases += text.splitlines()
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self._of(report.nodeid).output = _steady(report.capstdout + report.capstderr)

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, nodeid: str
    ) -> None:
        w = warning_message
        text = f"{w.filename}:{w.lineno}: {w.category.__name__}: {_steady(str(w.message))}"
        self._of(nodeid or "outside of any test").warnings += text.splitlines()

    def _state(self) -> dict[str, str]:
        import numpy
        from keras.src.backend.common import global_state

        return {
            "random": _digest(random.getstate()),
            "numpy": _digest(numpy.random.get_state()),
            "names": str(global_state.get_global_attribute("object_name_uids")),
            "recursion limit": str(sys.getrecursionlimit()),
            "finders": str(len([f for f in sys.meta_path if not _is_buildtraces(f)])),
        }

    # -- the end ------------------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        if self.arm == "session":
            self._finish(self.session, "the whole session")
        self.note.problems += _left_behind()
        used = resource.getrusage(resource.RUSAGE_SELF)
        self.note.cpu_seconds = used.ru_utime + used.ru_stime
        self.note.peak_mib = used.ru_maxrss // 1024
        self.path.write_bytes(msgspec.json.encode(self.note))


def _begin_anew() -> None:
    """No test sees what others left, so that some of them, run again, can be compared as well.

    And those that draw numbers at random draw the same ones in every arm.
    """
    import keras

    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(1)


def _left_behind() -> list[str]:
    """What of ours is in Keras still."""
    # pytest keeps the last failing test, and with it all that the test looked at.
    sys.last_exc = sys.last_value = sys.last_traceback = None
    gc.collect()
    modules = keras_modules()
    found = [
        f"left in Keras: {owner!r}.{name} is {value!r}"
        for owner in (*modules, *keras_classes(modules))
        for name, value in list(vars(owner).items())
        if is_ours(value)
    ]
    found += [f"still alive: {hook!r}" for hook in live_wrappers()]
    found += [f"still finds imports: {f!r}" for f in sys.meta_path if _is_buildtraces(f)]
    return found


def _is_buildtraces(finder: Any) -> bool:
    return str(getattr(finder, "__module__", "")).startswith(buildtrace.__name__)


def _frames(traceback: Any) -> list[str]:
    found = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        found.append(_steady(f"{code.co_filename}:{traceback.tb_lineno} in {code.co_name}"))
        traceback = traceback.tb_next
    return found


def _digest(state: object) -> str:
    return hashlib.sha256(repr(state).encode()).hexdigest()[:16]


def _steady(text: str) -> str:
    for pattern, instead in VOLATILE:
        text = re.sub(pattern, instead, text)
    return text
