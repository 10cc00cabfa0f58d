"""A page that opens anywhere, made of a template, with its script, its styles and its data in it.

Nothing on the page comes from elsewhere, and a strict Content-Security-Policy says so. All names
are data: the template escapes them, and the scripts only ever make text of them.
"""

from __future__ import annotations

import base64
import functools
import gzip
from typing import TYPE_CHECKING, Any

from buildtrace.renderers.page import bundle
from buildtrace.traces import json_text

if TYPE_CHECKING:
    import jinja2

POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; base-uri 'none'; "
    "form-action 'none'"
)


def filled(
    template: str, values: dict[str, Any], script: str = bundle.ENTRY, rules: str = ""
) -> str:
    """A page made of a template, with a script and styles in it, all that its policy allows.

    Args:
        template: the asset that is the page; all values are escaped in it.
        values: what it is filled with.
        script: the asset that its script begins with.
        rules: what follows the report's own styles.
    """
    from markupsafe import Markup

    code, style = bundle.script(script), bundle.style(rules)
    return (
        _environment()
        .get_template(template)
        .render(
            policy=POLICY.format(script=bundle.digest(code), style=bundle.digest(style)),
            script=Markup(code),
            style=Markup(style),
            **values,
        )
    )


@functools.cache
def _environment() -> jinja2.Environment:
    """It keeps the templates that it has compiled."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(bundle.read),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def pack(data: dict[str, Any]) -> str:
    """Data as text that has no meaning in HTML: JSON, compressed, in base64."""
    return base64.b64encode(gzip.compress(json_text.encoded(data), 6, mtime=0)).decode()
