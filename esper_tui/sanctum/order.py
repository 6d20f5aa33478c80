"""The order of environments: those in trouble first, and rows that stay where they are as long as they can."""

from collections.abc import Sequence

CALM_EPOCHS = 3
"""Epochs without trouble after which a row goes back to its place."""


class StableOrder:
    """Rises at once, sinks late.  Within a rank environments stand by number."""

    def __init__(self) -> None:
        self.ranks: list[int] = []
        self.calm_since: dict[int, int] = {}

    def arrange(self, severities: Sequence[int], epoch: int) -> list[int]:
        """Environments in order; ``severities`` are larger for worse trouble, 0 for none."""
        if len(severities) != len(self.ranks):
            self.ranks, self.calm_since = [0] * len(severities), {}
        for env, severity in enumerate(severities):
            if severity >= self.ranks[env]:
                self.ranks[env] = severity
                self.calm_since.pop(env, None)
            elif abs(epoch - self.calm_since.setdefault(env, epoch)) >= CALM_EPOCHS:
                self.ranks[env] = severity
                self.calm_since.pop(env)
        return sorted(range(len(severities)), key=lambda env: (-self.ranks[env], env))
