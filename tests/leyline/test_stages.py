"""The table of transitions, written out a second time."""

import pytest

from esper_tui.leyline.stages import (
    CLEANUP,
    DEVELOPING,
    GRAFTED,
    LETTERS,
    TRANSITIONS,
    Stage,
    is_legal_transition,
    parse_stage,
)

ALLOWED = {
    "DORMANT": "GERMINATED",
    "GERMINATED": "TRAINING PRUNED",
    "TRAINING": "BLENDING PRUNED",
    "BLENDING": "HOLDING PRUNED",
    "HOLDING": "FOSSILIZED BLENDING PRUNED",
    "FOSSILIZED": "",
    "PRUNED": "EMBARGOED",
    "EMBARGOED": "RESETTING",
    "RESETTING": "DORMANT",
}
NUMBERS = dict(zip(ALLOWED, (1, 2, 3, 4, 6, 7, 8, 9, 10), strict=True))


@pytest.mark.parametrize("source", Stage)
@pytest.mark.parametrize("target", Stage)
def test_every_pair_of_stages(source, target):
    assert is_legal_transition(source, target) == (target.name in ALLOWED[source.name].split())


def test_numbers_and_groups():
    assert {stage.name: stage.value for stage in Stage} == NUMBERS
    assert set(TRANSITIONS) == set(Stage)
    assert len(set(LETTERS.values())) == len(Stage)
    assert {Stage.DORMANT} | DEVELOPING | {Stage.FOSSILIZED} | CLEANUP == set(Stage)
    assert sorted(GRAFTED) == [Stage.BLENDING, Stage.HOLDING, Stage.FOSSILIZED]


@pytest.mark.parametrize("stage", Stage)
def test_a_number_is_read(stage):
    assert parse_stage(int(stage)) is stage


def test_five_is_retired_and_others_never_were():
    with pytest.raises(ValueError, match="stage 5 is retired"):
        parse_stage(5)
    for number in (0, 11, -1):
        with pytest.raises(ValueError):
            parse_stage(number)
