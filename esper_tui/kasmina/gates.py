"""Gates: conditions between two stages.  Each gives a verdict with the measured value and the threshold.

=====  ======================  ==========================================================================
G1     GERMINATED → TRAINING   the next epoch
G2     TRAINING → BLENDING     incubated long enough, finite, shadow loss − host loss < 0.05·ln n + 2 SE,
                               rms δ ≤ rms h
G3     BLENDING → HOLDING      target is full and the ramp is done
G5     HOLDING → FOSSILIZED    the gain exceeds ``gates.min_gain`` by 2 SE and the ablation contributes;
                               looked at every 5 epochs, at most 4 times; a passing look is confirmed once
                               on the reward half
=====  ======================  ==========================================================================

Looking at G5 every epoch would commit most seeds that do nothing: epoch noise is larger than image noise, and the
largest of many looks passes.
"""

from dataclasses import dataclass

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
    """What is known about a seed in HOLDING; without a control the gains are None.

    Attributes:
        gain, confirm: rise of the gain since germination, on the gate half and on the reward half.
        dependence: rise of the loss when the seed is switched off, gate half.
    """

    gain: Estimate | None
    confirm: Estimate | None
    dependence: Estimate | None


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
    return Verdict("G2", passed, seen.excess.value, limit, "shadow loss over the host's")


def check_g3(target: float, ramp_left: int) -> Verdict:
    if target < 1.0:
        return Verdict("G3", False, target, 1.0, "the alpha target is below full")
    passed = ramp_left == 0
    return Verdict("G3", passed, target, 1.0, "at full strength" if passed else f"{ramp_left} epochs of ramp are left")


def is_look_due(epochs_in_stage: int, looks: int) -> bool:
    """Whether G5 is looked at now: after 5, 10, 15 and 20 epochs in HOLDING."""
    return epochs_in_stage > 0 and epochs_in_stage % LOOK_EVERY == 0 and looks < MAX_LOOKS


def check_g5(seen: Holding, min_gain: float) -> Verdict:
    """One look.  ``min_gain`` in nats.  Without a control the dependence takes the place of the gain."""
    if seen.dependence is None:
        return Verdict("G5", False, None, min_gain, "the ablation was not measured")
    if seen.gain is None or seen.confirm is None:
        passed = seen.dependence.above(min_gain)
        return Verdict("G5", passed, seen.dependence.value, min_gain, "dependence only: no control")
    threshold = min_gain + 2 * seen.gain.se
    if not seen.gain.above(min_gain):
        return Verdict("G5", False, seen.gain.value, threshold, "gain within 2 SE of the least worth keeping")
    if seen.dependence.value <= 0.0:
        return Verdict("G5", False, seen.dependence.value, 0.0, "the network does not need the seed")
    if not seen.confirm.above(min_gain):
        return Verdict(
            "G5", False, seen.confirm.value, min_gain + 2 * seen.confirm.se, "not confirmed on the reward half"
        )
    return Verdict("G5", True, seen.gain.value, threshold, "gain confirmed")
