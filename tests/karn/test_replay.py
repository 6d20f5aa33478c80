"""Moving through a recording: every place shows what the live screen showed there, forwards and backwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esper_tui.karn.read import read_run
from esper_tui.karn.record import RunRecord, reduce
from esper_tui.karn.replay import LONGEST_EPOCH_S, Player
from esper_tui.leyline.session import Pause


def folded(records) -> RunRecord:
    record = RunRecord()
    for event in records:
        reduce(record, event)
    return record


@pytest.fixture
def player(finished_run) -> Player:
    return Player.open(finished_run.folder)


def measured(epoch: int, t: float, round_: int = 0) -> dict:
    empty = {"stages", "alphas", "targets", "ramps", "ages", "in_stage", "clocks"}
    return {
        "type": "EpochMeasured", "t": t, "round": round_, "epoch": epoch, "params": [1], "columns": {}, "verdicts": [],
        "shapley": [], "waits": [], **{key: [[1]] for key in empty},
    }  # fmt: skip


def round_started(round_: int, t: float = 0.0) -> dict:
    return {
        "type": "RoundStarted", "t": t, "round": round_, "epoch": 0, "instances": [[1, 0]], "slots": ["r0c0"],
        "host_params": 1, "control": "twin",
    }  # fmt: skip


def two_rounds(epochs: int = 3) -> Player:
    """An epoch of the first round takes 0.4 s, one of the second a minute."""
    records = [round_started(0), *(measured(e, 0.4 * e) for e in range(1, epochs + 1)), round_started(1, 10.0)]
    records += [measured(e, 10.0 + 60.0 * e, 1) for e in range(1, epochs + 1)]
    return Player(records)


# --- where it is ---------------------------------------------------------------------------------------------------


def test_it_opens_at_the_end_with_the_record_of_the_log(player, finished_run):
    assert player.at_end
    assert player.record == read_run(finished_run.folder)
    assert player.records == finished_run.events


def test_there_is_a_boundary_for_the_start_and_for_every_epoch(player):
    assert [b.epoch for b in player.boundaries] == list(range(25))
    assert player.boundaries[-1].index == len(player.records), "the end belongs to the last epoch"


def test_a_boundary_shows_the_decisions_that_were_taken_at_it(player):
    for epoch in range(1, 24):
        player.seek(epoch)
        assert player.epoch == epoch
        later = player.records[player.position :]
        assert all(row["epoch"] > epoch for row in later if row["type"] in ("DecisionTaken", "EpochMeasured"))
        assert all(row["epoch"] is None or row["epoch"] <= epoch for row in player.past)


@given(places=st.lists(st.integers(-3, 40), min_size=1, max_size=8))
def test_wherever_one_goes_the_record_is_the_fold_of_the_past(finished_run, places):
    player = Player.open(finished_run.folder)
    for place in places:
        player.seek(place)
        assert player.epoch == min(max(place, 0), 24)
        assert player.record == folded(player.past)
    player.seek_end()
    assert player.record == folded(player.records)


# --- moving --------------------------------------------------------------------------------------------------------


def test_steps_go_from_boundary_to_boundary_and_stop_at_both_ends(player):
    player.seek(5)
    player.step()
    assert player.epoch == 6
    player.step(3)
    assert player.epoch == 9
    player.step(-1)
    assert player.epoch == 8
    player.step(-100)
    assert player.epoch == 0
    player.step(100)
    assert player.at_end


def test_a_step_from_between_two_boundaries_goes_to_the_nearest(player):
    player.seek(0)
    decision = player.next_decision()
    assert decision is not None
    epoch, within = decision["epoch"], player.position
    player.step(-1)
    assert player.epoch == epoch - 1
    player._go(within)
    player.step()
    assert player.epoch == epoch


def test_decisions_are_visited_one_by_one_with_what_they_changed(player):
    player.seek(0)
    seen = []
    while (decision := player.next_decision()) is not None:
        seen.append(decision)
        assert player.records[player.position - 1]["env"] == decision["env"]
        following = player.records[player.position]
        assert following["type"] != "StageChanged" or following["env"] != decision["env"]
    wanted = [r for r in player.records if r["type"] == "DecisionTaken" and r["decision"]["op"] != "WAIT"]
    assert seen == wanted != []
    back = []
    while (decision := player.previous_decision()) is not None:
        back.append(decision)
    assert back == wanted[-2::-1]


def test_alerts_are_visited_too():
    alert = {"type": "AlertRaised", "t": 0.9, "round": 0, "epoch": 2, "env": 0, "rule": "stalled", "text": "still"}
    records = [round_started(0), measured(1, 0.4), measured(2, 0.8), alert, measured(3, 1.2)]
    player = Player(records)
    player.seek(0)
    assert player.next_alert() == alert
    assert (player.epoch, player.record.alerts) == (2, [alert])
    assert player.next_alert() is None
    assert player.position == 4, "and it stays where it was"
    player.seek_end()
    assert player.previous_alert() == alert
    assert player.previous_alert() is None


def test_rounds_are_named_or_meant_by_where_one_is():
    player = two_rounds()
    assert [(b.round, b.epoch) for b in player.boundaries] == [(r, e) for r in (0, 1) for e in range(4)]
    player.seek(2)
    assert (player.record.round.number, player.epoch) == (1, 2)
    player.seek(2, round_=0)
    assert (player.record.round.number, player.epoch) == (0, 2)
    player.step(3)
    assert (player.record.round.number, player.epoch) == (1, 1)
    player.step(-1)
    assert (player.record.round.number, player.epoch) == (1, 0), "a round that has just begun"


def test_going_back_in_a_late_round_leaves_the_rounds_before_as_they_were():
    player = two_rounds()
    player.seek(1)
    player.seek(0, round_=0)
    player.seek_end()
    assert player.record == folded(player.records)
    assert [len(r.epochs) for r in player.record.rounds] == [3, 3]


@pytest.mark.parametrize("records", [[], [{"type": "SessionChanged", "t": 1.0, "round": None, "epoch": None}]])
def test_a_recording_without_an_epoch_can_still_be_opened(records):
    player = Player(records)
    player.step(3)
    player.seek(7)
    player.toggle()
    assert player.at_end
    assert (player.epoch, player.tick(1.0), player.next_decision(), player.previous_alert()) == (0, [], None, None)
    assert player.progress().epoch == 0


# --- playing -------------------------------------------------------------------------------------------------------


def test_an_epoch_is_shown_for_as_long_as_it_took():
    player = two_rounds()
    player.seek(0, round_=0)
    player.toggle()
    assert player.tick(0.3) == []
    assert player.tick(0.2) == [player.records[1]]
    assert player.tick(0.8) == player.records[2:4], "0.5 s passed for the first, so 0.9 s are left for two more"


def test_long_epochs_are_cut_short():
    player = two_rounds()
    player.seek(1)
    player.toggle()
    assert player.tick(LONGEST_EPOCH_S * 0.9) == []
    player.tick(LONGEST_EPOCH_S * 0.2)
    assert player.epoch == 2


@pytest.mark.parametrize(("asked", "speed"), [(0.1, 0.5), (4.0, 4.0), (100.0, 16.0)])
def test_the_speed_is_kept_within_its_range(asked, speed):
    player = two_rounds()
    player.set_speed(asked)
    assert player.speed == speed


def test_twice_the_speed_shows_twice_as_much():
    slow, fast = two_rounds(12), two_rounds(12)
    for player, speed in ((slow, 1.0), (fast, 2.0)):
        player.seek(0, round_=1)
        player.set_speed(speed)
        player.toggle()
        for _ in range(5):
            player.tick(1.0)
    assert (slow.epoch, fast.epoch) == (5, 10)


def test_playing_stops_at_the_end_and_begins_again_from_the_start_of_the_round(player):
    player.seek(20)
    player.toggle()
    shown = player.tick(1000.0)
    assert player.at_end
    assert not player.playing
    assert shown[-1]["type"] == "RunEnded"
    player.toggle()
    assert (player.epoch, player.playing) == (0, True)


def test_what_rests_does_not_move(player):
    player.seek(3)
    assert player.tick(100.0) == []
    assert player.epoch == 3


def test_playing_shows_everything_once(player):
    player.seek(0)
    player.toggle()
    before, shown = player.position, []
    while player.playing:
        shown += player.tick(0.01)
    assert shown == player.records[before:]


# --- as a session --------------------------------------------------------------------------------------------------


def test_a_recording_takes_no_commands(player):
    numbers = [player.submit(Pause()), player.submit(Pause())]
    acks, _ = player.poll()
    assert [a.id for a in acks] == numbers == [1, 2]
    assert {a.state for a in acks} == {"rejected"}
    assert player.poll()[0] == []


def test_polling_gives_what_came_since_and_nothing_after_going_back(player):
    assert player.poll()[1] == player.records
    player.seek(4)
    assert player.poll()[1] == []
    before = player.position
    player.step()
    assert player.poll()[1] == player.records[before : player.position]


def test_progress_says_where_it_is(player):
    player.seek(7)
    progress = player.progress()
    assert (progress.state, progress.epoch, progress.epochs) == ("paused", 7, 24)
    player.toggle()
    assert player.progress().state == "running"
