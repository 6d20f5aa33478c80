"""What becomes of the screen when its terminal is gone."""

import io

from esper_tui.sanctum.driver import Tolerant


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_is_gone_is_told_of_once_and_written_to_no_more():
    gone: list[int] = []
    file = Tolerant(Broken(), lambda: gone.append(1))
    for _ in range(100):
        file.write("frame")
        file.flush()
    assert gone == [1]


def test_a_terminal_that_is_there_is_written_to():
    inner = io.StringIO()
    file = Tolerant(inner, lambda: None)
    file.write("frame")
    file.flush()
    assert inner.getvalue() == "frame"
