"""What a loss says of itself, the same in both generations."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple


class LossFacts(NamedTuple):
    """What can be told of a loss.

    Attributes:
        name: its own.
        function: the function that it runs; "" if it has a `call` of its own.
        from_logits: whether it takes logits; `None` if it has no such option.
    """

    name: str
    function: str
    from_logits: bool | None


def loss_facts(loss: Any) -> LossFacts:
    """Read a loss: Keras makes an object of each, also of a function or a word."""
    function = getattr(loss, "fn", None)
    given = getattr(loss, "_fn_kwargs", {}).get("from_logits")
    logits = getattr(loss, "from_logits", given)
    if logits is None and function is not None:
        logits = _default(function)
    return LossFacts(
        name=str(getattr(loss, "name", None) or ""),
        function=str(getattr(function, "__name__", "")),
        from_logits=logits if isinstance(logits, bool) else None,
    )


def _default(function: Any) -> Any:
    """What the function takes for `from_logits` if nothing is said."""
    try:
        option = inspect.signature(function).parameters.get("from_logits")
    except (TypeError, ValueError):  # a function of C, or none at all
        return None
    return None if option is None else option.default
