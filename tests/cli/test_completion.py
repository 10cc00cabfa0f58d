"""What a shell completes: asked of each shell, with the script that is printed for it."""

import functools
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from buildtrace.cli import completion
from buildtrace.cli.parser import build_parser
from buildtrace.cli.verbs import SHELLS, VERBS
from buildtrace.diagnosis import all_rules
from buildtrace.renderers import RENDERERS, VIEWS
from cli.test_startup import HEAVY, loaded

FILES = {"train.py", "notes.txt", "trace.json", "model.keras"}
PROGRAMS = FILES - {"notes.txt"}

BASH = """
source {script}
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_buildtrace
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
ZSH = """
unsetopt prompt_sp zle_bracketed_paste; PS1='>''> '; fpath=({scripts} $fpath)
autoload -Uz compinit; compinit -u -D; bindkey '^I' list-choices; LISTMAX=9999; echo RE''ADY
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """A folder with the completion for each shell, under the name that it wants."""
    folder = tmp_path_factory.mktemp("scripts")
    for shell in SHELLS:
        name = "_buildtrace" if shell == "zsh" else f"buildtrace.{shell}"
        (folder / name).write_text(completion.script(shell, build_parser()), encoding="utf-8")
    return folder


def in_bash(scripts, folder, line):
    """What bash offers at the end of a line."""
    words = [*shlex.split(line), ""] if line.endswith(" ") else shlex.split(line)
    program = BASH.format(script=scripts / "buildtrace.bash", words=shlex.join(words))
    run = ["bash", "--norc", "-c", program]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=True)
    assert not done.stderr
    return {offered for offered in done.stdout.splitlines() if offered}


def in_fish(scripts, folder, line):
    program = f"source {scripts}/buildtrace.fish; complete -C {shlex.quote(line)}"
    run = ["fish", "--no-config", "-c", program]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=True)
    assert not done.stderr
    return {offered.partition("\t")[0] for offered in done.stdout.splitlines()}


@pytest.fixture(scope="module")
def terminal(scripts):
    """A zsh at a terminal."""
    pexpect = pytest.importorskip("pexpect")
    zsh = pexpect.spawn(
        *("zsh", ["-f", "-i"]),
        encoding="utf-8",
        dimensions=(500, 200),
        env=os.environ | {"TERM": "dumb"},
    )
    zsh.sendline(ZSH.format(scripts=scripts).strip().replace("\n", "; "))
    zsh.expect("READY\r\n")
    yield zsh
    zsh.close(force=True)


def in_zsh(terminal, folder, line):
    """What zsh lists when the tab key is pressed."""
    terminal.sendline(f"cd {folder}; echo RE''ADY")
    terminal.expect("READY\r\n")
    terminal.send(f"{line}\t\x15echo EN''D\r")
    terminal.expect("END\r\n")
    rows = terminal.before.split("\r\n")[1:-1]
    rows = [re.sub(r" -- .*", "", row) for row in rows if not row.startswith(">> ")]
    return {word for row in rows for word in row.split()}


HERE = [
    pytest.param(
        name,
        marks=[
            *([pytest.mark.slow] if name == "zsh" else []),
            pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed"),
        ],
    )
    for name in ("bash", "zsh", "fish")
]


@pytest.fixture(params=HERE)
def offers(request, scripts, tmp_path):
    """What a shell offers at the end of a line, in a folder with `FILES`."""
    for name in FILES:
        (tmp_path / name).touch()
    if request.param == "zsh":
        return functools.partial(in_zsh, request.getfixturevalue("terminal"), tmp_path)
    ask = {"bash": in_bash, "fish": in_fish}[request.param]
    return functools.partial(ask, scripts, tmp_path)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("buildtrace ", PROGRAMS | VERBS.keys()),
        ("buildtrace ch", {"check"}),
        ("buildtrace --view ", set(VIEWS)),
        ("buildtrace --format ", set(RENDERERS)),
        ("buildtrace -o ", FILES),
        ("buildtrace check ", PROGRAMS),
        ("buildtrace check --select ", {rule.code for rule in all_rules()}),
        ("buildtrace explain BT10", {r.code for r in all_rules() if r.code.startswith("BT10")}),
        ("buildtrace merge ", {"trace.json"}),
        ("buildtrace plan --mod", set()),
        ("buildtrace --mod", {"--model"}),
        ("buildtrace -m buildtrace.examples.mnist", {"buildtrace.examples.mnist_mlp"}),
    ],
)
def test_what_is_offered(offers, line, offered):
    assert offers(line) == offered


@pytest.mark.parametrize(
    "before",
    [
        "train.py",
        "--view tree train.py",
        "-m training",
        "check train.py",
        "check --no-train train.py",
    ],
)
def test_behind_a_program_nothing_is_ours(offers, before):
    """Neither our options nor our verbs, but files, which bash offers where we offer nothing."""
    assert offers(f"buildtrace {before} --") == set()
    assert offers(f"buildtrace {before} ") in (set(), FILES)


@pytest.mark.skipif(shutil.which("tcsh") is None, reason="tcsh is not installed")
def test_tcsh_takes_its_script(scripts):
    program = f"source {scripts}/buildtrace.tcsh; complete buildtrace"
    run = ["tcsh", "-f", "-c", program]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert f"'c/--view=/({' '.join(VIEWS)})/'" in done.stdout


def test_the_command_prints_it(cli):
    result = cli("--print-completion", "zsh")
    assert (result.code, result.err) == (0, "")
    assert result.out == completion.script("zsh", build_parser())


def test_it_is_made_without_keras(command):
    assert loaded(command, HEAVY, "--print-completion", "bash") == []


def test_a_shell_that_there_is_none_for(cli):
    result = cli("--print-completion", "nosh")
    assert result.code == 2
    assert "'nosh'" in result.err
    assert "bash" in result.err


def test_shtab_may_be_missing(cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    result = cli("--print-completion", "bash")
    assert result.code == 2
    assert result.err == "buildtrace: error: completion needs shtab: pip install shtab\n"
