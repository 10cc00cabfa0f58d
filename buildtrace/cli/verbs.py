"""The verbs of the command, and the exit codes that they share."""

from __future__ import annotations

VERBS = {
    "check": "what is wrong with the builds of a script, as a linter says it",
    "explain": "what the rules of `check` look for, why, and the remedies",
    "diff": "what differs between two builds, generations or backends",
    "landmarks": "the functions of Keras that make up a build, as a curriculum",
    "doctor": "what is installed, and which Keras a script would get",
}
"""Verb → what it does. The module of the verb's name has `main(arguments) -> exit code`."""

USAGE_ERROR = 2
"""A request that makes no sense, so that nothing was run."""

INTERRUPTED = 130
"""Ctrl-C, as shells have it."""
