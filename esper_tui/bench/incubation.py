"""``esper bench incubation``: what it matters how long a seed learns in the shadow pass before it may blend in.

The heuristic on the same instances under every length: what growing bought against the control, how far the network
depends on the seed, and how large the newborn's gradient is against the host's, by epochs since birth.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from esper_tui.bench.timing import machine
from esper_tui.data.images import Splits
from esper_tui.data.load import load_splits
from esper_tui.evidence.stats import Interval, iqm_interval
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.events import EpochMeasured, Event, RoundEnded
from esper_tui.runtime.build import build_parts
from esper_tui.runtime.presets import resolve
from esper_tui.runtime.seeding import generator
from esper_tui.runtime.unwatched import play_unwatched

LENGTHS = (0, 1, 2, 5)
AGES = (1, 2, 3, 4, 5, 6, 8, 10, 12)


@dataclass
class Study:
    """What was seen under one length.

    Attributes:
        gains: control loss minus loss of the delivered network, nats, per environment.
        points: the same in points of validation accuracy.
        dependences: last measured rise of the loss when the first seed is switched off, nats, per environment.
        ratios: epochs since birth → gradient norm of the seed over that of the host.
    """

    gains: list[float] = field(default_factory=list)
    points: list[float] = field(default_factory=list)
    dependences: list[float] = field(default_factory=list)
    ratios: dict[int, list[float]] = field(default_factory=dict)
    kept: int = 0
    planted: int = 0


def study(config: RunConfig, splits: Splits) -> Study:
    events: list[Event] = []
    play_unwatched(build_parts(config, splits), events.append)
    found = Study()
    for row in next(e for e in events if isinstance(e, RoundEnded)).rows:
        found.planted += row["planted"]
        found.kept += len(row["kept"])
        if row["gain"] is not None:
            found.gains.append(row["gain"])
            found.points.append(100 * (row["acc"] - row["control_acc"]))
    measured = [e for e in events if isinstance(e, EpochMeasured)]
    found.dependences = [d for env in range(config.run.envs) if (d := last_dependence(measured, env)) is not None]
    for event in measured:
        note_gradients(found, event)
    return found


def last_dependence(measured: Sequence[EpochMeasured], env: int) -> float | None:
    """Of the largest seed, where one was measured."""
    for event in reversed(measured):
        known = [pair[0] for pair in event.columns["seed/dependence"][env] if pair is not None]
        if known:
            return max(known)
    return None


def note_gradients(found: Study, event: EpochMeasured) -> None:
    """Of first seeds: those in environments where nothing else has a gradient."""
    for env, (grads, ages) in enumerate(zip(event.columns["grad/seed"], event.ages, strict=True)):
        living = [(age, g) for age, g in zip(ages, grads, strict=True) if g is not None]
        host = event.columns["grad/host"][env]
        if len(living) == 1 and host:
            found.ratios.setdefault(living[0][0], []).append(living[0][1] / host)


def bench_incubation(say: Callable[[str], None], preset: str, overrides: list[str], seeds: int) -> None:
    """Three small tables."""
    say(machine())
    studies: dict[int, Study] = {}
    splits: Splits | None = None
    for length in LENGTHS:
        words = [*overrides, f"run.envs={seeds}", f"growth.incubate_epochs={length}", "tamiyo.policy=heuristic"]
        config = resolve(preset, words).config
        splits = splits or load_splits(config.data, generator)
        studies[length] = study(config, splits)
        if length == LENGTHS[0]:
            head = f"{'epochs':>6}  {'gain, nats':<28} {'gain, points':<24} {'dependence, nats':<28} planted kept"
            say(f"\n{preset}, {seeds} paired seeds, {config.run.epochs} epochs, interquartile means\n{head}")
        say(_line(length, studies[length]))
    say("\npaired differences to no incubation, nats")
    for length in LENGTHS[1:]:
        pairs = zip(studies[length].gains, studies[0].gains, strict=False)
        say(f"{length:>6}  {_text(iqm_interval([a - b for a, b in pairs]), 4)}")
    say("\ngradient norm of the seed over the host's, median, by epochs since birth")
    say(f"{'epochs':>6}  " + "".join(f"{age:>8}" for age in AGES))
    for length, found in studies.items():
        cells = [f"{median(found.ratios[age]):8.3f}" if age in found.ratios else f"{'–':>8}" for age in AGES]
        say(f"{length:>6}  " + "".join(cells))


def _line(length: int, found: Study) -> str:
    ends = (_text(iqm_interval(found.gains), 4), _text(iqm_interval(found.points), 2),
            _text(iqm_interval(found.dependences), 4))  # fmt: skip
    planted, kept = (count / max(1, len(found.gains)) for count in (found.planted, found.kept))
    return f"{length:>6}  {ends[0]:<28} {ends[1]:<24} {ends[2]:<28} {planted:7.2f} {kept:4.2f}"


def _text(interval: Interval | None, digits: int) -> str:
    return interval.text(digits) if interval else "–"
