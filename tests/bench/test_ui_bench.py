"""The bench of the screen: a run that never was makes sense, verdicts are right, a key is answered on the stage."""

import asyncio

import pytest

from esper_tui.bench.recorded import LIFE, Recorded
from esper_tui.bench.stage import on_stage, perform
from esper_tui.bench.ui import KEY, Fed, key_answers
from esper_tui.evidence.stats import Interval, quantile_interval
from esper_tui.karn.record import RunRecord, reduce
from esper_tui.leyline.stages import Stage, is_legal_transition


def test_the_run_that_never_was_can_be_folded_and_its_seeds_live_by_the_rules():
    record = RunRecord()
    for event in Recorded(4, 3, 3 * len(LIFE)).all():
        reduce(record, event)
    assert (record.unfit, record.unknown) == (0, 0)
    changes = record.round.changes
    assert {c["target"] for c in changes} == {stage.name for stage in Stage} - {"FOSSILIZED"}
    assert all(is_legal_transition(Stage[c["source"]], Stage[c["target"]]) for c in changes)
    assert list(Recorded(2, 2, 5).all()) == list(Recorded(2, 2, 5).all())


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(20, 59, "goal reached"), (20, 61, "floor reached"), (119, 121, "undecided"), (121, 140, "missed")],
)
def test_what_should_be_small_is_judged_by_its_upper_end(low, high, word):
    assert f"goal 60  {word}  (n=9)" in KEY.text(Interval((low + high) / 2, low, high, 9))


def test_a_quantile_and_its_interval():
    values = [float(v) for v in range(100, 0, -1)]
    found = quantile_interval(values, 0.95)
    # scipy.stats.binom.ppf([0.025, 0.975], 100, 0.95) = 90, 99
    assert (found.value, found.low, found.high, found.n) == (pytest.approx(95.05), 90.0, 100.0, 100)
    assert quantile_interval(values[:5], 0.95) is None


def test_keys_are_answered_on_the_stage():
    answers: list[float] = []

    async def plan(app) -> None:
        await asyncio.sleep(0.6)  # two epochs have been told
        answers.extend(await key_answers(app, terminal, keys=4))

    with on_stage() as terminal:
        perform(Fed(Recorded(4, 2, 100)), plan)
    assert len(answers) == 4
    assert all(seconds > 0 for seconds in answers)
    assert terminal.written > 1000


def test_what_goes_wrong_on_the_stage_is_raised():
    async def plan(app) -> None:
        raise ZeroDivisionError

    with on_stage(), pytest.raises(ZeroDivisionError):
        perform(Fed(Recorded(2, 2, 100)), plan)
