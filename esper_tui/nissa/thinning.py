"""A thinner log while the disk is nearly full: what explains is left out, what happened stays."""

from dataclasses import replace

from esper_tui.leyline.events import DecisionTaken, EpochMeasured, Event


class Thinner:
    """Leaves out of events what can be spared, and counts it; nothing is left out while it is off.

    Attributes:
        left_out: events that were not recorded at all: decisions to wait.
        shortened: events without their reasons: traces, closed choices, single coalitions.
    """

    def __init__(self) -> None:
        self.on, self.left_out, self.shortened = False, 0, 0

    def __call__(self, event: Event) -> Event | None:
        """The event as it is to be recorded; None leaves it out."""
        thin = self._thin(event) if self.on else event
        if thin is None:
            self.left_out += 1
        elif thin is not event:
            self.shortened += 1
        return thin

    def _thin(self, event: Event) -> Event | None:
        if isinstance(event, DecisionTaken):
            if event.by != "human" and event.decision["op"] == "WAIT":
                return None
            return replace(event, trace=[], closed=[]) if event.trace or event.closed else event
        if isinstance(event, EpochMeasured) and event.shapley:
            return replace(event, shapley=[row | {"pairs": [], "subsets": []} for row in event.shapley])
        return event

    def counted(self) -> str:
        return f"{self.left_out} decisions to wait were left out, {self.shortened} events lost their reasons"
