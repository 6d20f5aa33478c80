"""Detectors for the learner, fed once per update with the metrics that are recorded."""

from collections.abc import Callable, Iterator

from esper_tui.leyline.events import Event
from esper_tui.nissa.alerts import Alerts, Place

COLLAPSED = 0.02
"""Entropy of the op head below this share of its maximum: Tamiyo has stopped trying."""
DEAD_ENTROPY, DEAD_STEPS = 0.01, 50
"""A head that acted in at least this many steps and still had less than this share of its entropy."""
RATIO, VALUE_FLOOR = 10.0, 0.0
"""A joint ratio above this; an explained variance below that."""


class PolicyAlerts(Alerts):
    """Collapse, dead heads, exploding ratios, skipped steps, a critic that explains nothing."""

    def __init__(self, emit: Callable[[Event], object]):
        super().__init__(emit, min_gain=0.0)

    def watch_policy(self, round_: int, epoch: int, metrics: dict[str, float]) -> None:
        self.note(round_, epoch, dict(self._policy_findings(metrics)))

    def _policy_findings(self, m: dict[str, float]) -> Iterator[tuple[Place, str]]:
        if (share := m.get("entropy/op")) is not None and share < COLLAPSED:
            yield ("collapse", None, None), f"entropy of the op head {share:.3f} < {COLLAPSED:g} of its maximum"
        for key, share in m.items():
            head = key.removeprefix("entropy/")
            if head not in (key, "op") and share < DEAD_ENTROPY and m[f"live/{head}"] >= DEAD_STEPS:
                text = f"head {head}: entropy {share:.3f} of its maximum in {m[f'live/{head}']:.0f} steps"
                yield ("dead_head", None, head), text
        if m["ppo/ratio_max"] > RATIO:
            yield ("ratio", None, None), f"largest joint ratio {m['ppo/ratio_max']:.1f} > {RATIO:g}"
        if m["ppo/skipped"]:
            yield ("skipped", None, None), f"{m['ppo/skipped']:.0f} steps of the update were not finite"
        if (explained := m.get("ppo/explained_variance")) is not None and explained < VALUE_FLOOR:
            yield ("critic", None, None), f"explained variance {explained:.2f} < {VALUE_FLOOR:g}"
