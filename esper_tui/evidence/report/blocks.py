"""What a report says, before it is written down as anything."""

from dataclasses import dataclass

from esper_tui.evidence.report.plots import Plot


@dataclass(frozen=True)
class Cell:
    """A text in a table.  ``tone`` is empty, good, bad, dim, person or code."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under a head.  Columns whose head begins with ``>`` are set to the right.

    Attributes:
        many: rows that are shown at once; the others can be unfolded.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    many: int = 40

    @property
    def titles(self) -> list[str]:
        return [title.removeprefix(">") for title in self.head]

    @property
    def right(self) -> list[bool]:
        return [title.startswith(">") for title in self.head]


@dataclass(frozen=True)
class Paragraph:
    """``tone`` is empty, lead for the sentence that matters most, or dim."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Facts:
    """Names and values; foreign text is set as code where ``code`` says so."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Tiles:
    """A few numbers that are looked at first: (number, what it is)."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Panel:
    title: str
    plot: Plot


@dataclass(frozen=True)
class Figure:
    """One wide panel, or several small ones beside each other.

    Attributes:
        legend: (role, name, letter) of what the panels show.
        many: panels that are shown at once; the others can be unfolded.
    """

    panels: tuple[Panel, ...]
    legend: tuple[tuple[str, str, str], ...] = ()
    note: str = ""
    many: int = 9


@dataclass(frozen=True)
class Commands:
    """Command lines to copy, each with what it does."""

    lines: tuple[tuple[str, str], ...]


Block = Paragraph | Facts | Tiles | Table | Figure | Commands


@dataclass(frozen=True)
class Section:
    """A heading and what is below it; ``level`` 2 to 4."""

    title: str
    blocks: tuple[Block, ...]
    level: int = 2


@dataclass(frozen=True)
class Report:
    """``badges`` are (text, tone) beside the title."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    badges: tuple[tuple[str, str], ...] = ()


def plain_row(*texts: str) -> tuple[Cell, ...]:
    return tuple(Cell(text) for text in texts)
