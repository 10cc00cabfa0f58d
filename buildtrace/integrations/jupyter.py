"""`%load_ext buildtrace`: the magics for notebooks and for IPython's console.

A traced cell runs as a cell of its own: `%%buildtrace` becomes a comment, and the recording
starts and stops at IPython's own events before and after a cell. So the cell's value, its
traceback and the numbers of its lines are what they are without us.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
from typing import TYPE_CHECKING, NamedTuple

from IPython.core.error import UsageError as MagicUsageError
from IPython.display import display

from buildtrace.capture import Tracing
from buildtrace.cli import parser as cli
from buildtrace.cli.attempts import Attempts
from buildtrace.cli.environment import quiet_tensorflow
from buildtrace.cli.report import deliver, known_model
from buildtrace.cli.request import check_outputs
from buildtrace.cli.streams import say
from buildtrace.diagnosis import diagnose
from buildtrace.errors import UsageError
from buildtrace.integrations.cells import name_cells, number_of_cell
from buildtrace.renderers.notebook import mimebundles

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

    from buildtrace.cli.request import Request
    from buildtrace.renderers import Options
    from buildtrace.traces.trace import Trace

NAME = "buildtrace"
MARK = f"%%{NAME}"
VARIABLE = "_buildtrace"

DESCRIPTION = f"""\
Run a cell or an expression, and show how each Keras model in it gets built.

  {MARK} [OPTIONS]              on the first line of a cell
  %{NAME} [OPTIONS] EXPRESSION   gives the expression's value

The trace is in the variable {VARIABLE} afterwards."""


class MagicRequest(NamedTuple):
    """What one line of options asks for.

    Attributes:
        expression: the rest of the line.
        request: what to show and to write, as of the command.
        variable: name of the variable that the trace goes into.
        views: whether views were named; else the report is shown.
    """

    expression: str
    request: Request
    variable: str
    views: bool


class Magics:
    """The magics of one shell, and the recordings that are on in it."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        # One for each cell, as cells may nest; `None` for those that are not traced.
        self._running: list[tuple[Tracing, MagicRequest] | None] = []
        self._of_all: MagicRequest | None = None

    # -- IPython's side -------------------------------------------------------------------------

    def register(self) -> None:
        """Be there from now on."""
        self._shell.register_magic_function(self.magic, "line_cell", NAME)  # type: ignore[arg-type, unused-ignore]
        self._shell.input_transformers_cleanup.append(self.transform)
        self._shell.events.register("pre_run_cell", self.before)
        self._shell.events.register("post_run_cell", self.after)

    def unregister(self) -> None:
        """Be gone, as if never there."""
        for kind in ("line", "cell"):
            self._shell.magics_manager.magics[kind].pop(NAME, None)
        self._shell.input_transformers_cleanup.remove(self.transform)
        self._shell.events.unregister("pre_run_cell", self.before)
        self._shell.events.unregister("post_run_cell", self.after)

    def transform(self, lines: list[str]) -> list[str]:
        """Make a comment of our mark; a line that makes no sense is left to `magic`."""
        if self._running or not lines or _asked_of_cell("".join(lines)) is None:
            return lines
        return [f"# {lines[0]}", *lines[1:]]

    transform.has_side_effects = True  # type: ignore[attr-defined]
    # It has none. But while it is being typed, the cell has to look like one with a magic: such a
    # cell ends with an empty line.

    def trace_all(self, asked: MagicRequest, *, in_cell: bool) -> None:
        """Trace each cell from now on, whether it asks for it or not.

        Args:
            asked: what to show of one that does not.
            in_cell: whether a cell runs, so that its rest is traced.
        """
        self._of_all = asked
        if in_cell and not any(self._running):
            self._running[:] = [None] * (len(self._running) - 1) + [(_started(), asked)]

    def before(self, info: ExecutionInfo) -> None:
        """A cell is about to run: start to record if it asks for it, or all are traced."""
        asked = None if self._running else _asked_of_cell(info.raw_cell or "") or self._of_all
        self._running.append(None)
        if asked:
            self._running[-1] = _started(), asked

    def after(self, result: ExecutionResult) -> None:
        """A cell has run: stop recording, and show."""
        running = self._running.pop() if self._running else None
        if running:
            error = result.error_before_exec or result.error_in_exec
            self._finish(*running, error)

    # -- the magics -----------------------------------------------------------------------------

    def magic(self, line: str, cell: str | None = None) -> object:
        """Run a cell or an expression, and show how each Keras model in it gets built."""
        __tracebackhide__ = True
        try:
            asked = parse(line, is_cell=cell is not None)
        except UsageError as error:
            raise MagicUsageError(str(error)) from None  # IPython prints its text alone
        except SystemExit:  # --help
            return None
        tracing = _started()
        failure: BaseException | None = None
        try:
            if cell is None:
                return self._evaluate(asked.expression)
            # We are inside another cell, as below %%time.
            result = self._shell.run_cell(cell)  # type: ignore[no-untyped-call, unused-ignore]
            failure = result.error_before_exec or result.error_in_exec
        except BaseException as error:
            failure = error
            raise
        finally:
            self._finish(tracing, asked, failure)
        return None

    def _evaluate(self, code: str) -> object:
        """The value of an expression of the user's; of statements, none."""
        __tracebackhide__ = True
        shell = self._shell
        code = shell.transform_cell(code)  # type: ignore[no-untyped-call, unused-ignore]
        name = shell.compile.cache(code, number_of_cell(shell))
        try:
            compiled = compile(code.strip(), name, "eval")
        except SyntaxError:
            compiled = None
        if compiled is not None:
            return eval(compiled, shell.user_global_ns, shell.user_ns)
        exec(compile(code, name, "exec"), shell.user_global_ns, shell.user_ns)
        return None

    def _finish(self, tracing: Tracing, asked: MagicRequest, error: BaseException | None) -> None:
        """Stop recording, keep the trace, and show it."""
        trace = tracing.trace
        if error is not None:
            tracing.ended_by(error)  # before it is looked for causes
        tracing.stop()
        kept = {(finding.code, finding.calls) for finding in trace.findings}
        name_cells(trace, self._shell)
        again = diagnose(trace)  # they name lines; comments were looked for in the old ones
        trace.findings = tuple(f for f in again if (f.code, f.calls) in kept)
        if trace.calls or trace.findings or asked is not self._of_all:
            self._shell.user_ns[asked.variable] = trace
        options = known_model(trace, asked.request.options)
        if trace.calls or trace.findings:
            shown = _Shown(trace, options, asked.views)
            display(shown)  # type: ignore[no-untyped-call, unused-ignore]
        elif error is None and asked is not self._of_all:
            say("nothing to show: no model was built")
        attempts = Attempts()
        deliver(trace, asked.request._replace(options=options), attempts, show=False)
        attempts.end()


@dataclasses.dataclass
class _Shown:
    """What is shown of a trace, in the form that IPython asks for."""

    trace: Trace
    options: Options
    views: bool

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        make = mimebundles.of_views if self.views else mimebundles.of_trace
        return make(self.trace, self.options)


def _started() -> Tracing:
    tracing = Tracing()
    tracing.start()
    return tracing


# -- on and off -------------------------------------------------------------------------------


_ATTRIBUTE = "_buildtrace_magics"


def load(shell: InteractiveShell) -> None:
    """Have the magics in this shell, and no chatter of a TensorFlow that is imported later."""
    quiet_tensorflow()
    magics_of(shell)


def magics_of(shell: InteractiveShell) -> Magics:
    """The magics of this shell, which has them from now on."""
    magics: Magics | None = getattr(shell, _ATTRIBUTE, None)
    if magics is None:
        magics = Magics(shell)
        magics.register()
        setattr(shell, _ATTRIBUTE, magics)
    return magics


def unload(shell: InteractiveShell) -> None:
    """Take the magics out of this shell."""
    magics = getattr(shell, _ATTRIBUTE, None)
    if magics is not None:
        magics.unregister()
        delattr(shell, _ATTRIBUTE)


# -- the line of options ------------------------------------------------------------------------


def parse(line: str, is_cell: bool) -> MagicRequest:
    """What the line behind the magic's name asks for.

    Raises:
        UsageError: it makes no sense; the text says why and what to do.
        SystemExit: it asked for help, which has been printed.
    """
    mark = MARK if is_cell else f"%{NAME}"
    usage = f"{mark} [OPTIONS]{'' if is_cell else ' EXPRESSION'}".replace("%", "%%")
    parser = cli.Parser(prog=mark, usage=usage, description=DESCRIPTION, epilog=cli.tables())
    cli.add_report_options(parser)
    cli.add_file_options(parser)
    parser.add_argument("--name", default=VARIABLE, help="the variable that the trace goes into")
    words, ends = _words(line)
    ours, theirs = cli.split(parser, words)
    given = parser.parse_args(ours)
    rest = line[ends[len(words) - len(theirs) - 1] if len(theirs) < len(words) else 0 :].strip()
    if is_cell and rest:
        parser.error(f"the code begins on the next line: {rest!r} is no option")
    if not is_cell and not rest:
        parser.error(f"which expression? As in `{mark} model.build((None, 784))`")
    if not given.name.isidentifier():
        parser.error(f"--name {given.name}: that is no name for a variable")
    request = cli.request_of(parser, given)
    check_outputs(request)
    return MagicRequest(rest, request, given.name, views=given.view is not None)


def _asked_of_cell(text: str) -> MagicRequest | None:
    """What a cell asks for by its first line; `None` if that is not our mark, or makes no sense."""
    first = text.lstrip().partition("\n")[0]
    mark, _, line = first.partition(" ")
    if mark.rstrip() != MARK:
        return None
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # whoever reads a cell wants no help
            return parse(line, is_cell=True)
    except (UsageError, SystemExit):
        return None


def _words(line: str) -> tuple[list[str], list[int]]:
    """The words of a line, without their quotes, and where each one ends."""
    matches = list(re.finditer(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""", line))
    words = [re.sub(r"""(["'])(.*?)\1""", r"\2", match[0]) for match in matches]
    return words, [match.end() for match in matches]
