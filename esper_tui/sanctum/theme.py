"""Themes, and styles by name: ``good``, ``warn``, ``dim``, ``stage-T`` and so on, the only way a widget colours text.

Colour repeats what a letter says.  ``mono``, and every theme where NO_COLOR is set, has bold, underline and reverse
instead.  Series have the colours of Okabe and Ito (2008), which stay apart for colour-blind people.
"""

from dataclasses import dataclass

from rich.style import Style
from textual.theme import Theme

from esper_tui.leyline.stages import LETTERS


@dataclass(frozen=True)
class Palette:
    """Colours of a theme as hex; ``series`` are for lines in a chart, in order."""

    dark: bool
    background: str
    surface: str
    foreground: str
    dim: str
    line: str
    accent: str
    good: str
    warn: str
    bad: str
    human: str
    cursor: str
    series: tuple[str, ...]


OKABE_DARK = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#e8702a", "#7fa7ff", "#c0c0c0")
OKABE_LIGHT = ("#0072b2", "#a05000", "#00734f", "#7a6a00", "#9b3f78", "#b34700", "#3355bb", "#555555")

PALETTES: dict[str, Palette] = {
    "esper-dark": Palette(
        True, "#101417", "#182024", "#d5dde0", "#8b9aa1", "#3a4a52", "#6cc5d9", "#7ecb7e", "#e8bf5a", "#f08484",
        "#c9a2f2", "#1b3039", OKABE_DARK,
    ),
    "esper-light": Palette(
        False, "#fafaf7", "#f0efe9", "#1f2a2e", "#5a666b", "#b9c2c4", "#0b6478", "#1f6b2c", "#7a5200", "#a81f2b",
        "#6a3ea1", "#d3e6ea", OKABE_LIGHT,
    ),
    "cb-dark": Palette(
        True, "#0f1216", "#191e24", "#dfe3e6", "#93a0a8", "#3c4852", "#56b4e9", "#56b4e9", "#f0e442", "#ee9a5c",
        "#cc9fd0", "#1b2e40", OKABE_DARK,
    ),
    "cb-light": Palette(
        False, "#ffffff", "#f2f3f5", "#17202a", "#56616b", "#b4bec8", "#005a8f", "#005a8f", "#6b5b00", "#a84300",
        "#84386a", "#d4e4f2", OKABE_LIGHT,
    ),
    "mono": Palette(
        True, "#000000", "#000000", "#d8d8d8", "#a0a0a0", "#707070", "#ffffff", "#d8d8d8", "#ffffff", "#ffffff",
        "#ffffff", "#303030", ("#d8d8d8",) * 8,
    ),
}  # fmt: skip


def textual_theme(name: str) -> Theme:
    """The palette as a theme of Textual, for its own widgets."""
    p = PALETTES[name]
    return Theme(
        name=name, primary=p.accent, secondary=p.human, accent=p.accent, warning=p.warn, error=p.bad, success=p.good,
        foreground=p.foreground, background=p.background, surface=p.surface, panel=p.line, dark=p.dark,
        variables={
            "border": p.line, "border-blurred": p.line, "input-cursor-background": p.foreground,
            "input-cursor-foreground": p.background, "text-muted": p.dim, "dim": p.dim, "line": p.line,
            "cursor": p.cursor, "block-cursor-background": p.cursor, "block-cursor-foreground": p.foreground,
        },
    )  # fmt: skip


Styles = dict[str, Style]


def styles_of(name: str, no_color: bool = False) -> Styles:
    """Styles by name in a theme."""
    if name == "mono" or no_color:
        return _mono()
    p = PALETTES[name]
    styles = {
        "": Style(), "bold": Style(bold=True), "dim": Style(color=p.dim), "line": Style(color=p.line),
        "title": Style(color=p.accent, bold=True), "key": Style(color=p.accent, bold=True),
        "head": Style(color=p.dim, bold=True), "cursor": Style(bgcolor=p.cursor), "mark": Style(bold=True),
        "underline": Style(underline=True),
        "good": Style(color=p.good), "warn": Style(color=p.warn), "bad": Style(color=p.bad, bold=True),
        "error": Style(color=p.background, bgcolor=p.bad, bold=True),
        "alert": Style(color=p.background, bgcolor=p.warn, bold=True),
        "badge": Style(color=p.background, bgcolor=p.human, bold=True), "human": Style(color=p.human, bold=True),
        "run": Style(color=p.good, bold=True), "pause": Style(color=p.warn, bold=True),
    }  # fmt: skip
    stages = {"·": p.dim, "G": p.series[3], "T": p.series[1], "B": p.series[0], "H": p.series[4], "F": p.good}
    styles |= {f"stage-{letter}": Style(color=stages.get(letter, p.dim)) for letter in LETTERS.values()}
    return styles | {f"series-{i}": Style(color=color) for i, color in enumerate(p.series)}


def _mono() -> Styles:
    plain, bold, reverse, under = Style(), Style(bold=True), Style(reverse=True), Style(underline=True)
    styles = dict.fromkeys(("", "dim", "line", "good"), plain) | {"underline": under}
    styles |= dict.fromkeys(("bold", "title", "key", "head", "mark", "run", "warn", "human", "pause"), bold)
    styles |= {"cursor": reverse, "bad": bold + under, "badge": reverse, "error": bold + reverse, "alert": reverse}
    styles |= {f"stage-{letter}": bold if letter in "BHF" else plain for letter in LETTERS.values()}
    return styles | {f"series-{i}": plain for i in range(8)}


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.1, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
