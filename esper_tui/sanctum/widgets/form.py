"""A form derived from the configuration schema: every setting with its value, range, origin and its sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from textwrap import wrap
from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.ink import Line, fitted, line, spread, width_of
from esper_tui.sanctum.schema import Setting
from esper_tui.sanctum.text import fit
from esper_tui.sanctum.widgets.panel import Panel
from esper_tui.sanctum.widgets.prompt import Question

KEY_WIDTH = 18
INDENT = "    "


@dataclass(frozen=True)
class Field:
    """A setting as it stands now.

    Attributes:
        origin: where the value comes from.
        changed: whether it differs from the shipped preset; a star says so.
    """

    setting: Setting
    value: Any
    origin: str = "default"
    changed: bool = False
    problems: tuple[str, ...] = ()

    def matches(self, text: str) -> bool:
        return all(word in f"{self.setting.name} {self.setting.help}".lower() for word in text.lower().split())


def section_line(name: str, width: int) -> Line:
    return line((f"── {name} ", "head"), ("─" * max(0, width - len(name) - 4), "line"))


def field_lines(field: Field, width: int, under: bool) -> list[Line]:
    """A field in at most so many cells: value, what is allowed, origin; its sentence; what is wrong with it."""
    setting = field.setting
    key = line(
        (">" if under else " ", "mark"), (fit(setting.key + "*" * field.changed, KEY_WIDTH), "bold" if under else "")
    )
    style = "bad" if field.problems else "human" if field.changed else "title"
    value = line(key, (setting.text(field.value) or "none", style))
    origin = line(("  " + field.origin, "dim"))
    told = line(value, "  ", *_allowed(setting, field.value))
    told = told if width_of(told) + width_of(origin) < width else value
    lines = [fitted((*spread(told, origin, width), ("", "cursor" if under else "")), width)]
    lines += [line((INDENT + part, "dim")) for part in _wrapped(setting.help, width - len(INDENT))]
    for problem in field.problems:
        lines += [line((INDENT + part, "bad")) for part in _wrapped(problem, width - len(INDENT))]
    return lines


def _allowed(setting: Setting, value: Any) -> Line:
    """What else could stand here: the other choices, or the range."""
    if setting.kind == "choice":
        return line((" ".join(setting.text(c) for c in setting.choices if c != value), "dim"))
    return line((setting.limits, "dim"))


@lru_cache(maxsize=512)
def _wrapped(text: str, width: int) -> tuple[str, ...]:
    return tuple(wrap(text, max(10, width)))


class Form(Panel, can_focus=True):
    """Fields under the names of their sections; the cursor stands on a field.

    Numbers and texts are asked for in the prompt line, choices move with left and right.
    """

    scope = "form"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("form")]
    opens = "change"
    DEFAULT_CSS = "Form { height: 1fr; }"

    @dataclass
    class Moved(Message):
        """The cursor is on another field."""

        form: "Form"
        setting: Setting

        @property
        def control(self) -> "Form":
            return self.form

    @dataclass
    class Changed(Moved):
        """A new value was given."""

        value: Any

    @dataclass
    class Removed(Moved):
        """The setting should not be said at all."""

    def __init__(self, title: str = "", *, id: str | None = None, classes: str | None = None, help: str = ""):
        super().__init__(title, id=id, classes=classes, help=help)
        self.fields: tuple[Field, ...] = ()
        self.shown: tuple[Field, ...] = ()
        self.cursor = self.offset_lines = 0
        self.filter_text = ""

    @property
    def field(self) -> Field | None:
        return self.shown[self.cursor] if self.cursor < len(self.shown) else None

    def show_fields(self, fields: Sequence[Field]) -> None:
        if tuple(fields) != self.fields:
            self.fields = tuple(fields)
            self._arrange()

    def set_filter(self, text: str) -> None:
        self.filter_text = text
        self._arrange()

    def select(self, name: str) -> None:
        """Puts the cursor on a setting, if it is shown."""
        place = next((i for i, field in enumerate(self.shown) if field.setting.name == name), self.cursor)
        if place != self.cursor:
            self.cursor = place
            self._draw()

    def _arrange(self) -> None:
        name = self.field.setting.name if self.field else ""
        self.shown = tuple(field for field in self.fields if field.matches(self.filter_text))
        names = [field.setting.name for field in self.shown]
        self.cursor = names.index(name) if name in names else min(self.cursor, max(0, len(names) - 1))
        self._draw()

    def _draw(self) -> None:
        """All lines, moved so that the field of the cursor is whole and in sight, or at least its first line."""
        width, lines, section = self.size.width, list[Line](), ""
        top = head = bottom = 0
        for index, field in enumerate(self.shown):
            before = len(lines)
            if field.setting.section != section:
                section = field.setting.section
                lines.append(section_line(section, width))
            start = len(lines)
            lines += field_lines(field, width, index == self.cursor)
            if index == self.cursor:
                top, head, bottom = before, start, len(lines)
        last = max(0, len(lines) - self.size.height)
        self.offset_lines = min(last, head, max(bottom - self.size.height, min(self.offset_lines, top)))
        shown = lines[self.offset_lines : self.offset_lines + self.size.height]
        nothing = [line(("  no setting matches; Esc shows all", "dim"))] if self.filter_text else []
        self.show_lines(shown or nothing)
        self.show_title(self.titles[0], f"/{self.filter_text}" if self.filter_text else "")

    def line_at(self, y: int) -> tuple[Line, str]:
        content, _ = super().line_at(y)
        over = next((style for text, style in content if not text), "")
        return content, over

    # --- moving ------------------------------------------------------------------------------------------------

    def move(self, to: int) -> None:
        to = min(max(0, to), len(self.shown) - 1)
        if to >= 0 and to != self.cursor:
            self.cursor = to
            self._draw()
            self.post_message(self.Moved(self, self.shown[to].setting))

    def action_cursor_down(self) -> None:
        self.move(self.cursor + 1)

    def action_cursor_up(self) -> None:
        self.move(self.cursor - 1)

    def action_half_down(self) -> None:
        self.move(self.cursor + 5)

    def action_half_up(self) -> None:
        self.move(self.cursor - 5)

    def action_top(self) -> None:
        self.move(0)

    def action_bottom(self) -> None:
        self.move(len(self.shown) - 1)

    # --- changing ----------------------------------------------------------------------------------------------

    def action_cursor_left(self) -> None:
        self._turn(-1)

    def action_cursor_right(self) -> None:
        self._turn(1)

    def _turn(self, step: int) -> None:
        if self.field is not None:
            value = self.field.setting.beside(self.field.value, step)
            if value != self.field.value:
                self.post_message(self.Changed(self, self.field.setting, value))

    def action_unset(self) -> None:
        if self.field is not None:
            self.post_message(self.Removed(self, self.field.setting))

    def action_open(self) -> None:
        """Asks for another value; a flag is turned over at once."""
        if self.field is None:
            return
        setting = self.field.setting
        if setting.kind == "flag":
            self._turn(1)
        elif setting.kind == "table":
            self.esper.say(f"{setting.name} is written in the text", "warn")
        else:
            self._ask(setting, setting.text(self.field.value))

    def _ask(self, setting: Setting, text: str) -> None:
        def submit(typed: str) -> str | None:
            try:
                value = setting.parse(typed)
            except ValueError as error:
                return str(error)
            self.post_message(self.Changed(self, setting, value))
            return None

        def complete(typed: str) -> list[str]:
            return [setting.text(c) for c in setting.choices if setting.text(c).startswith(typed) or typed == text]

        self.esper.ask(Question(f"{setting.name} =", submit, complete=complete, text=text))

    def action_filter(self, text: str | None = None) -> None:
        if text is not None:
            self.set_filter(text)
            return

        def submit(typed: str) -> str | None:
            self.set_filter(typed)
            return None

        self.esper.ask(
            Question("/", submit, self.set_filter, cancel=lambda: self.set_filter(""), text=self.filter_text)
        )

    # --- mouse and size ----------------------------------------------------------------------------------------

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(self.cursor + 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(self.cursor - 1)

    def on_resize(self, event: events.Resize) -> None:
        self._draw()
