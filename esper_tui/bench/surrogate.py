"""A world with a known optimum: the lifecycle of seeds in arrays, their gains from a table of real curves.

The same stages, clocks, gates and rewards as in a run (economy); the gain of a living seed is α times the measured
curve of its slot and blueprint, by the epochs since it began to blend, interpolated over the time of planting, and
gains of several seeds add up.  Noise: what a seed is worth differs between episodes, and every measurement errs.
Shapes: E episodes, S slots.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from esper_tui.kasmina.alpha import curve_value
from esper_tui.kasmina.gates import LOOK_EVERY, MAX_LOOKS
from esper_tui.kasmina.lifecycle import TIMEOUT_RAMP
from esper_tui.leyline.choices import ALPHA_SPEEDS, ALPHA_TARGETS, CURVES, HEAD_CHOICES, STYLES, TEMPOS, Head, Op
from esper_tui.leyline.stages import DEVELOPING, EMBARGO_EPOCHS, GRAFTED, RESET_EPOCHS, Stage
from esper_tui.simic.attribution import WINDOW

MIN_GAIN = 0.005
HOLD_EPOCHS = 20
CURVE_LIST = list(CURVES.values())
FIRST_CURVES = np.array([CURVE_LIST.index(style.curve) for style in STYLES.values()])
TICKS = {Head.TEMPO: np.array(list(TEMPOS.values())), Head.ALPHA_SPEED: np.array(list(ALPHA_SPEEDS.values()))}
TARGETS = np.array(list(ALPHA_TARGETS.values()))
LONGEST = 8
HEIGHTS = np.array(
    [[[curve_value(c, min(done / max(1, ticks), 1.0)) for done in range(LONGEST + 1)] for ticks in range(LONGEST + 1)]
     for c in CURVE_LIST]
)  # fmt: skip
"""Height of a ramp ``[curve, ticks, done]``."""


@dataclass(frozen=True)
class Noise:
    """Deviations in nats: of a seed's worth between episodes, and of one measurement."""

    worth: float = 0.03
    measure: float = 0.01


STILL = Noise(0.0, 0.0)


class World:
    """The fixed part: curves and costs as arrays."""

    def __init__(self, table: dict[str, Any]):
        self.epochs, self.slots, self.blueprints = table["epochs"], table["slots"], table["blueprints"]
        self.host_params, self.ln_classes = table["host_params"], table["ln_classes"]
        names = HEAD_CHOICES[Head.BLUEPRINT]
        places = [(s, slot, names.index(b), b) for s, slot in enumerate(self.slots) for b in self.blueprints]
        shape = (len(self.slots), len(names))
        self.params, self.shadow, self.work = np.zeros(shape, int), np.zeros(shape), np.zeros(shape)
        self.last = table["planted"][-1]
        self.curves = np.zeros((*shape, self.last + 1, self.epochs + 1))
        for s, slot, index, b in places:
            self.params[s, index] = table["params"][slot][b]
            self.shadow[s, index] = table["work"]["TRAINING"][f"{slot} {b}"]
            self.work[s, index] = table["work"]["BLENDING"][f"{slot} {b}"]
            self.curves[s, index] = self._over_time([table["curves"][f"{slot} {b} {p}"] for p in table["planted"]],
                                                    table["planted"])  # fmt: skip

    def _over_time(self, curves: list[list[float]], planted: list[int]) -> np.ndarray:
        """Gain by epoch of planting and epochs since blending began; a curve goes on as it ended."""
        full = np.array([[0.0, *c, *[c[-1]] * (self.epochs - len(c))] for c in curves])
        times = np.arange(self.last + 1)
        return np.stack([np.interp(times, planted, column) for column in full.T], axis=1)


def where(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Episodes and slots of a mask ``[E, S]``."""
    episodes, slots = np.nonzero(mask)
    return episodes, slots


class Surrogate:
    """E episodes side by side; ``step`` plays the boundary's decisions and the epoch after them."""

    def __init__(self, world: World, envs: int, noise: Noise = STILL, rng: np.random.Generator | None = None):
        self.world, self.envs, self.noise = world, envs, noise
        self.rng = rng or np.random.default_rng(0)
        self.rows = np.arange(envs)
        self.reset()

    def reset(self) -> None:
        shape = (self.envs, len(self.world.slots))

        def zeros(kind: type = int) -> np.ndarray:
            return np.zeros(shape, kind)

        self.epoch = 0
        self.stage = np.full(shape, int(Stage.DORMANT))
        self.blueprint, self.style, self.planted, self.grafted = zeros(), zeros(), zeros(), zeros()
        self.age, self.in_stage, self.looks, self.held, self.uid = zeros(), zeros(), zeros(), zeros(), zeros()
        self.alpha, self.start, self.target = zeros(float), zeros(float), zeros(float)
        self.ticks, self.done, self.curve = zeros(), zeros(), zeros()
        self.first_ticks, self.first_target = zeros(), zeros(float)
        self.passed = zeros(bool)
        self.window = np.zeros((WINDOW, *shape))
        self.seen = zeros(float)
        self.ever = np.zeros(self.envs, bool)
        self.finals: list[np.ndarray] = []
        self.phi = np.zeros(self.envs)
        self.gain = np.zeros(self.envs)
        self.worth = self.noise.worth * self.rng.standard_normal((*shape, self.world.params.shape[1]))

    # --- decisions ---------------------------------------------------------------------------------------------

    def step(self, actions: np.ndarray) -> np.ndarray:
        """Plays one epoch after the decisions ``[E, 8]`` (legal indices per head); rewards ``[E]``."""
        for op in Op:
            rows = self.rows[actions[:, 0] == op]
            if op is not Op.WAIT and len(rows):
                self._apply(op, rows, actions[rows, 1], actions[rows])
        self._begin()
        self.epoch += 1
        self._end()
        return self._measure()

    def _apply(self, op: Op, e: np.ndarray, s: np.ndarray, a: np.ndarray) -> None:
        if op is Op.GERMINATE:
            self._germinate(e, s, a)
        elif op is Op.ADVANCE:
            following = {
                Stage.GERMINATED: Stage.TRAINING,
                Stage.TRAINING: Stage.BLENDING,
                Stage.BLENDING: Stage.HOLDING,
            }
            now = self.stage[e, s].copy()
            for source, target in following.items():
                own = now == source
                if target is Stage.BLENDING:
                    self._graft(e[own], s[own])
                self._move(e[own], s[own], target)
        elif op is Op.FOSSILIZE:
            self._move(e, s, Stage.FOSSILIZED)
        else:
            ticks = TICKS[Head.ALPHA_SPEED][a[:, 6]]
            self._retarget(op, e, s, np.zeros(len(e)) if op is Op.PRUNE else TARGETS[a[:, 5]], ticks, a)

    def _germinate(self, e: np.ndarray, s: np.ndarray, a: np.ndarray) -> None:
        self._move(e, s, Stage.GERMINATED)
        self.blueprint[e, s], self.style[e, s], self.planted[e, s] = a[:, 2], a[:, 3], self.epoch
        self.first_ticks[e, s], self.first_target[e, s] = TICKS[Head.TEMPO][a[:, 4]], TARGETS[a[:, 5]]
        self.age[e, s] = self.looks[e, s] = self.held[e, s] = self.ticks[e, s] = self.done[e, s] = 0
        self.alpha[e, s] = self.target[e, s] = self.seen[e, s] = 0.0
        self.uid[e, s] = self.uid[e].max(1) + 1

    def _graft(self, e: np.ndarray, s: np.ndarray) -> None:
        self.grafted[e, s] = self.epoch
        self._ramp(e, s, self.first_target[e, s], FIRST_CURVES[self.style[e, s]], self.first_ticks[e, s])

    def _retarget(
        self, op: Op, e: np.ndarray, s: np.ndarray, target: np.ndarray, ticks: np.ndarray, a: np.ndarray
    ) -> None:
        if op is Op.PRUNE:
            now = (ticks == 0) | (self.alpha[e, s] == 0.0)
            self._remove(e[now], s[now])
            e, s, target, ticks, a = e[~now], s[~now], target[~now], ticks[~now], a[~now]
        else:
            self.style[e, s] = a[:, 3]
        self._ramp(e, s, target, a[:, 7], ticks)
        self.passed[e, s] = False
        leaves = (self.stage[e, s] == Stage.HOLDING) & (target < 1.0)
        self._move(e[leaves], s[leaves], Stage.BLENDING)

    def _ramp(self, e: np.ndarray, s: np.ndarray, target: Any, curve: Any, ticks: Any) -> None:
        self.start[e, s], self.target[e, s], self.curve[e, s] = self.alpha[e, s], target, curve
        self.ticks[e, s], self.done[e, s] = ticks, 0
        self.alpha[e, s] = np.where(self.ticks[e, s] == 0, self.target[e, s], self.alpha[e, s])

    def _move(self, e: np.ndarray, s: np.ndarray, stage: Stage) -> None:
        self.stage[e, s], self.in_stage[e, s], self.passed[e, s] = stage, 0, False

    def _remove(self, e: np.ndarray, s: np.ndarray) -> None:
        self._move(e, s, Stage.PRUNED)
        self.alpha[e, s] = self.target[e, s] = 0.0
        self.ticks[e, s] = self.done[e, s] = 0

    # --- the epoch ---------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Clocks and ramps; a seed that was held too long starts its way out."""
        self._move(*where(self.stage == Stage.PRUNED), Stage.EMBARGOED)
        e, s = where((self.stage == Stage.HOLDING) & (self.held >= HOLD_EPOCHS))
        curve, ticks = TIMEOUT_RAMP
        self._ramp(e, s, 0.0, CURVE_LIST.index(curve), ticks)
        self._move(e, s, Stage.BLENDING)
        moving = self.done < self.ticks
        self.done += moving
        height = HEIGHTS[self.curve, self.ticks, self.done]
        ramped = self.start + (self.target - self.start) * height
        self.alpha = np.where(moving, np.where(self.done == self.ticks, self.target, ramped), self.alpha)
        self._remove(*where(moving & (self.done == self.ticks) & (self.target == 0.0)))

    def _end(self) -> None:
        self.in_stage += 1
        self.held += self.stage == Stage.HOLDING
        self.age += 1
        ended = (self.stage == Stage.RESETTING) & (self.in_stage >= RESET_EPOCHS)
        self._move(*where((self.stage == Stage.EMBARGOED) & (self.in_stage >= EMBARGO_EPOCHS)), Stage.RESETTING)
        self._move(*where(ended), Stage.DORMANT)

    def _measure(self) -> np.ndarray:
        """Gains, gates and the reward of the epoch."""
        world, on = self.world, np.isin(self.stage, list(GRAFTED))
        worth = self._worths()
        alive = np.isin(self.stage, list(DEVELOPING)) | (self.stage == Stage.FOSSILIZED)
        self.ever |= on.any(1)
        self.seen = np.where(on, self.alpha * worth, 0.0) + self.noise.measure * self.rng.standard_normal(on.shape) * on
        self.window = np.concatenate([self.window[1:], self.seen[None]])
        self._judge()
        error = self.noise.measure * self.rng.standard_normal(self.envs)
        fossil = self.stage == Stage.FOSSILIZED
        self.gain = np.where(self.ever, self._units(np.where(on, self.alpha * worth, 0.0).sum(1) + error), 0.0)
        if world.epochs - self.epoch < 3:
            final = self._units(np.where(fossil, worth, 0.0).sum(1) + error)
            self.finals.append(np.where(self.ever, final, 0.0))
        return self._reward(alive, fossil, on)

    def _worths(self) -> np.ndarray:
        """What every seed adds at full strength, in nats ``[E, S]``."""
        slots = np.arange(self.stage.shape[1])[None]
        since = np.clip(self.epoch - self.grafted, 0, self.world.epochs)
        own = self.worth[self.rows[:, None], slots, self.blueprint]
        return self.world.curves[slots, self.blueprint, np.minimum(self.planted, self.world.last), since] + own

    def _units(self, nats: np.ndarray) -> np.ndarray:
        return np.clip(nats / self.world.ln_classes, -1.0, 1.0)

    def _judge(self) -> None:
        waited = self.in_stage >= 1
        resting = self.done == self.ticks
        self.passed = np.where((self.stage == Stage.GERMINATED) | (self.stage == Stage.TRAINING), waited, self.passed)
        self.passed = np.where(self.stage == Stage.BLENDING, (self.target == 1.0) & resting, self.passed)
        look = (self.stage == Stage.HOLDING) & (self.in_stage % LOOK_EVERY == 0) & (self.looks < MAX_LOOKS)
        self.looks += look
        least = MIN_GAIN * self.world.ln_classes + 2 * self.noise.measure / np.sqrt(WINDOW)
        self.passed = np.where(look, self.window.mean(0) > least, self.passed)

    def _reward(self, alive: np.ndarray, fossil: np.ndarray, on: np.ndarray) -> np.ndarray:
        """The economy of ``simic.rewards`` with its default weights."""
        world, slots, kappa = self.world, np.arange(self.stage.shape[1])[None], 50.0
        params = world.params[slots, self.blueprint]
        shadow = (self.stage == Stage.TRAINING) * world.shadow[slots, self.blueprint]
        work = (shadow + on * world.work[slots, self.blueprint]).sum(1)
        last = self.epoch == world.epochs
        counted, gain = (fossil, np.mean(self.finals, axis=0)) if last else (alive, self.gain)
        rent = 0.01 * np.log1p((params * counted).sum(1) / world.host_params)
        before, self.phi = self.phi, kappa * (gain - rent)
        return self.phi - before - kappa * 0.005 * work / world.epochs
