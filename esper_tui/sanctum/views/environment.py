"""View 2: one environment, its slots, and everything about the slot under the cursor."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from esper_tui.karn.record import Round, RunRecord
from esper_tui.karn.view import legality_now
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.charts import METRICS, SMOOTHINGS, env_plot, legend, plot_title
from esper_tui.sanctum.copying import copy_json
from esper_tui.sanctum.envlines import env_lines
from esper_tui.sanctum.jsontext import json_lines
from esper_tui.sanctum.legallines import legal_lines
from esper_tui.sanctum.slotfacts import of_env, slot_document
from esper_tui.sanctum.slotlines import inspector_lines
from esper_tui.sanctum.text import column, percent, plus_minus
from esper_tui.sanctum.views.base import View
from esper_tui.sanctum.views.slot_rows import HISTORY_COLUMNS, SLOT_COLUMNS, history_rows, slot_rows
from esper_tui.sanctum.widgets.chart import Chart
from esper_tui.sanctum.widgets.grid import Grid
from esper_tui.sanctum.widgets.scroll import Pages

SLOTS_HELP = """One row per slot. alpha: how strongly the seed is blended in, > where it is going, and the epochs left.
in: epochs in this stage. gain: what the seed bought, against a control that never grew. depend.: what is lost when it
is switched off, which says reliance, not benefit. grad: its gradient norm over the host's; above 10 it explodes, below
0.001 it vanishes."""
INSPECTOR_HELP = """The slot under the cursor. Intervals are 2 standard errors, in nat of validation loss. index is 1 −
gain/dependence: near 1 the host leans on a seed that added little. credit shares the environment's gain out among its
seeds. rent is what the reward takes for its size, by its share of the parameters, and shock for its last step of
alpha. shapley and the lines below it come from switching coalitions of seeds off, at the epoch they say; L measures
them now, while the run rests. A gate shows the measured value against its threshold: + passed or open, x closed."""
LEGAL_HELP = """What may be decided for this slot at the latest boundary, + or x with the reason and the epoch at which
it is expected to open. o decides in Tamiyo's place; what is closed can be asked for as soon as it is legal."""
HISTORY_HELP = """What was decided about this slot, what happened by itself, what people asked for; the newest first.
+1 and +5: how the environment's gain had moved one and five epochs later, in nat. Enter explains a decision."""
ENV_HELP = """The environment over the round. gain is the control's validation loss minus its own. The reward is what
its last decision earned, by named terms, and their sum."""
LEAST_CHART, LEAST_MIDDLE = 9, 8
"""Lines of the chart, and of the panels above it."""


class EnvironmentView(View):
    scope = "environment"
    help = "Inside one environment. j k choose a slot, h l another environment; Enter gives the inspector the screen."
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("environment")]
    SCOPED_CSS = False  # the breakpoints are classes of the screen, outside of the view
    DEFAULT_CSS = """
    EnvironmentView #slots { height: auto; max-height: 16; }
    EnvironmentView #middle { height: 20; }
    EnvironmentView #inspector { width: 1fr; height: 1fr; }
    EnvironmentView #right { width: 1fr; }
    EnvironmentView #legal { height: auto; max-height: 14; }
    EnvironmentView #history { height: 1fr; }
    EnvironmentView #env { display: none; width: 1fr; height: 1fr; }
    EnvironmentView #chart { height: 1fr; }
    .-narrow EnvironmentView #inspector { width: 53%; margin-right: 1; }
    .-wide EnvironmentView #env { display: block; }
    .-short EnvironmentView #slots { max-height: 7; }
    .-short EnvironmentView #legal { max-height: 11; }
    .-short EnvironmentView #chart { display: none; }
    .-short EnvironmentView #chart.-zoomed { display: block; }
    """
    metric, log_scale, smoothing, raw = "val/loss", False, 1, False

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.shown_for: tuple[object, ...] = ()
        self.heights_wanted: dict[Widget, int] = {}

    def compose(self) -> ComposeResult:
        yield Grid(SLOT_COLUMNS, empty="waiting for the first round", id="slots", classes="framed", help=SLOTS_HELP,
                   opens="inspect")  # fmt: skip
        with Horizontal(id="middle"):
            yield Pages(id="inspector", classes="framed", help=INSPECTOR_HELP)
            with Vertical(id="right"):
                yield Pages("may be done here · o", id="legal", classes="framed", help=LEGAL_HELP)
                yield Grid(HISTORY_COLUMNS, "history", empty="nothing yet", id="history", classes="framed",
                           help=HISTORY_HELP, opens="explain")  # fmt: skip
            yield Pages("environment", id="env", classes="framed", help=ENV_HELP)
        yield Chart(id="chart", classes="framed", help="One environment over the round, with its control.")

    @property
    def slots(self) -> Grid:
        return self.query_one("#slots", Grid)

    @property
    def history(self) -> Grid:
        return self.query_one("#history", Grid)

    # --- drawing -----------------------------------------------------------------------------------------------

    def show(self, record: RunRecord) -> None:
        stamp, env, slot = self._stamp(), self.esper.selected_env, self.esper.selected_slot
        if stamp == self.shown_for or record.round is None:
            return
        self.shown_for = stamp
        record = of_env(record, env)
        current = record.rounds[-1]
        self.slots.show_title(self._title(current, env))
        self._fit(self.slots, len(current.slots) + 1)
        self.slots.show_rows(slot_rows(record, current, env))
        self.slots.select(slot)
        self._show_slot(record, current, env, slot)
        self._show_chart(record, current, env)

    def _stamp(self) -> tuple[object, ...]:
        """Everything that what is drawn depends on."""
        app, source = self.esper, self.esper.source
        sizes = tuple(panel.size for panel in (self.slots, self.query_one("#inspector"), self.query_one(Chart)))
        chart = (self.metric, self.log_scale, self.smoothing, self.raw)
        return (source, source.seen if source else 0, app.selected_env, app.selected_slot, app.ink, chart, sizes)

    def _title(self, current: Round, env: int) -> str:
        columns = current.epochs[-1].columns if current.epochs else {}
        acc, control = column(columns, "val/acc", env), column(columns, "control/acc", env)
        gain = plus_minus(column(columns, "gain/loss", env), column(columns, "gain/se", env))
        pinned = "=" if env in self.esper.pinned else ""
        return f"2 env {pinned}{env}  acc {percent(acc)} %  control {percent(control)} %  gain {gain} nat"

    def _show_slot(self, record: RunRecord, current: Round, env: int, slot: str) -> None:
        inspector, legal, around = (self.query_one(f"#{name}", Pages) for name in ("inspector", "legal", "env"))
        if self.raw:
            inspector.show_text(
                json_lines(slot_document(record, env, slot), inspector.size.width), f"{slot} as recorded"
            )
        else:
            lines = inspector_lines(record, env, slot, inspector.size.width, self.ink.glyphs)
            inspector.show_text(lines, f"slot {slot}")
        closed = legal_lines(legality_now(record, env), slot, legal.size.width)
        self._fit(legal, len(closed))
        legal.show_text(closed)
        self.history.show_title(f"history of {slot}")
        self.history.show_rows(history_rows(current, env, slot))
        told = env_lines(record, env, around.size.width, self.ink.glyphs) if around.display else []
        around.show_text(told)
        self._fit_middle(max(len(inspector.text), len(told)))

    def _fit_middle(self, lines: int) -> None:
        """The inspector has the lines it needs, as long as the chart keeps enough."""
        chart, middle = self.query_one(Chart), self.query_one("#middle")
        room = self.size.height - self.slots.outer_size.height - (LEAST_CHART if chart.display else 0)
        self._fit(middle, max(LEAST_MIDDLE, min(room, lines + 2)))

    def _fit(self, panel: Widget, lines: int) -> None:
        """The lines that a panel needs; the style sheet says how many it may have at most."""
        wanted = lines + panel.gutter.height
        if panel.size and not self.query(".-zoomed") and self.heights_wanted.get(panel) != wanted:
            self.heights_wanted[panel] = wanted
            panel.styles.height = wanted

    def _show_chart(self, record: RunRecord, current: Round, env: int) -> None:
        chart = self.query_one(Chart)
        if chart.display:
            epochs = int(record.config.get("run", {}).get("epochs", 0))
            plot = env_plot(current, env, self.metric, log=self.log_scale, smooth=self.smoothing, epochs=epochs)
            title = plot_title(env, self.metric, self.log_scale, self.smoothing)
            chart.show_plot(plot, title, legend(self.metric))

    # --- moving ------------------------------------------------------------------------------------------------

    def on_grid_moved(self, event: Grid.Moved) -> None:
        if event.grid is self.slots:
            self.esper.select(slot=str(event.key))

    def on_grid_across(self, event: Grid.Across) -> None:
        self.esper.select_env_beside(event.step)

    def on_grid_opened(self, event: Grid.Opened) -> None:
        if event.grid is self.slots:
            self.toggle_zoom(self.query_one("#inspector", Pages))
        else:
            self.action_explain()

    # --- looking closer ----------------------------------------------------------------------------------------

    def action_explain(self, number: int | None = None) -> None:
        """The decision under the cursor of the history, else the newest about this slot."""
        under = self.history.key if self.history.has_focus else None
        decided = [row.key for row in self.history.rows if isinstance(row.key, int)]
        chosen = number if number is not None else under if isinstance(under, int) else next(iter(decided), None)
        if chosen is None:
            self.esper.say("nothing was decided about this slot yet", "warn")
        else:
            self.esper.action_explain(int(chosen))

    def action_pin(self) -> None:
        self.esper.pinned ^= {self.esper.selected_env}
        self.shown_for = ()
        self.esper.draw()

    def action_copy(self) -> None:
        env, slot = self.esper.selected_env, self.esper.selected_slot
        copy_json(self.esper, f"env-{env}-{slot}", slot_document(self.esper.record, env, slot))

    def action_raw(self) -> None:
        """The slot as plain values, and back."""
        self.raw = not self.raw
        self.esper.draw()

    # --- the chart ---------------------------------------------------------------------------------------------

    def action_metric(self, name: str = "") -> None:
        """Charts the next metric, or the one that is named; a chart without room gets the whole view first."""
        chart, names = self.query_one(Chart), list(METRICS)
        hidden = not chart.display
        if hidden:
            self.toggle_zoom(chart)
        if name in METRICS:
            self.metric = name
        elif not hidden:
            self.metric = names[(names.index(self.metric) + 1) % len(names)]
        self.esper.draw()

    def action_scale(self) -> None:
        self.log_scale = not self.log_scale
        self.esper.draw()

    def action_smooth(self) -> None:
        self.smoothing = SMOOTHINGS[(SMOOTHINGS.index(self.smoothing) + 1) % len(SMOOTHINGS)]
        self.esper.draw()
