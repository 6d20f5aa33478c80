"""Controllers side by side: each sees its own environments and keeps its own memory."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from esper_tui.leyline.choices import WAIT, Decision, Op
from esper_tui.leyline.protocols import Observation, PolicyStep
from esper_tui.tamiyo.side_by_side import SideBySide

ADVANCE = Decision(op=Op.ADVANCE, slot="r0c0")


@dataclass
class Noting:
    """Decides the same everywhere, and notes what it is shown; its state counts the boundaries."""

    decision: Decision
    name: str = "noting"
    seen: list[Any] = field(default_factory=list)

    def initial_state(self, envs: int) -> tuple[int, int]:
        return envs, 0

    def act(self, observation: Observation, state: tuple[int, int]) -> PolicyStep:
        self.seen.append((observation.states, observation.signals, observation.legality))
        count = len(observation.states)
        return PolicyStep([self.decision] * count, [[{"n": i}] for i in range(count)], (state[0], state[1] + 1))


def looked(*envs: str) -> Observation:
    """Names stand in for what is seen of environments."""
    return Observation(0, 7, list(envs), [e.upper() for e in envs], [f"{e}!" for e in envs])  # type: ignore[arg-type]


def test_each_decides_for_its_own_environments():
    waiting, moving = Noting(WAIT), Noting(ADVANCE)
    both = SideBySide([(waiting, [2, 0]), (moving, [1, 3])])
    state = both.initial_state(4)
    assert state == [(2, 0), (2, 0)]
    step = both.act(looked("a", "b", "c", "d"), state)
    assert step.decisions == [WAIT, ADVANCE, WAIT, ADVANCE]
    assert step.traces == [[{"n": 1}], [{"n": 0}], [{"n": 0}], [{"n": 1}]]
    assert waiting.seen == [(["c", "a"], ["C", "A"], ["c!", "a!"])]
    assert moving.seen == [(["b", "d"], ["B", "D"], ["b!", "d!"])]
    assert step.state == [(2, 1), (2, 1)]
    assert state == [(2, 0), (2, 0)]  # what was given stays as it was


def test_environments_without_a_controller_or_with_two_are_noticed():
    for spans in ([[0, 1], [1]], [[0], [2]]):
        with pytest.raises(AssertionError):
            SideBySide([(Noting(WAIT), span) for span in spans]).initial_state(3)
