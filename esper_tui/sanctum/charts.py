"""What charts show of a run: an environment against its control, with what happened marked below."""

from typing import Any

from esper_tui.karn.record import Round
from esper_tui.sanctum.text import column, number
from esper_tui.sanctum.widgets.chart import Mark, Plot, Series
from esper_tui.sanctum.widgets.raster import smoothed

METRICS: dict[str, tuple[str, tuple[tuple[str, str, str], ...]]] = {
    "val/acc": ("val acc %", (("val/acc", "environment", "e"), ("control/acc", "control", "c"))),
    "val/loss": ("val loss", (("val/loss", "environment", "e"), ("control/loss", "control", "c"))),
    "gain/loss": ("gain nat", (("gain/loss", "gain", "g"),)),
    "train/loss": ("train loss", (("train/loss", "environment", "e"),)),
    "grad/host": ("gradient norm", (("grad/host", "host", "h"),)),
}
"""Metrics that can be charted: title, and for each line its column, name and letter."""
SMOOTHINGS = (1, 5, 15)
MARK_LETTERS = {"GERMINATE": "G", "ADVANCE": "A", "PRUNE": "P", "FOSSILIZE": "F", "SET_ALPHA_TARGET": "S"}


def env_plot(current: Round, env: int, metric: str, *, log: bool = False, smooth: int = 1, epochs: int = 0) -> Plot:
    """A metric of an environment over the round.  Fractions are drawn as percentages; ``epochs`` is the full length."""
    series = tuple(
        Series(name, letter, _points(current, key, env, smooth), f"series-{index}")
        for index, (key, name, letter) in enumerate(METRICS[metric][1])
        if any(column(epoch.columns, key, env) is not None for epoch in current.epochs[-1:])
    )
    # the environment is drawn last, over its control
    return Plot(series[::-1], _marks(current, env), log, "ep", (1, max(epochs, 2)) if epochs else None)


def _points(current: Round, key: str, env: int, smooth: int) -> tuple[tuple[float, float], ...]:
    scale = 100.0 if key.endswith("/acc") else 1.0
    values = smoothed([number(column(epoch.columns, key, env)) for epoch in current.epochs], smooth)
    return tuple((e.number, scale * v) for e, v in zip(current.epochs, values, strict=True) if v is not None)


def _marks(current: Round, env: int) -> tuple[Mark, ...]:
    marks = []
    for event in current.decisions:
        if event["env"] == env and event["decision"]["op"] in MARK_LETTERS:
            marks.append(Mark(event["epoch"], MARK_LETTERS[event["decision"]["op"]], _mark_style(event)))
    return tuple(marks)


def _mark_style(event: dict[str, Any]) -> str:
    return "human" if event["by"] == "human" else "bold"


def plot_title(env: int, metric: str, log: bool, smooth: int) -> str:
    extras = [text for text, on in (("log", log), (f"mean of {smooth}", smooth > 1)) if on]
    return " · ".join([f"env {env}  {METRICS[metric][0]}", *extras])


def legend(metric: str, marks: tuple[Mark, ...] = ()) -> str:
    """Which letter is which line, and what the marks below mean, for the border of a chart."""
    lines = [f"{letter} {name}" for _, name, letter in METRICS[metric][1]]
    used = {mark.letter for mark in marks}
    return "  ".join([*lines, *(f"{m} {op.lower().split('_')[0]}" for op, m in MARK_LETTERS.items() if m in used)])
