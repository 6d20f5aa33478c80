"""How often a seed that does nothing would be kept: replayed gates on the measured noise of training.

The noise comes from *replicas*: environments whose weights are moved by 1e-5 once, and which then drift from their
control as training amplifies the difference.  A history is one replica with a random sign and resampled images.
"""

from collections.abc import Callable

import numpy as np

from esper_tui.data.load import load_splits
from esper_tui.evidence.stats import proportion_interval
from esper_tui.kasmina.gates import Holding, check_g5, is_look_due
from esper_tui.leyline.state import Estimate
from esper_tui.runtime.build import Parts, build_parts
from esper_tui.runtime.presets import resolve
from esper_tui.runtime.seeding import generator, grow_instances, key_number
from esper_tui.simic.ledger import Half

GERMINATION = 6
HOLDING_FROM = GERMINATION + 1 + 1 + 3 + 1
EPOCHS = HOLDING_FROM + 20
PERTURBATION = 1e-5


def measure_replicas(count: int) -> tuple[Parts, np.ndarray]:
    """Control loss − replica loss: ``[replicas, epochs, images]``."""
    config = resolve("quickstart", [f"run.envs={count}", f"run.epochs={EPOCHS}", "tamiyo.policy=wait"]).config
    parts = build_parts(config, load_splits(config.data, generator))
    engine = parts.engine
    engine.reset(grow_instances(config.run.seed, count))
    history = []
    for epoch in range(1, EPOCHS + 1):
        engine.train_epoch(epoch)
        history.append([m.control.losses - m.losses for m in engine.validate([[]] * count) if m.control is not None])
        if epoch == GERMINATION:
            perturb(parts)
    engine.close()
    return parts, np.array(history).swapaxes(0, 1)


def perturb(parts: Parts) -> None:
    """Moves the weights of every environment, not of its control."""
    import torch

    for env in range(len(parts.engine.envs)):
        chunk, row = parts.engine.place(env)
        weight = chunk.bank.weight[row]
        noise = torch.randn(weight.shape, generator=generator("replica", env))
        weight += PERTURBATION * noise.to(weight.device, weight.dtype)
        chunk.load()


def is_kept(differences: np.ndarray, gate: np.ndarray, min_gain: float) -> bool:
    """Whether gate G5 passes at any of its looks over a history ``[epochs, images]``; the ablation is granted."""
    halves = (Half(gate), Half(~gate))
    granted = Estimate(1.0, 0.0)
    looks = 0
    for epoch, difference in enumerate(differences, 1):
        for half in halves:
            half.record(difference)
            if epoch == GERMINATION:
                half.mark(1)
        held = epoch - HOLDING_FROM + 1
        if is_look_due(held, looks):
            looks += 1
            gains = [half.gain(1, held) for half in halves]
            if check_g5(Holding(gains[0], gains[1], granted), min_gain).passed:
                return True
    return False


def bench_null_seeds(say: Callable[[str], None], histories: int, replicas: int) -> None:
    parts, measured = measure_replicas(replicas)
    rng = np.random.default_rng(key_number("null seeds"))
    min_gain = parts.config.gates.min_gain * parts.ln_classes
    count, kept = measured.shape[2], 0
    for _ in range(histories):
        replica = rng.integers(replicas)
        images = rng.integers(count, size=count)
        gate = np.zeros(count, dtype=bool)
        gate[rng.permutation(count)[: count // 2]] = True
        kept += is_kept(rng.choice((-1, 1)) * measured[replica][:, images], gate, min_gain)
    interval = proportion_interval(kept, histories)
    late = measured[:, HOLDING_FROM:].mean(2)
    say(f"\nnull seeds: {replicas} replicas of the quickstart, epoch noise of the gain {late.std():.4f} nat")
    say(
        f"  kept {kept} of {histories} histories: {100 * interval.value:.1f} % "
        f"[{100 * interval.low:.1f}, {100 * interval.high:.1f}], limit 10 %"
    )
