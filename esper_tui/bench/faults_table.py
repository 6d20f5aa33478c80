"""What ``esper bench faults`` found: one finding per promise, held against its floor and its goal."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """One line of the table.

    Attributes:
        what: the promise.
        measured: what was found, with n.
        word: how it stands.
        problems: what went wrong, one sentence each.
        notes: what else is worth knowing of how it was measured.
    """

    what: str
    measured: str
    floor: str
    goal: str
    word: str
    problems: list[str] = field(default_factory=list)
    notes: str = ""

    def row(self) -> str:
        """The finding as a row of the table of the README."""
        return f"| {self.what} | {self.measured} | {self.floor} | {self.goal} | {self.word} |"


HEAD = "| what | measured | floor | goal | |\n| --- | --- | --- | --- | --- |"


@dataclass
class Tally:
    """Tries that must all succeed.

    Attributes:
        floor, goal: how many tries are asked for; 0 where all there are is asked for.
    """

    what: str
    floor: int = 0
    goal: int = 0
    tries: int = 0
    problems: list[str] = field(default_factory=list)

    def check(self, problem: str) -> None:
        """Counts a try; an empty problem is a success."""
        self.tries += 1
        if problem:
            self.problems.append(problem)

    def finding(self, notes: str = "") -> Finding:
        good = self.tries - len(self.problems)
        floor, goal = (f"{n:,} of {n:,}" if n else "all" for n in (self.floor, self.goal))
        return Finding(self.what, f"{good:,} of {self.tries:,}", floor, goal, self._word(), self.problems, notes)

    def _word(self) -> str:
        if self.problems:
            return "missed"
        if self.tries < max(1, self.floor):
            return "too few tries"
        return "goal reached" if self.tries >= self.goal else "floor reached"
