"""Traces made by hand for tests of rules: states and uses, and what one rule says of them."""

from __future__ import annotations

import msgspec

from buildtrace.diagnosis import all_rules
from buildtrace.traces.schema import ErrorInfo, LayerState, Method, SourceLine, Use

FILE = "/nowhere/model.py"


def line(number):
    return SourceLine(file=FILE, line=number)


def error(kind, message, *lines, swallowed=False):
    """An exception that came through these lines of the user's."""
    return ErrorInfo(
        type=kind, message=message, swallowed=swallowed, lines=tuple(line(n) for n in lines)
    )


def state(layer, after, children=(), unbuilt=(), built=True, number=1, **methods):
    """A layer of the user's own; `methods` are its methods, with the arguments of each."""
    return LayerState(
        layer=layer,
        after=after,
        built=built,
        children=tuple(children),
        unbuilt=tuple(child.id for child in unbuilt),
        file=FILE,
        line=number,
        methods=tuple(
            Method(
                name=name,
                file=FILE,
                line=number + place,
                arguments=tuple(arguments),
                required=len(arguments),
            )
            for place, (name, arguments) in enumerate(methods.items(), 1)
        ),
    )


def use(name, recording, model=None, number=9, **more):
    """Something asked of a model by now."""
    return Use(
        name=name,
        generation=recording.generation,
        before=len(recording.calls),
        model=model,
        caller=line(number),
        **more,
    )


def said(code, recording, states=(), uses=(), ended=None):
    """What the rule of this code says of what was recorded."""
    trace = msgspec.structs.replace(recording.trace(ended), states=tuple(states), uses=tuple(uses))
    rule = next(rule for rule in all_rules() if rule.code == code)
    return list(rule.check(trace))
