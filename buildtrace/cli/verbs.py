"""The verbs of the command, and what they share."""

from __future__ import annotations

VERBS = {
    "check": "find mistakes in how a script builds its models, as a linter does",
    "explain": "explain a rule of `check`, or a function of Keras in a build",
    "plan": "say what a build takes, by layer and by device",
    "diff": "compare two builds, or one script on two generations or backends",
    "merge": "compare the builds of several workers of one distributed program",
    "schema": "print the JSON Schema of the trace file",
    "landmarks": "list the functions of Keras that make up a build, step by step",
    "enable": "have BUILDTRACE=1 switch tracing on in programs that others start",
    "disable": "take out again what `enable` has put into the environment",
    "doctor": "show what is installed, and which Keras a script would get",
}
"""Verb → what it does.

The module of the verb's name has `main(arguments) -> exit code`, and `build_parser()`.
"""

SHELLS = ("bash", "zsh", "fish", "tcsh")
"""The shells that there is a completion for."""

USAGE_ERROR = 2
"""A request that makes no sense, so that nothing was run."""

INTERRUPTED = 130
"""Ctrl-C, as shells have it. The command itself ends by the signal."""

END, SKIP = "end", "skip"
"""How to do without training: the program ends before the first change of a weight, or only
`fit` does, and the program goes on."""


def sentence(verb: str) -> str:
    """What the verb does, as the first line of its help."""
    return f"{VERBS[verb][0].upper()}{VERBS[verb][1:]}."
