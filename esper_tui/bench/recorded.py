"""Events of a run that never was: many environments and slots, every seed always somewhere in its life."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from esper_tui.leyline.choices import Op
from esper_tui.leyline.events import (
    DecisionTaken,
    EpochMeasured,
    Event,
    RoundStarted,
    RunStarted,
    StageChanged,
    to_record,
)
from esper_tui.leyline.stages import LETTERS

LIFE = "GTTTBBBBHHHHHHHHHHHHHHPEEER"
"""A seed epoch by epoch, by the letters of its stages; after that its slot is empty until its turn comes again."""
STAGES = {letter: stage for stage, letter in LETTERS.items()}
GROWING = frozenset("TBH")


class Recorded:
    """Events epoch by epoch, as records; the same for the same sizes.

    In every environment the slots take turns, so that there is always something to draw.
    """

    def __init__(self, envs: int, slots: int, epochs: int):
        self.envs, self.epochs = envs, epochs
        self.slots = [f"r0c{index}" for index in range(slots)]
        self.rng = np.random.default_rng(0)
        self.seq, self.t = 0, 1.7e9

    def start(self) -> list[dict[str, Any]]:
        config = {"run": {"envs": self.envs, "epochs": self.epochs, "seed": 0}, "tamiyo": {"policy": "heuristic"}}
        instances = [[0, env] for env in range(self.envs)]
        started = RunStarted(schema=1, config=config, choices={}, metrics=[], provenance={"esper": "bench"})
        begun = RoundStarted(
            round=0, epoch=0, instances=instances, control="twin", host_params=6418, slots=self.slots
        )  # fmt: skip
        return [self._record(started), self._record(begun)]

    def epoch(self, number: int) -> list[dict[str, Any]]:
        """The measured epoch and what was decided after it."""
        self.t += 1.0
        return [self._record(self._measured(number)), *(self._record(e) for e in self._decided(number))]

    def all(self) -> Iterator[dict[str, Any]]:
        yield from self.start()
        for number in range(1, self.epochs + 1):
            yield from self.epoch(number)

    def _record(self, event: Event) -> dict[str, Any]:
        self.seq += 1
        return to_record(event, self.seq - 1, self.t)

    def _letter(self, env: int, slot: int, number: int) -> str:
        age = (number + 5 * env - len(LIFE) * slot) % (len(LIFE) * len(self.slots))
        return LIFE[age] if age < len(LIFE) else "·"

    def _measured(self, number: int) -> EpochMeasured:
        letters = [[self._letter(e, s, number) for s in range(len(self.slots))] for e in range(self.envs)]
        table = [[0] * len(self.slots)] * self.envs
        alphas = [[float(letter in "BH") for letter in row] for row in letters]
        verdicts = [
            [env, self.slots[slot], "G5", False, 0.01, 0.02, "gain within 2 SE of nothing"]
            for env, row in enumerate(letters)
            for slot, letter in enumerate(row)
            if letter == "H" and number % 5 == 0
        ]
        return EpochMeasured(
            round=0, epoch=number, stages=[[int(STAGES[letter]) for letter in row] for row in letters],
            alphas=alphas, targets=alphas, ramps=table, ages=table, in_stage=table, clocks=table,
            params=[8754] * self.envs, columns=self._columns(number, letters), verdicts=verdicts, shapley=[],
            waits=[env for env in range(self.envs) if env % 3],
        )  # fmt: skip

    def _columns(self, number: int, letters: Sequence[Sequence[str]]) -> dict[str, list[Any]]:
        def per_env(level: float, spread: float) -> list[float]:
            return (level + spread * self.rng.standard_normal(self.envs)).tolist()

        def per_seed(level: float) -> list[list[Any]]:
            noise = level + 0.1 * self.rng.standard_normal((self.envs, len(self.slots)))
            return [
                [[float(v), 0.03] if letter in GROWING else None for v, letter in zip(values, row, strict=True)]
                for values, row in zip(noise, letters, strict=True)
            ]

        learnt = 1.0 - 0.6 ** (1.0 + number / 100)
        columns = {key: per_env(2.0 - learnt, 0.05) for key in ("train/loss", "val/loss", "val/reward_loss")}
        columns |= {"val/acc": per_env(learnt, 0.02), "train/acc": per_env(learnt, 0.02)}
        columns |= {"control/loss": per_env(2.2 - learnt, 0.05), "control/acc": per_env(learnt - 0.05, 0.02)}
        columns |= {"gain/loss": per_env(0.2, 0.05), "gain/se": per_env(0.04, 0.002), "grad/host": per_env(0.7, 0.1)}
        return columns | {f"seed/{name}": per_seed(0.1) for name in ("gain", "dependence", "credit")}

    def _decided(self, number: int) -> Iterator[Event]:
        """A decision for a third of the environments, and every change of a stage."""
        for env in range(0, self.envs, 3):
            trace = [{"rule": "the gate is open", "slot": self.slots[0], "fired": True}]
            yield DecisionTaken(
                round=0, epoch=number, env=env, decision={"op": Op.ADVANCE.name, "slot": self.slots[0]}, by="tamiyo",
                trace=trace,
            )  # fmt: skip
        for env in range(self.envs):
            for index, slot in enumerate(self.slots):
                before, after = (self._letter(env, index, n) for n in (number, number + 1))
                if before != after:
                    source, target = STAGES[before].name, STAGES[after].name
                    yield StageChanged(
                        round=0, epoch=number, env=env, slot=slot, source=source, target=target, cause="decision",
                        seed=index, blueprint="CONV_LIGHT",
                    )  # fmt: skip
