"""View 8: what the machine does and what limits the run."""

from textual.app import ComposeResult
from textual.containers import Horizontal

from esper_tui.karn.record import RunRecord
from esper_tui.leyline.session import Progress
from esper_tui.sanctum import machine
from esper_tui.sanctum.source import LOG_LENGTH, LiveSource, Source
from esper_tui.sanctum.views.base import View
from esper_tui.sanctum.widgets.scroll import Pages


class SystemView(View):
    """Panels that are read from the latest progress; below them what was recorded at the start."""

    scope = "system"
    help = (
        "Devices and memory, where the time of an epoch goes, how fast the run is, and how the screen keeps up with it."
    )
    DEFAULT_CLASSES = "-folding"
    SCOPED_CSS = False  # the breakpoints are classes of the screen, outside of the view
    DEFAULT_CSS = """
    SystemView #upper { height: 7fr; max-height: 10; }
    SystemView #lower { height: 8fr; max-height: 10; }
    SystemView #origin { height: 5fr; }
    """

    def compose(self) -> ComposeResult:
        with Horizontal(id="upper"):
            yield Pages("machine", id="machine", classes="framed", help=_MACHINE)
            yield Pages("time of an epoch", id="time", classes="framed", help=_TIME)
        with Horizontal(id="lower"):
            yield Pages("run", id="rates", classes="framed", help=_RATES)
            yield Pages("screen", id="screen", classes="framed", help=_SCREEN)
        yield Pages("what runs", id="origin", classes="framed", help=_ORIGIN)

    def show(self, record: RunRecord) -> None:
        source = self.esper.source
        progress = source.progress() if source is not None else Progress()
        parts = {
            "machine": machine.machine_lines(progress, machine.log_size(source.path if source else None)),
            "time": machine.time_lines(progress, self.query_one("#time").size.width),
            "rates": machine.rate_lines(progress),
            "origin": machine.origin_lines(record),
            "screen": machine.screen_lines(self.esper.pace, self._queues(source), record),
        }
        for name, lines in parts.items():
            self.query_one(f"#{name}", Pages).show_text(lines)

    def _queues(self, source: Source | None) -> machine.Queues:
        if source is None:
            return machine.Queues()
        newest = source.log[-1].get("seq") if source.log else None
        missing = newest + 1 - source.seen if isinstance(newest, int) else 0
        waiting = len(source.waiting) if isinstance(source, LiveSource) else 0
        return machine.Queues(source.seen, waiting, max(0, missing), len(self.esper.sent), min(source.seen, LOG_LENGTH))


_MACHINE = "What the process uses and what is left. A device line is what its driver says: use, memory, power, heat."
_TIME = (
    "Seconds of every phase when it was met last. Much time outside of training means that measuring limits the run."
)
_ORIGIN = "Versions, device and the engine's choices as they were recorded; `isolation` says whether rows are exact."
_RATES = "Rates leave pauses out. An epoch is one decision interval."
_SCREEN = (
    "The screen is drawn less often while its frames are slow. Lag is how late a frame came: keys wait that long at "
    "most. The newest 10,000 events are kept here, the disk has them all. Dropped ones never reached the screen."
)
