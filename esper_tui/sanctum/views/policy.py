"""View 3: what Tamiyo does, and how well she learns."""

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal

from esper_tui.karn.record import RunRecord
from esper_tui.sanctum import policy_lines as told
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.copying import copy_json
from esper_tui.sanctum.metric_groups import learning_lines
from esper_tui.sanctum.policy_charts import Charted, chartable, policy_plot, policy_title
from esper_tui.sanctum.tally import Tally, tallied
from esper_tui.sanctum.views.base import View
from esper_tui.sanctum.widgets.chart import Chart
from esper_tui.sanctum.widgets.scroll import Pages


class PolicyView(View):
    """Narrative, operations, seeds, blueprints and gates; metric groups once the policy has learnt something."""

    scope = "policy"
    help = (
        "What Tamiyo decides in this round and what came of it. Once she has learnt, her figures are shown in "
        "groups: optimisation, value, gradient, action space, infrastructure, each with the verdict of its levels."
    )
    metrics = ("seed/gain", "gain/loss", "ppo/", "entropy/", "live/", "return/")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("policy")]
    DEFAULT_CLASSES = "-folding"
    SCOPED_CSS = False  # the breakpoints are classes of the screen, outside of the view
    DEFAULT_CSS = """
    PolicyView #story { height: 7; }
    PolicyView #counts { height: 8fr; }
    PolicyView #outcomes { height: 6fr; }
    PolicyView #ops, PolicyView #blueprints { width: 4fr; }
    PolicyView #stages, PolicyView #gates { width: 3fr; }
    PolicyView #learning, PolicyView #chart { display: none; }
    PolicyView.-learning #learning { display: block; height: 12fr; }
    PolicyView #chart { height: 12fr; }
    PolicyView.-charted #chart, .-tall PolicyView #chart, .-high PolicyView #chart { display: block; }
    Screen.-short PolicyView.-charted #outcomes, Screen.-short PolicyView.-learning #counts { display: none; }
    .-narrow PolicyView #story { height: 6; }
    """

    def compose(self) -> ComposeResult:
        yield Pages("now · why · next", id="story", classes="framed", help=_STORY)
        yield Pages("learning", id="learning", classes="framed", help=_LEARNING)
        with Horizontal(id="counts"):
            yield Pages("operations", id="ops", classes="framed", help=_OPS)
            yield Pages("seeds", id="stages", classes="framed", help=_STAGES)
        with Horizontal(id="outcomes"):
            yield Pages("blueprints", id="blueprints", classes="framed", help=_BLUEPRINTS)
            yield Pages("gates", id="gates", classes="framed", help=_GATES)
        yield Chart(
            "", id="chart", classes="framed", help="m changes what is charted, . the axis, comma the smoothing."
        )

    def on_mount(self) -> None:
        self.tally, self.charted = Tally(), Charted()
        self.drawn_for: tuple[object, ...] = ()

    def show(self, record: RunRecord) -> None:
        if record.round is not None:
            self.tally = tallied(self.tally, record.round)
        sizes = tuple(pages.size for pages in self.query(Pages))
        state = (id(record), self.tally.state, len(record.updates), len(record.rounds), sizes, self.ink)
        if state != self.drawn_for:
            self.drawn_for = state
            self._draw(record)

    def _draw(self, record: RunRecord) -> None:
        updates = [event["metrics"] for event in record.updates]
        self.set_class(bool(updates), "-learning")
        story = self.query_one("#story", Pages)
        story.show_text(told.narrative(record, self.tally, updates, story.size.width))
        if updates:
            learning = self.query_one("#learning", Pages)
            lines = learning_lines(updates, learning.size.width, self.ink.glyphs)
            learning.styles.max_height = len(lines) + 2
            learning.show_text(lines, told.learning_title(record))
        if record.round is not None:
            names = ("ops", "stages", "blueprints", "gates")
            ops, stages, blueprints, gates = (self.query_one(f"#{name}", Pages) for name in names)
            ops.show_text(told.op_lines(record.round, self.tally, ops.size.width))
            stages.show_text(told.stage_lines(record.round, stages.size.width))
            gates.show_text(told.gate_lines(self.tally, gates.size.width))
            blueprints.show_text(told.blueprint_lines(self.tally, blueprints.size.width))
        self._draw_chart(record)

    # --- the chart ---------------------------------------------------------------------------------------------

    def _draw_chart(self, record: RunRecord) -> None:
        self.query_one(Chart).show_plot(policy_plot(record, self.charted), policy_title(self.charted))

    def _chart(self, charted: Charted) -> None:
        """On a small screen the chart takes the place of the outcomes until Esc."""
        self.charted = charted
        self.add_class("-charted")
        self._draw_chart(self.esper.record)

    def action_metric(self, name: str = "") -> None:
        """Charts the next metric, or the one that is named."""
        keys = chartable(self.esper.record)
        if name and name not in keys:
            self.esper.say(f"nothing called {name} was measured; there is {', '.join(keys)}", "warn")
            return
        self._chart(replace(self.charted, key=name) if name else self.charted.next_key(keys))

    def action_scale(self) -> None:
        self._chart(replace(self.charted, log=not self.charted.log))

    def action_smooth(self) -> None:
        self._chart(self.charted.next_smoothing())

    def go_back(self) -> bool:
        charted = self.has_class("-charted")
        self.remove_class("-charted")
        return charted

    def action_copy(self) -> None:
        """Copies the counts of the round, and the metrics of the newest update."""
        tally, updates = self.tally, self.esper.record.updates
        counts = {name: dict(getattr(tally, name)) for name in ("ops", "planted", "kept", "lost")}
        gates = {name: {"passed": c.passed, "failed": c.failed} for name, c in tally.gates.items()}
        gains = {name: tally.gain_of(name)[:2] for name in tally.planted}
        document = {**counts, "gates": gates, "gains": gains, "update": updates[-1] if updates else None}
        copy_json(self.esper, "policy", document)


_STORY = "NOW: what happens. WHY: the rule behind the newest decision. NEXT: gates ahead and what to watch."
_LEARNING = "Figures of the newest update, their verdicts by the levels of the metrics table, and how they went."
_OPS = (
    "How often each operation was carried out in this round, and its share at the last boundaries. WAIT is counted too."
)
_STAGES = "All slots of all environments by stage. Letters are those of the chips."
_BLUEPRINTS = (
    "Seeds by blueprint: planted, kept for good, pruned; what they gained against the control since they were planted, "
    "each as it was measured last. Green: more than two standard errors above zero."
)
_GATES = "G1: alive one epoch. G2: incubated without harm. G3: fully blended in. G5: the gain is confirmed."
