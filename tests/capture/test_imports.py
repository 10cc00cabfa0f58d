"""Hearing of imports: what the program imports, and how, stays as it is."""

import importlib
import importlib.util
import sys

import pytest

from buildtrace.capture.imports import ImportWatch


class Closed:
    """A finder whose loader takes no attributes, as those written in C do."""

    __slots__ = ()

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == "watched" else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.x = 1


@pytest.fixture
def watch(monkeypatch):
    heard = []
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Closed()])
    watch = ImportWatch(["watched"], heard.append)
    watch.start()
    yield watch, heard
    watch.stop()
    sys.modules.pop("watched", None)


def test_a_loader_that_cannot_be_asked_to_tell(watch):
    assert importlib.import_module("watched").x == 1
    assert watch[1] == []


def test_one_that_was_taken_out_and_is_asked_by_another(watch):
    watch[0].stop()
    assert watch[0].find_spec("watched") is None
