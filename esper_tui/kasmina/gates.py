"""Gates: conditions between two stages.  Each gives a verdict with the measured value and the threshold.

=====  ======================  ==========================================================================
G1     GERMINATED → TRAINING   the next epoch
G2     TRAINING → BLENDING     incubated long enough, finite, shadow loss − host loss < 0.05·ln n + 2 SE,
                               rms δ ≤ rms h
G3     BLENDING → HOLDING      target is full and the ramp is done
G5     HOLDING → FOSSILIZED    the gain exceeds ``gates.min_gain`` by 2 SE and the ablation contributes;
                               looked at every 5 epochs, at most 4 times; a passing look is confirmed once
                               on the reward half; in a run without controls the dependence exceeds
                               ``gates.min_gain`` by 2 SE instead
=====  ======================  ==========================================================================

Looking at G5 every epoch would commit most seeds that do nothing: epoch noise is larger than image noise, and the
largest of many looks passes.
"""

from dataclasses import dataclass, replace

from esper_tui.leyline.state import Estimate, Verdict

SHADOW_SLACK = 0.05
"""How much worse the shadow loss may be, in units of ln(classes), before 2 standard errors."""
LOOK_EVERY = 5
MAX_LOOKS = 4


@dataclass(frozen=True)
class Incubation:
    """What the validation sweep says about a seed in TRAINING.

    Attributes:
        excess: loss with the seed fully on minus loss without it, on the gate half.
        rms_delta, rms_host: root mean square of the blended residual and of the activations it is added to.
    """

    excess: Estimate
    rms_delta: float
    rms_host: float
    finite: bool


@dataclass(frozen=True)
class Holding:
    """What is known about a seed in HOLDING; None where it was not measured.

    Attributes:
        gain, confirm: rise of the gain since germination, on the gate half and on the reward half.
        dependence: rise of the loss when the seed is switched off, gate half.
        control: whether the environment has a control; only without one may the dependence stand for the gain.
    """

    gain: Estimate | None
    confirm: Estimate | None
    dependence: Estimate | None
    control: bool = True


def check_g1(epochs_in_stage: int) -> Verdict:
    passed = epochs_in_stage >= 1
    return Verdict("G1", passed, epochs_in_stage, 1, "germinated" if passed else "opens at the next epoch")


def check_g2(epochs_in_stage: int, needed: int, seen: Incubation | None, ln_classes: float) -> Verdict:
    if epochs_in_stage < needed:
        return Verdict("G2", False, epochs_in_stage, needed, f"incubated {epochs_in_stage} of {needed} epochs")
    if seen is None:
        passed = needed == 0
        return Verdict("G2", passed, None, None, "no incubation asked for" if passed else "not measured yet")
    if not seen.finite:
        return Verdict("G2", False, None, None, "the seed's output is not finite")
    if seen.rms_delta > seen.rms_host:
        return Verdict("G2", False, seen.rms_delta, seen.rms_host, "the seed's output is larger than the host's")
    limit = SHADOW_SLACK * ln_classes + 2 * seen.excess.se
    passed = seen.excess.value < limit
    text = f"the shadow loss is {'close to' if passed else 'too far above'} the host's"
    return Verdict("G2", passed, seen.excess.value, limit, text)


def check_g3(target: float, ramp_left: int) -> Verdict:
    if target < 1.0:
        return Verdict("G3", False, target, 1.0, "the alpha target is below full")
    passed = ramp_left == 0
    return Verdict("G3", passed, target, 1.0, "at full strength" if passed else f"{ramp_left} epochs of ramp are left")


def is_look_due(epochs_in_stage: int, looks: int) -> bool:
    """Whether G5 is looked at now: after 5, 10, 15 and 20 epochs in HOLDING."""
    return epochs_in_stage > 0 and epochs_in_stage % LOOK_EVERY == 0 and looks < MAX_LOOKS


def check_g5(seen: Holding, min_gain: float) -> Verdict:
    """One look.  ``min_gain`` in nats."""
    if seen.dependence is None:
        return Verdict("G5", False, None, min_gain, "the ablation was not measured")
    if not seen.control:
        return _held_against(seen.dependence, min_gain, "dependence only")
    if seen.gain is None or seen.confirm is None:
        return Verdict("G5", False, None, min_gain, "the gain was not measured")
    verdict = _held_against(seen.gain, min_gain, "gain on the gate half")
    if not verdict.passed:
        return verdict
    if not seen.dependence.value > 0.0:  # not a number fails, too
        return Verdict("G5", False, seen.dependence.value, 0.0, "the network does not need the seed")
    confirmed = _held_against(seen.confirm, min_gain, "gain on the reward half")
    return replace(verdict, text="gain, confirmed on the reward half") if confirmed.passed else confirmed


def _held_against(seen: Estimate, least: float, what: str) -> Verdict:
    """Whether an estimate exceeds the least worth keeping by 2 standard errors."""
    passed = seen.above(least)
    text = what if passed else f"{what} is not 2 SE above the least worth keeping"
    return Verdict("G5", passed, seen.value, least + 2 * seen.se, text)
