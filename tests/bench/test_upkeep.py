"""What checkpoints cost is read from epochs that compute the same."""

import pytest

from esper_tui.bench.upkeep import Metered, bench_upkeep, paired

SHORT = ("run.epochs=5", "run.envs=2", "data.train_images=200", "data.val_images=100", "data.test_images=40")


def test_a_checkpoint_is_divided_by_none_whichever_run_has_it():
    # boundaries 2, 3, 4, 5: the even run has checkpoints at 2 and 4, the odd one at 3 and 5, each costs a tenth
    even, odd = [1.1, 2.0, 4.4, 8.0], [1.0, 2.2, 4.0, 8.8]
    assert paired(even, odd) == pytest.approx([1.1, 1.1])


def test_a_slower_second_run_cancels_out():
    even, odd = [1.1, 2.0, 4.4, 8.0], [1.5 * s for s in (1.0, 2.2, 4.0, 8.8)]
    assert paired(even, odd) == pytest.approx([1.1, 1.1])


def test_epochs_count_from_the_second_boundary():
    session = object.__new__(Metered)
    session.ends = [0.0, 7.0, 8.0, 10.0]  # boundaries 1 to 4
    assert session.epochs_s() == [1.0, 2.0]


def test_checkpoints_are_kept_at_the_boundaries_that_are_compared(monkeypatch):
    seen = []
    monkeypatch.setattr(Metered, "rest", _noting(Metered.rest, seen))
    bench_upkeep(lambda line: None, 1, SHORT)
    assert seen == [(False, 2), (False, 4), (True, 1), (True, 3), (True, 5)]


def _noting(rest, seen):
    def noted(self, epoch):
        before = len(self.copies_s)
        answer = rest(self, epoch)
        if len(self.copies_s) > before:
            seen.append((self.odd, epoch))
        return answer

    return noted
