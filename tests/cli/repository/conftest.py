"""A project to look at."""

import textwrap

import pytest


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Write files into the folder that the test runs in; gives the folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def write(**files):
        for name, code in files.items():
            path = folder / f"{name.replace('__in__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(code))
        return folder

    return write
