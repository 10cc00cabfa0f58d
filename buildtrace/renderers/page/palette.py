"""The colors of a page: the terminal's, in shades that can be read on both grounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.text import styles

if TYPE_CHECKING:
    from collections.abc import Mapping


class Shade(NamedTuple):
    """A color on a white and on a dark ground, each with a contrast above 4.5:1; or two grounds."""

    light: str
    dark: str


SHADES = {
    "cyan": Shade("#0b7285", "#3bc9db"),
    "bright_blue": Shade("#1d4ed8", "#82aaff"),
    "green": Shade("#18752f", "#56d364"),
    "magenta": Shade("#a21caf", "#e599f7"),
    "yellow": Shade("#8a5a00", "#f2cc60"),
    "bright_red": Shade("#b54708", "#ffa657"),  # no error: those are red
    "bright_magenta": Shade("#6d28d9", "#c4b5fd"),
    "red": Shade("#b42318", "#ff8a80"),
}

GROUNDS = {
    "red": Shade("#fef1ef", "#34191a"),
    "yellow": Shade("#fff7e6", "#2e2612"),
    "cyan": Shade("#eaf6f8", "#14282d"),
}
"""What a text of that color stands on, where a whole block is of it."""


def variables() -> str:
    """CSS variables in both schemes, for steps and severities: such as `--build` and `--error`.

    A severity has a ground as well, `--error-ground`. What has the class of a step, or
    `data-severity`, finds its own as `--step`, or as `--tone` and `--tone-ground`.
    """
    severities = {name: _color(style) for name, style in styles.SEVERITY.items()}
    shades = {step: SHADES[color] for step, color in styles.STEP.items()}
    shades |= {name: SHADES[color] for name, color in severities.items()}
    shades |= {f"{name}-ground": GROUNDS[color] for name, color in severities.items()}
    light, dark = _assigned(shades)
    classes = [f".{step}{{--step:var(--{step})}}" for step in styles.STEP]
    classes += [
        f'[data-severity="{name}"]{{--tone:var(--{name});--tone-ground:var(--{name}-ground)}}'
        for name in severities
    ]
    rules = "".join(classes)
    return f":root{{{light}}}\n@media(prefers-color-scheme:dark){{:root{{{dark}}}}}\n{rules}\n"


def _color(style: str) -> str:
    """The color in a terminal's style, such as "bold red"."""
    return next(word for word in style.split() if word in SHADES)


def _assigned(shades: Mapping[str, Shade]) -> tuple[str, str]:
    light = "".join(f"--{name}:{shade.light};" for name, shade in shades.items())
    dark = "".join(f"--{name}:{shade.dark};" for name, shade in shades.items())
    return light, dark
