"""Detectors: what deserves a person's attention, raised and cleared with hysteresis.

Fed once per epoch with the columns that are recorded, so that an alert can be checked against the log.  Alerts are
events and are never recomputed on replay.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from esper_tui.leyline.events import AlertCleared, AlertRaised, Event
from esper_tui.leyline.metrics import ALERTS

STALL_EPOCHS = 10
EXPLODING, VANISHING = 10.0, 1e-3
RANSOM_INDEX = 0.9

Columns = dict[str, list[Any]]
Place = tuple[str, int | None, str | None]
"""Rule, environment, slot; for the policy: rule, None, head."""


class Alerts:
    """All detectors of a run.

    Args:
        min_gain: the gain of ``gates.min_gain`` in nats; a seed below it added nothing.
    """

    def __init__(self, emit: Callable[[Event], object], min_gain: float):
        self.emit, self.min_gain = emit, min_gain
        self.start_round()

    def start_round(self) -> None:
        self.seen: Counter[Place] = Counter()
        self.unseen: Counter[Place] = Counter()
        self.raised: set[Place] = set()
        self.best: dict[int, tuple[float, int]] = {}

    def watch(self, round_: int, epoch: int, slots: tuple[str, ...], columns: Columns) -> None:
        """Looks at one measured epoch."""
        self.note(round_, epoch, dict(self._findings(epoch, slots, columns)))

    def note(self, round_: int, epoch: int, found: dict[Place, str]) -> None:
        """Takes what was found at one look; raises and clears with hysteresis."""
        for place, text in found.items():
            self.seen[place] += 1
            self.unseen[place] = 0
            if place not in self.raised and self.seen[place] >= ALERTS[place[0]].enter:
                self.raise_(round_, epoch, place, text)
        for place in [p for p in self.seen if p not in found]:
            self.unseen[place] += 1
            if place not in self.raised or self.unseen[place] >= ALERTS[place[0]].leave:
                self._clear(round_, epoch, place)

    def raise_(self, round_: int, epoch: int, place: Place, text: str, passing: bool = False) -> None:
        """Raises at once what somebody else noticed; ``passing`` lets it clear by itself like any finding."""
        rule, env, slot = place
        if passing:
            self.seen[place], self.unseen[place] = ALERTS[rule].enter, 0
        if place in self.raised:
            return
        self.raised.add(place)
        severity = ALERTS[rule].severity
        self.emit(AlertRaised(round=round_, epoch=epoch, env=env, slot=slot, rule=rule, text=text, severity=severity))

    def _clear(self, round_: int, epoch: int, place: Place) -> None:
        del self.seen[place], self.unseen[place]
        if place in self.raised:
            self.raised.remove(place)
            rule, env, slot = place
            self.emit(AlertCleared(round=round_, epoch=epoch, env=env, slot=slot, rule=rule))

    # --- what is looked for ------------------------------------------------------------------------------------

    def _findings(self, epoch: int, slots: tuple[str, ...], columns: Columns) -> Iterator[tuple[Place, str]]:
        for env, loss in enumerate(columns["val/loss"]):
            yield from self._stalled(epoch, env, loss)
            for index, slot in enumerate(slots):
                seed = {key: columns[key][env][index] for key in ("grad/seed", "seed/gain", "seed/index")}
                yield from self._gradients(env, slot, seed["grad/seed"], columns["grad/host"][env])
                yield from self._ransom(env, slot, seed["seed/index"], seed["seed/gain"])

    def _stalled(self, epoch: int, env: int, loss: float) -> Iterator[tuple[Place, str]]:
        if not math.isfinite(loss):
            return  # that is the alert ``nan``
        low, since = self.best.get(env, (float("inf"), epoch))
        if loss < low:
            self.best[env] = (loss, epoch)
        elif epoch - since >= STALL_EPOCHS:
            yield ("stalled", env, None), f"no new low of the validation loss for {epoch - since} epochs"

    def _gradients(self, env: int, slot: str, seed: float | None, host: float) -> Iterator[tuple[Place, str]]:
        if seed is None or not host > 0.0:
            return
        ratio = seed / host
        if ratio > EXPLODING:
            yield ("exploding", env, slot), f"gradient ratio {ratio:.1f} > {EXPLODING:g}"
        elif ratio < VANISHING:
            yield ("vanishing", env, slot), f"gradient ratio {ratio:.1e} < {VANISHING:g}"

    def _ransom(
        self, env: int, slot: str, index: float | None, gain: list[float] | None
    ) -> Iterator[tuple[Place, str]]:
        if index is None or gain is None:
            return
        value, error = gain
        if index > RANSOM_INDEX and value + 2 * error < self.min_gain:
            yield (
                ("ransom", env, slot),
                f"dependence index {index:.2f} > {RANSOM_INDEX:g}, gain {value:+.4f} ± {error:.4f}",
            )
