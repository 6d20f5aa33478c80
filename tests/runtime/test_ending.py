"""What an exception means for a run."""

import pytest

from esper_tui.leyline.errors import Diverged, ExitCode
from esper_tui.leyline.folder import LOG_FILE
from esper_tui.runtime.ending import ending_of


def test_a_defect_keeps_its_traceback(tmp_path):
    ending = ending_of(KeyError("x"), tmp_path)
    assert (ending.status, ending.code) == ("failed", ExitCode.INTERNAL)
    assert str(tmp_path / LOG_FILE) in ending.error
    assert "KeyError" in (tmp_path / LOG_FILE).read_text()


def test_a_log_that_cannot_be_written_does_not_hide_the_error(tmp_path):
    (tmp_path / LOG_FILE).mkdir()
    ending = ending_of(KeyError("x"), tmp_path)
    assert ending.error == "KeyError: 'x'"


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_memory_says_what_to_change(error, tmp_path):
    ending = ending_of(error, tmp_path)
    assert ending.code == ExitCode.OUT_OF_MEMORY
    assert "run.envs" in ending.error


def test_a_sentence_stays_a_sentence(tmp_path):
    ending = ending_of(Diverged("all lost"), tmp_path)
    assert (ending.status, ending.code, ending.error) == ("diverged", ExitCode.DIVERGED, "all lost")
