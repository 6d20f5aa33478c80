"""View 1: every environment, the ones in trouble first; Tamiyo, events and overrides at a glance."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import Resize

from esper_tui.karn.record import Round, RunRecord
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.charts import METRICS, SMOOTHINGS, env_plot, legend, plot_title
from esper_tui.sanctum.chips import stage_legend
from esper_tui.sanctum.copying import copy_json
from esper_tui.sanctum.order import StableOrder
from esper_tui.sanctum.summaries import (
    decision_lines,
    env_document,
    legal_lines,
    override_lines,
    policy_lines,
    slot_lines,
    system_lines,
    tail_lines,
)
from esper_tui.sanctum.views.base import View
from esper_tui.sanctum.views.fleet_rows import Sight, fleet_columns, fleet_rows, severity_of
from esper_tui.sanctum.widgets.chart import Chart
from esper_tui.sanctum.widgets.grid import Grid, fit_columns
from esper_tui.sanctum.widgets.panel import Panel

GRID_HELP = """One row per environment. Δ5ep: accuracy now minus five epochs ago, in points. gain ±: validation loss of
the control minus that of the environment, in nat, with its standard error. Chips: stage letter · G T B H F P E R,
blueprint, then alpha while blending or the epochs in this stage; ^ exploding, v vanishing gradients, ! ransom, * a
person's hand. Rows in trouble rise at once and sink after three calm epochs."""
LEAST_TAIL = 6
"""Lines that the events below the table keep, their border included."""
FLAT = 13
"""Lines of the view below which there is nothing but the table."""
LEAST_SLOTS = 14
"""Lines of the table of slots beside the fleet."""
POLICY_HELP = "What was decided at the last boundaries, how many seeds are in which stage, and what growth has bought."


class FleetView(View):
    scope = "fleet"
    help = "Every environment at a glance. Enter looks inside, o decides in Tamiyo's place."
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("fleet")]
    SCOPED_CSS = False  # the breakpoints are classes of the screen, outside of the view
    DEFAULT_CSS = """
    FleetView #upper { height: 8; }
    FleetView #middle { height: 13; }
    FleetView #lower { height: 1fr; }
    FleetView Panel { height: 1fr; }
    FleetView #slots { display: none; width: 78; }
    FleetView #decisions, FleetView #system { display: none; }
    FleetView #overrides { width: 42; }
    FleetView #system { width: 36; }
    .-wide FleetView #slots, .-wide FleetView #decisions, .-wide FleetView #system { display: block; }
    .-high FleetView #middle { height: 18; }
    .-short FleetView #middle { height: 4; }
    .-short FleetView #chart { display: none; }
    .-narrow FleetView #overrides { display: none; }
    Screen.-narrow.-tall FleetView #middle, Screen.-narrow.-high FleetView #middle { layout: vertical; height: 16; }
    Screen.-narrow FleetView #policy { height: 4; }
    FleetView #chart.-zoomed { display: block !important; }
    FleetView.-flat #middle, FleetView.-flat #lower { display: none; }
    FleetView.-flat #middle.-zoomed, FleetView.-flat #lower.-zoomed { display: block !important; }
    """

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.order = StableOrder()
        self.metric, self.log_scale, self.smoothing = "val/acc", False, 1
        self.shown_for: tuple[object, ...] = ()
        self.upper_height = 0
        self.parts: list[Panel] = []

    def compose(self) -> ComposeResult:
        with Horizontal(id="upper"):
            yield Grid(
                title="1 fleet",
                empty="waiting for the first epoch",
                id="grid",
                classes="framed",
                help=GRID_HELP,
                opens="inspect",
            )
            yield Panel("slots", id="slots", classes="framed")
        with Horizontal(id="middle"):
            yield Chart(id="chart", classes="framed", help="One environment over the round, with its control.")
            yield Panel("3 policy", id="policy", classes="framed", help=POLICY_HELP)
            yield Panel("4 decisions", id="decisions", classes="framed")
        with Horizontal(id="lower"):
            yield Panel("5 events", id="tail", classes="framed", help="The newest events first; view 5 has them all.")
            yield Panel("overrides", id="overrides", classes="framed")
            yield Panel("8 system", id="system", classes="framed")

    def on_resize(self, event: Resize) -> None:
        """Where there are few lines the table has them all."""
        self.set_class(event.size.height < FLAT, "-flat")

    def on_mount(self) -> None:
        self.parts = list(self.query(Panel))

    # --- drawing -----------------------------------------------------------------------------------------------

    def show(self, record: RunRecord) -> None:
        self._show_system()
        stamp = self._stamp()
        if stamp == self.shown_for:
            return
        self.shown_for = stamp
        current, source = record.round, self.esper.source
        policy, tail = self.query_one("#policy", Panel), self.query_one("#tail", Panel)
        policy.show_lines(policy_lines(record, policy.size.width, policy.size.height))
        tail.show_lines(tail_lines(source.log if source else (), tail.size.width, tail.size.height))
        overrides = self.query_one("#overrides", Panel)
        overrides.show_lines(override_lines(record, overrides.size.width, max(2, overrides.size.height)))
        if current is not None:
            self._show_rows(record, current)
            self._show_selected(record, current)

    def _stamp(self) -> tuple[object, ...]:
        """Everything that what is drawn depends on."""
        app = self.esper
        sizes = tuple(panel.size for panel in self.parts)
        chart = (self.metric, self.log_scale, self.smoothing)
        source = app.source
        return (source, source.seen if source else 0, app.selected_env, app.selected_slot, frozenset(app.pinned),
                app.ink, chart, sizes)  # fmt: skip

    def _show_rows(self, record: RunRecord, current: Round) -> None:
        app, grid = self.esper, self.query_one(Grid)
        width, epoch = grid.size.width - 2, current.epochs[-1].number if current.epochs else 0
        columns = fleet_columns(current.slots, width, current.control != "none")
        order = self.order.arrange([severity_of(record.alerts, e) for e in range(len(current.instances))], epoch)
        selected, pinned = (app.selected_env, app.selected_slot), frozenset(app.pinned)
        sight = Sight(fit_columns(columns, width), app.ink.glyphs, selected, pinned)
        self._fit_upper(len(order))
        grid.legend = stage_legend(width - len("99 of 99") - 4)
        filtered = f"filter {grid.filter_text}" if grid.filter_text else "/ filter"
        grid.show_title(f"1 fleet  {len(current.instances)} env · {_order_text(grid)} · {filtered}")
        grid.show_rows(fleet_rows(record, current, order, sight), columns)
        grid.select(app.selected_env)

    def _fit_upper(self, rows: int) -> None:
        """The table has the lines it needs, as long as enough are left for what is below."""
        upper, grid = self.query_one("#upper"), self.query_one(Grid)
        frame = grid.outer_size.height - grid.size.height
        room = self.size.height
        if not self.has_class("-flat"):
            room -= self.query_one("#middle").outer_size.height + LEAST_TAIL
        least = LEAST_SLOTS if self.query_one("#slots").display else 0
        wanted = max(4, min(max(least, rows + 1 + frame), room))
        if grid.size and not self.query(".-zoomed") and wanted != self.upper_height:
            self.upper_height = wanted
            upper.styles.height = wanted

    def _show_selected(self, record: RunRecord, current: Round) -> None:
        env, chart = self.esper.selected_env, self.query_one(Chart)
        if chart.display:
            epochs = int(record.config.get("run", {}).get("epochs", 0))
            plot = env_plot(current, env, self.metric, log=self.log_scale, smooth=self.smoothing, epochs=epochs)
            title = plot_title(env, self.metric, self.log_scale, self.smoothing)
            chart.show_plot(plot, title, legend(self.metric, plot.marks))
        slots, decisions = self.query_one("#slots", Panel), self.query_one("#decisions", Panel)
        if slots.display:
            table = slot_lines(current, env, self.esper.selected_slot, slots.size.width)
            table += [(), *legal_lines(record, env, slots.size.width)] if slots.size.height > len(table) + 1 else []
            slots.show_lines(table, f"2 env {env} (follows the cursor)")
        if decisions.display:
            decisions.show_lines(decision_lines(current, decisions.size.width, decisions.size.height))

    def _show_system(self) -> None:
        """Progress has no events, so this one is drawn every frame."""
        system, source = self.query_one("#system", Panel), self.esper.source
        if system.display and source is not None:
            system.show_lines(system_lines(source.progress(), self.esper.pace, system.size.width))

    # --- moving ------------------------------------------------------------------------------------------------

    def on_grid_moved(self, event: Grid.Moved) -> None:
        if isinstance(event.key, int):
            self.esper.select(event.key)

    async def on_grid_opened(self, event: Grid.Opened) -> None:
        await self.esper.show_view("environment")

    def on_grid_across(self, event: Grid.Across) -> None:
        self.esper.select_slot_beside(event.step)

    def marked_envs(self) -> list[int]:
        return sorted(key for key in self.query_one(Grid).marked if isinstance(key, int))

    def action_pin(self) -> None:
        self.esper.pinned ^= {self.esper.selected_env}
        self.esper.draw()

    def action_copy(self) -> None:
        env = self.esper.selected_env
        copy_json(self.esper, f"env-{env}", env_document(self.esper.record, env))

    def action_metric(self, name: str = "") -> None:
        """Charts the next metric, or the one that is named; a chart without room gets the whole view first."""
        chart, names = self.query_one(Chart), list(METRICS)
        if not chart.display:
            self.toggle_zoom(chart)
            chart.focus()
            self.esper.draw()
            return
        self.metric = name if name in METRICS else names[(names.index(self.metric) + 1) % len(names)]
        self.esper.draw()

    def action_scale(self) -> None:
        self.log_scale = not self.log_scale
        self.esper.draw()

    def action_smooth(self) -> None:
        self.smoothing = SMOOTHINGS[(SMOOTHINGS.index(self.smoothing) + 1) % len(SMOOTHINGS)]
        self.esper.draw()


def _order_text(grid: Grid) -> str:
    if grid.sort is None:
        return "trouble first" + (" reversed" if grid.reversed else "")
    return f"by {grid.sort}" + (" down" if grid.reversed else " up")
