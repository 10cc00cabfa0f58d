"""`buildtrace check FOLDER…`: finds the scripts, runs them, and gives one report."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli import git
from buildtrace.cli.attempts import Attempts
from buildtrace.cli.baseline import beside
from buildtrace.cli.check_result import FOUND
from buildtrace.cli.program import Program
from buildtrace.cli.repository import named_files
from buildtrace.cli.repository.file_roles import Role, role
from buildtrace.cli.repository.import_graph import ImportGraph
from buildtrace.cli.repository.run_cache import RunCache
from buildtrace.cli.repository.runs_progress import RunsProgress
from buildtrace.cli.repository.script_results import merged, result_of, unreadable
from buildtrace.cli.repository.script_runs import (
    TIMEOUT,
    Work,
    ended_by_sigterm,
    run_all,
    usual_jobs,
)
from buildtrace.cli.repository.several_report import SeveralReport, deliver
from buildtrace.cli.streams import stdout_alone
from buildtrace.cli.verbs import USAGE_ERROR
from buildtrace.renderers.terminal import listing

if TYPE_CHECKING:
    from buildtrace.cli.check_options import CheckRequest
    from buildtrace.cli.repository.script_runs import ScriptRun
    from buildtrace.cli.several_options import Several
    from buildtrace.diagnosis.settings import Settings


class FoundFiles(NamedTuple):
    """What the targets of a check name.

    Attributes:
        graph: who imports whom.
        roles: what is to be done with each file that is about Keras.
        looked_at: how many files there are.
    """

    graph: ImportGraph
    roles: list[Role]
    looked_at: int


def check_several(request: CheckRequest) -> int:
    """Check the folders and files of a request; returns the exit code.

    Raises:
        UsageError: there is nothing to check, or git does not know the commit.
        KeyboardInterrupt: it was interrupted; what had come of it until then was shown.
    """
    assert request.several is not None
    stdout = sys.stdout if request.format == "text" else stdout_alone(divert=False)
    found, attempts = find(request.several, request.settings), Attempts()
    runs, left, kept = _runs(request, found, attempts)
    here = Path.cwd()
    results = [result_of(run, request, here) for run in runs]
    results += [unreadable(one, here) for one in found.roles if one.wrong_at]
    results = merged(sorted(results, key=lambda result: result.target))
    if not attempts.interrupted:
        results = beside(request.baseline, results)
    report = SeveralReport(
        results=results,
        outputs={str(run.work.path): run.output for run in runs if run.problem},
        roles=[one for one in found.roles if one.why_not and not one.wrong_at],
        left=left,
        cached=kept,
        files=found.looked_at,
        folder=here,
        concise=request.concise,
    )
    deliver(report, request, stdout, attempts)
    attempts.end()
    if any(result.kept.problems for result in results):
        return FOUND
    return USAGE_ERROR if attempts.failed or not report.is_complete else 0


def find(several: Several, settings: Settings) -> FoundFiles:
    """The files that a check is about, and what is to be done with each.

    Raises:
        UsageError: there is none, or git does not know the commit.
    """
    files = named_files.files(several.targets)
    changed = None
    if several.since is not None:
        changed = git.changed(several.folder, several.since)
    graph = ImportGraph(_root(several, settings), frozenset(changed or ()))
    files = [path for path in files if not settings.is_left_out(path)]
    if changed is not None:
        # What imports a changed module has changed as well.
        files = [p for p in files if p in changed or not changed.isdisjoint(graph.imported(p))]
    roles = [found for path in files if (found := role(path, graph, settings))]
    return FoundFiles(graph, roles, len(files))


def _root(several: Several, settings: Settings) -> Path:
    """The folder of the project, in which modules are looked for."""
    here = Path.cwd()
    if (top := git.top(several.folder)) is not None:
        return top
    if settings.folder != Path() and several.folder.is_relative_to(settings.folder):
        return settings.folder
    return here if several.folder.is_relative_to(here) else several.folder


def _runs(
    request: CheckRequest, found: FoundFiles, attempts: Attempts
) -> tuple[list[ScriptRun], list[Path], int]:
    """The runs of all scripts, those that an interrupt left out, and how many were kept ones."""
    assert request.several is not None
    several = request.several
    works = [_work(one, request.program) for one in found.roles if not one.why_not]
    cache = RunCache(several.cache) if several.cache else None
    imported = {work.path: found.graph.imported(work.path) for work in works}
    kept = [run for work in works if cache and (run := cache.get(work, imported[work.path]))]
    runs = {run.work.path: run for run in kept}
    waiting = [work for work in works if work.path not in runs]
    jobs = several.jobs or usual_jobs()
    with (
        attempts.attempt("not all scripts have run", needed=False),
        RunsProgress(len(works), len(kept), sys.stderr) as progress,
        closing(run_all(waiting, jobs, several.timeout or TIMEOUT, progress.show)) as done,
        ended_by_sigterm(),
    ):
        for run in done:
            runs[run.work.path] = run
            progress.advance()
            if cache is not None and not run.problem:
                cache.put(run, imported[run.work.path])
    left = [work.path for work in works if work.path not in runs]
    return [runs[path] for path in sorted(runs)], left, len(kept)


def _work(found: Role, like: Program) -> Work:
    """A script as it is run: as Python would from here, on the Keras that the request names."""
    target = found.module or listing.path_in(Path.cwd(), str(found.path))
    program = Program(
        target,
        is_module=bool(found.module),
        arguments=found.arguments,
        keras=like.keras,
        no_train=like.no_train,
    )
    return Work(found.path, program, found.root if found.module else None)
