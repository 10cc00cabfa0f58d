"""Graphviz lays each picture out once for all tests that are about something else."""

import functools

import pytest

from buildtrace.renderers.drawing import layout

_laid_out = functools.cache(layout.lay_out)


@pytest.fixture
def layouts_are_kept(monkeypatch):
    """To start a process of Graphviz takes longer than all the rest of a page."""

    def lay_out(source, format, seconds, slow=None):  # noqa: A002
        return _laid_out(source, format, seconds)

    monkeypatch.setattr(layout, "lay_out", lay_out)
