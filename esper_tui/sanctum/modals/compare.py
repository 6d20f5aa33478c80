"""Runs laid over each other: one metric as a curve per run, what they came to, in which settings they differ."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from esper_tui.leyline.launcher import RunCard
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.compare_lines import config_lines, summary_lines
from esper_tui.sanctum.curves import (
    AXES,
    SMOOTHING,
    Curves,
    Followed,
    config_differences,
    meaning_of,
    metrics_of,
    plot_of,
)
from esper_tui.sanctum.ink import Line, fitted, line, spread, width_of
from esper_tui.sanctum.modals.base import Modal
from esper_tui.sanctum.widgets.bigplot import BigPlot
from esper_tui.sanctum.widgets.panel import Panel

FIRST_METRIC = "val/acc"
FOLLOW_S = 2.0
"""How often a run that is still written is read on."""


class CompareDialog(Modal[None]):
    """Two to six runs.  Every run has a letter and a colour of its own."""

    scope = "compare"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("compare")]
    SCOPED_CSS = False
    DEFAULT_CSS = """
    CompareDialog { align: center top; }
    CompareDialog > Vertical { width: 100%; height: 1fr; margin: 0 0 1 0; }
    CompareDialog BigPlot { height: 1fr; min-height: 8; }
    CompareDialog #config { margin: 1 0 0 0; max-height: 40%; }
    CompareDialog.-settings BigPlot { display: none; }
    .-short CompareDialog #config, CompareDialog.-short #config { display: none; }
    CompareDialog.-settings #config { display: block; max-height: 100%; }
    """

    def __init__(self, cards: Sequence[RunCard]):
        super().__init__()
        self.cards, self.followed = tuple(cards), list[Followed]()
        self.reading, self.read_at = False, 0.0
        self.metric, self.axis, self.log_scale, self.smoothing = FIRST_METRIC, AXES[0], False, 1

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Panel(id="about")
            yield BigPlot()
            yield Panel(id="summary")
            yield Panel(id="config")

    @property
    def runs(self) -> list[Curves]:
        return [one.curves for one in self.followed]

    def on_mount(self) -> None:
        self.query_one(Vertical).border_title = self.shown(f"compare {len(self.cards)} runs")
        self.query_one("#about", Panel).show_lines([line(("reading the runs …", "dim"))])
        self.esper.in_thread(lambda: [Followed(card) for card in self.cards], self._loaded, self._failed)

    def _loaded(self, followed: list[Followed]) -> None:
        self.followed, self.read_at = followed, self.esper.clock()
        known = metrics_of(self.runs)
        if self.metric not in known and known:
            self.metric = known[0]
        self._draw()

    # --- runs that go on ---------------------------------------------------------------------------------------

    def frame(self) -> None:
        """Reads on where a run is still written, now and then."""
        growing = [one for one in self.followed if one.grows]
        if growing and not self.reading and self.esper.clock() - self.read_at >= FOLLOW_S:
            self.reading = True
            self.esper.in_thread(lambda: [(one, one.tail.read()) for one in growing], self._read_on, self._failed)

    def _read_on(self, news: list[tuple[Followed, list[dict[str, Any]]]]) -> None:
        self.reading, self.read_at = False, self.esper.clock()
        for one, events in news:
            for event in events:
                one.curves.fold(event)
        if self.is_attached and any(events for _, events in news):
            self._draw(at_once=False)

    def _failed(self, error: Exception) -> None:
        about = self.query_one("#about", Panel)
        about.show_lines([line((part, "bad")) for part in wrap(str(error), max(20, about.size.width))])
        about.styles.height = len(about.lines)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    # --- drawing -----------------------------------------------------------------------------------------------

    def _draw(self, at_once: bool = True) -> None:
        if not self.runs:
            return
        about, summary, config = (self.query_one(f"#{name}", Panel) for name in ("about", "summary", "config"))
        about.show_lines([self._about(about.size.width)])
        self.query_one(BigPlot).show_plot(
            plot_of(self.runs, self.metric, self.axis, self.log_scale, self.smoothing), at_once
        )
        summary.show_lines(summary_lines(self.runs, self.metric, summary.size.width))
        summary.styles.height = len(summary.lines)
        config.show_lines(config_lines(config_differences(self.runs), summary.size.width))
        config.styles.height = len(config.lines)

    def _about(self, width: int) -> Line:
        """What is drawn, and the keys that change it."""
        scale = "log" if self.log_scale else "linear"
        what = line((self.metric, "title"), f"  {meaning_of(self.metric)}" if width >= 100 else "")
        keys = (("m", "metric"), ("x", self.axis), (".", scale), (",", f"smooth {self.smoothing}"), ("d", "settings"))
        told = line(*(part for key, name in keys for part in (("  " + key, "key"), f" {name}")))
        return spread(fitted(what, max(0, width - width_of(told) - 1)), told, width)

    # --- what can be done --------------------------------------------------------------------------------------

    def action_metric(self, name: str = "") -> None:
        known = metrics_of(self.runs)
        if known:
            self.metric = name if name in known else known[(known.index(self.metric) + 1) % len(known)]
            self._draw()

    def action_scale(self) -> None:
        self.log_scale = not self.log_scale
        self._draw()

    def action_smooth(self) -> None:
        self.smoothing = SMOOTHING[(SMOOTHING.index(self.smoothing) + 1) % len(SMOOTHING)]
        self._draw()

    def action_compare_axis(self) -> None:
        self.axis = AXES[(AXES.index(self.axis) + 1) % len(AXES)]
        self._draw()

    def action_compare_config(self) -> None:
        self.toggle_class("-settings")
        self.call_after_refresh(self._draw)
