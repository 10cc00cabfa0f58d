"""The scripts' pure functions, in node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from buildtrace.renderers.page import bundle, lockstep

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
]


def run(*arguments):
    done = subprocess.run(["node", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pure_functions():
    run("--test", Path(__file__).with_name("modules.test.mjs"))


@pytest.mark.parametrize("entry", [bundle.ENTRY, lockstep.ENTRY])
def test_the_joined_script_is_one_module(tmp_path, entry):
    path = tmp_path / "joined.mjs"
    path.write_text(bundle.script(entry))
    run("--check", path)  # two things of one name would be an error
