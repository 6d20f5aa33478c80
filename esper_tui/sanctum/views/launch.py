"""The launch screen: what can be grown, what it costs, what was grown before."""

from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from esper_tui.karn.record import RunRecord
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.launcher import PresetCard
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.cards import FIRST, PRESET_COLUMNS, RECENT_COLUMNS, preset_rows, run_row
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.text import duration, fit
from esper_tui.sanctum.views.base import View
from esper_tui.sanctum.widgets.grid import Grid
from esper_tui.sanctum.widgets.panel import Panel

WELCOME = line(
    " New here?  ", ("Enter", "key"), " starts this preset, ", ("e", "key"), " edits it first, ",
    ("?", "key"), " gives help.",
)  # fmt: skip
LABEL = 10
"""Cells of the words before a line of the description, as in an estimate."""


def labelled(label: str, text: str, width: int, style: str = "") -> list[Line]:
    """A word and what it says, over as many lines as that takes."""
    parts = wrap(text, max(10, width - LABEL)) or [""]
    return [line((fit(label if not i else "", LABEL), "dim"), (part, style)) for i, part in enumerate(parts)]


@dataclass(frozen=True)
class Cost:
    """What a preset will cost, or why that is not known."""

    text: str
    failed: bool = False


def unmeasured(error: Exception) -> Cost:
    return Cost(f"cost could not be measured: {' '.join(str(error).split())}", failed=True)


def about_lines(card: PresetCard, config: RunConfig | None, cost: Cost, width: int) -> list[Line]:
    """What a preset does, what it needs and what it costs."""
    if card.problem or config is None:
        return [*labelled("broken", card.problem, width, "bad"), (), *labelled("file", str(card.path), width, "dim")]
    here = (card.needs, "warn") if card.needs else ("✓ is here", "good")
    lines = [*(line(part) for part in wrap(card.description, width)), ()]
    lines += labelled("data", f"{card.data}  {here[0]}", width, here[1])
    for text in cost.text.splitlines():
        label, _, rest = text.partition(" ")
        lines += labelled(label, rest.strip(), width, "bad" if cost.failed else "")
    return [*lines, (), *plan_lines(config, width)]


def plan_lines(config: RunConfig, width: int) -> list[Line]:
    """The configuration in three sentences."""
    run, host, growth = config.run, config.host, config.growth
    rounds = f"{run.rounds:,} rounds of " if run.mode == "learn" else ""
    beside = ", each beside its control" if config.twins else ""
    grows = f"{rounds}{run.envs} environments × {run.epochs} epochs of {config.images_per_epoch:,} images{beside}"
    blocks = f"{host.blocks} blocks from {host.channels} channels, kernel {host.kernel}"
    return [
        *labelled("grows", grows, width),
        *labelled("host", f"{blocks}; slots {' '.join(growth.slots)}", width),
        *labelled("decides", f"{config.tamiyo.policy}; {len(growth.blueprints)} blueprints", width),
    ]


class LaunchView(View):
    scope = "launch"
    help = "Choose what to grow.  Enter starts the preset under the cursor; below are the runs that were."
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("launch")]
    SCOPED_CSS = False
    DEFAULT_CSS = """
    LaunchView > #welcome { height: 1; display: none; }
    LaunchView.-first > #welcome { display: block; }
    LaunchView > Horizontal { height: 3fr; }
    LaunchView #choice { width: 28; }
    LaunchView #about { width: 1fr; height: 1fr; padding: 0 1; }
    .-narrow LaunchView #about, .-short LaunchView #about { margin: 0 0 0 1; }
    LaunchView #recent { height: 2fr; }
    LaunchView.-tiny #choice { width: 1fr; }
    LaunchView.-tiny #about { display: none; }
    """

    def __init__(self, *, id: str | None = None):
        super().__init__(id=id)
        self.cards: list[PresetCard] = []
        self.configs: dict[str, RunConfig | None] = {}
        self.costs: dict[str, Cost] = {}
        self.measuring, self.warm, self.since = "", False, 0.0

    def compose(self) -> ComposeResult:
        yield Panel(id="welcome")
        with Horizontal():
            yield Grid(PRESET_COLUMNS, "presets", id="choice", classes="framed", empty="no presets", opens="start",
                       help="Presets: shipped ones, yours, and those in this folder.")  # fmt: skip
            yield Panel(id="about", classes="framed")
        with Vertical(id="recent"):
            yield Grid(RECENT_COLUMNS, "recent runs", id="runs", classes="framed", empty="no runs yet", opens="show",
                       help="Enter replays a run, or watches one that another process writes.")  # fmt: skip

    def on_mount(self) -> None:
        self.query_one("#welcome", Panel).show_lines([WELCOME])
        self.call_after_refresh(self._warm_up)

    def on_view_enter(self) -> None:
        self._read_presets()
        self.esper.read_runs()
        self.query_one("#choice", Grid).focus()

    def action_refresh(self) -> None:
        self.costs.clear()
        self._read_presets()
        self.esper.read_runs()

    def _read_presets(self) -> None:
        self.configs.clear()
        if self.esper.launcher is not None:
            self.cards = self.esper.launcher.presets()
            grid = self.query_one("#choice", Grid)
            if grid.key is None:
                grid.key = FIRST
            grid.show_rows(preset_rows(self.cards))

    @property
    def chosen(self) -> PresetCard | None:
        key = self.query_one("#choice", Grid).key
        return next((card for card in self.cards if card.name == key), None)

    # --- what is shown -----------------------------------------------------------------------------------------

    def show(self, record: RunRecord) -> None:
        runs = self.esper.cards
        grid = self.query_one("#runs", Grid)
        grid.empty = "no runs yet" if runs is not None else "reading the runs …"
        grid.show_rows([run_row(card) for card in runs or []])
        self.set_class(runs == [], "-first")
        self._show_about()
        self._measure()

    def _show_about(self) -> None:
        card, panel = self.chosen, self.query_one("#about", Panel)
        width = panel.size.width
        if card is None or width < 1:
            return
        lines = about_lines(card, self._config(card), self.costs.get(card.name) or self._awaited(card), width)
        panel.show_lines([*self._start_lines(width), *lines], card.name)

    def _awaited(self, card: PresetCard) -> Cost:
        """What is done until the cost is known, or why nothing is."""
        took = duration(self.esper.clock() - self.since)
        if not self.warm:
            return Cost(f"cost loading what a run needs, {took} …")
        if self.measuring == card.name:
            return Cost(f"cost timing some training steps here, {took} …")
        if self.measuring:
            return Cost(f"cost waits until {self.measuring} was timed, {took} …")
        return Cost("cost not measured while a run starts or goes on here")

    def _config(self, card: PresetCard) -> RunConfig | None:
        launcher = self.esper.launcher
        if card.name not in self.configs and launcher is not None and not card.problem:
            self.configs[card.name] = launcher.check(card.name, launcher.preset_text(card.name)).config
        return self.configs.get(card.name)

    def _start_lines(self, width: int) -> list[Line]:
        """What a start is doing, or why it failed; before everything else, so that it cannot be missed."""
        if self.esper.waiting_for:
            return [line(("… " + self.esper.waiting_for, "pause")), ()]
        trouble = [part for text in self.esper.trouble.splitlines() for part in wrap(text, width)]
        return [*(line((part, "bad")) for part in trouble), ()] if trouble else []

    def on_grid_moved(self, event: Grid.Moved) -> None:
        self.esper.draw()

    # --- slow things -------------------------------------------------------------------------------------------

    def _warm_up(self) -> None:
        """Begins once something was painted: importing what a start needs stalls the screen for a moment."""
        self.since = self.esper.clock()
        if self.esper.launcher is not None:
            self.esper.in_thread(self.esper.launcher.warm_up, self._warmed)

    def _warmed(self, nothing: None) -> None:
        self.warm = True
        self._measure()

    def _measure(self) -> None:
        """Estimates the chosen preset, one at a time."""
        card, launcher = self.chosen, self.esper.launcher
        if not self.warm or self.measuring or card is None or launcher is None:
            return
        if card.problem or card.name in self.costs or self.esper.pending is not None or self.esper.alive:
            return
        self.measuring, self.since = card.name, self.esper.clock()
        name = card.name
        self.esper.in_thread(
            lambda: launcher.estimate(name, launcher.preset_text(name)),
            lambda text: self._measured(name, Cost(text)),
            lambda error: self._measured(name, unmeasured(error)),
        )

    def _measured(self, name: str, cost: Cost) -> None:
        self.costs[name], self.measuring = cost, ""
        self.esper.draw()

    # --- what can be done --------------------------------------------------------------------------------------

    def on_grid_opened(self, event: Grid.Opened) -> None:
        if event.grid.id == "runs":
            run = next(card for card in self.esper.cards or [] if card.id == event.key)
            self.esper.open_run(str(run.path))
        else:
            self.action_start()

    def action_start(self, name: str = "") -> None:
        self.esper.action_start(name or (self.chosen.name if self.chosen else ""))

    async def action_edit(self, name: str = "") -> None:
        await self.esper.edit_preset(name or (self.chosen.name if self.chosen else ""))
