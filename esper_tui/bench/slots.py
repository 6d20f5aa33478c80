"""``esper bench slots``: a host with dormant slots against the same host without slots."""

from collections.abc import Callable

from esper_tui.bench.engine import SLOTS, bench_shape
from esper_tui.bench.timing import Target, interleave, judge, machine, milliseconds
from esper_tui.tolaria.probe import Candidate, cpu_count


def bench_slots(say: Callable[[str], None], windows: int) -> None:
    say(machine())
    count, batch, chunk = 16, 128, 4
    bare = Candidate(bench_shape(slots=()), count, chunk, cpu_count(), batch)
    slotted = Candidate(bench_shape(slots=SLOTS), count, chunk, cpu_count(), batch)
    say(f"\nN={count}, batch {batch}, 32x32, host 8-16-32, chunks of {chunk}")
    times = interleave({"no slots": bare.seconds, "three dormant slots": slotted.seconds}, windows)
    for line in milliseconds(times):
        say(line)
    say(f"{'dormant slots':<24} {judge(times, Target('', 'three dormant slots', 'no slots', 0.95, 1.0)).text()}")
