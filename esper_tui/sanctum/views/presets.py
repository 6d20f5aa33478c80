"""View 7: what can be run; a form beside the text of a preset, what is wrong with it, how it differs."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import TextArea

from esper_tui.leyline.errors import EsperError
from esper_tui.leyline.launcher import Checked, PresetCard
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.cards import FIRST, PRESET_COLUMNS, preset_rows
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.preset_lines import STATUS_LINES, difference_lines, fields_of, status_lines
from esper_tui.sanctum.schema import Setting
from esper_tui.sanctum.toml_edit import Edit, line_of, with_value, without
from esper_tui.sanctum.views.base import View
from esper_tui.sanctum.widgets.form import Form
from esper_tui.sanctum.widgets.grid import Grid
from esper_tui.sanctum.widgets.panel import Panel
from esper_tui.sanctum.widgets.prompt import Question
from esper_tui.sanctum.widgets.rawtext import RawText

LIST_HELP = "Presets: shipped ones, yours, and those in this folder.  A star marks changes that are not saved."


class PresetsView(View):
    """Texts that were changed stay, each with its preset, until the program ends or they are saved."""

    scope = "presets"
    help = (
        "What can be run.  The form and the text are two sides of the same preset; a change in one is in the other at "
        "once.  The form changes single lines, so comments stay; where that is not possible the text is written anew "
        "without them, and the line below says so."
    )
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("presets")]
    SCOPED_CSS = False
    DEFAULT_CSS = """
    PresetsView #choice { width: 24; }
    PresetsView #difference { display: none; height: auto; min-height: 4; max-height: 40%; }
    PresetsView.-difference #difference { display: block; }
    .-wide PresetsView #work { layout: horizontal; }
    .-wide PresetsView #difference { display: block; width: 44; height: 1fr; max-height: 100%; }
    PresetsView #status { height: auto; max-height: 4; padding: 0 1; }
    .-narrow PresetsView #choice { width: 20; }
    PresetsView.-tiny #choice { width: 12; }
    PresetsView.-tiny #choice:focus { width: 1fr; }
    .-narrow PresetsView RawText { display: none; }
    .-narrow PresetsView.-text RawText { display: block; }
    .-narrow PresetsView.-text Form { display: none; }
    """

    def __init__(self, *, id: str | None = None):
        super().__init__(id=id)
        self.cards: list[PresetCard] = []
        self.name_, self.text = "", ""
        self.files: dict[str, str] = {}
        self.drafts: dict[str, str] = {}
        self.checked = self.sound = Checked(None)

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Grid(PRESET_COLUMNS, "presets", id="choice", classes="framed", help=LIST_HELP, opens="edit")
            with Vertical(id="work"):
                with Horizontal():
                    yield Form("settings", classes="framed", help=Form.__doc__ or "")
                    yield RawText(classes="framed")
                yield Panel("differs from the shipped preset", id="difference", classes="framed")
        yield Panel(id="status")

    # --- which preset ------------------------------------------------------------------------------------------

    def on_view_enter(self) -> None:
        wanted, self.esper.editing = self.esper.editing or self.name_, ""
        self._read_presets()
        known = [card.name for card in self.cards]
        if known:
            self.choose(next((name for name in (wanted, FIRST) if name in known), known[0]))
        self.query_one(Form if wanted else Grid).focus()

    def _read_presets(self) -> None:
        if self.esper.launcher is not None:
            self.cards = self.esper.launcher.presets()

    def choose(self, name: str) -> None:
        """Shows a preset: the text of its file, or the changes that were made to it."""
        launcher = self.esper.launcher
        if launcher is None:
            return
        try:
            self.files[name] = launcher.preset_text(name)
        except EsperError as error:
            self.esper.say(str(error), "bad")
            return
        fresh, self.name_ = name != self.name_, name
        self._take(self.drafts.get(name, self.files[name]), fresh)

    def on_grid_moved(self, event: Grid.Moved) -> None:
        self.choose(str(event.key))

    def on_grid_opened(self, event: Grid.Opened) -> None:
        self.query_one(Form).focus()

    # --- the text ----------------------------------------------------------------------------------------------

    def _take(self, text: str, fresh: bool = False) -> None:
        """Takes over a text: checks it, and shows it in the form, beside it and below."""
        self.text = text
        if text == self.files.get(self.name_):
            self.drafts.pop(self.name_, None)
        else:
            self.drafts[self.name_] = text
        if self.esper.launcher is not None:
            self.checked = self.esper.launcher.check(self.name_, text)
        if self.checked.config is not None or fresh:
            self.sound = self.checked
        raw = self.query_one(RawText)
        raw.show_text(text, fresh)
        raw.mark_lines(p.line for p in self.checked.problems if p.line is not None)
        self._show()

    def _show(self) -> None:
        grid, difference = self.query_one("#choice", Grid), self.query_one("#difference", Panel)
        grid.show_rows(preset_rows(self.cards, tuple(self.drafts)))
        grid.select(self.name_)
        self.query_one(Form).show_fields(fields_of(self.text, self.files.get(self.name_, ""), self.sound, self.checked))
        self.query_one("#status", Panel).show_lines(self._status())
        difference.show_lines(difference_lines(self.checked, difference.size.width or 44))

    def _status(self) -> list[Line]:
        lines = status_lines(self.checked, self.name_ in self.drafts, self.name_)
        if self.esper.waiting_for:
            lines = [line(("… " + self.esper.waiting_for, "pause"))]
        elif self.esper.trouble:
            lines = [line((part, "bad")) for part in self.esper.trouble.splitlines()[:STATUS_LINES]]
        self.query_one("#status", Panel).styles.height = len(lines)
        return lines

    def show(self, record: object) -> None:
        self.query_one("#status", Panel).show_lines(self._status())

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        if event.text_area.text != self.text:
            self.esper.trouble = ""
            self._take(event.text_area.text)

    def on_form_changed(self, event: Form.Changed) -> None:
        self._edit(event.setting, with_value(self.text, event.setting.section, event.setting.key, event.value))

    def on_form_removed(self, event: Form.Removed) -> None:
        edit = without(self.text, event.setting.section, event.setting.key)
        if edit is None:
            self.esper.say(f"{event.setting.name} does not stand in this text")
        else:
            self._edit(event.setting, edit)

    def _edit(self, setting: Setting, edit: Edit | None) -> None:
        if edit is None:
            self.esper.say("the text is not TOML yet; put that right first, in the text", "bad")
            return
        self.esper.trouble = ""
        self._take(edit.text)
        self.query_one(RawText).go_to(line_of(edit.text, setting.section, setting.key))
        if edit.rewritten:
            self.esper.say(
                "the text was written anew, its comments are gone; ctrl+z in the text brings them back", "warn"
            )

    def on_form_moved(self, event: Form.Moved) -> None:
        self.query_one(RawText).go_to(line_of(self.text, event.setting.section, event.setting.key))

    # --- what can be done --------------------------------------------------------------------------------------

    def first_focus(self) -> Widget | None:
        return self.query_one(Form)

    def go_back(self) -> bool:
        """Esc: out of the text, then the filter of the form away."""
        form = self.query_one(Form)
        if self.query_one(RawText).has_focus:
            self.remove_class("-text")
            form.focus()
            return True
        if form.filter_text:
            form.set_filter("")
            return True
        return False

    def action_edit(self, name: str = "") -> None:
        if name:
            self.choose(name)
        self.query_one(Form).focus()

    def action_raw_text(self) -> None:
        raw = self.query_one(RawText)
        self.set_class(not raw.has_focus, "-text")
        (self.query_one(Form) if raw.has_focus else raw).focus()

    def action_difference(self) -> None:
        self.toggle_class("-difference")

    def action_start(self, name: str = "") -> None:
        if name and name != self.name_:
            self.choose(name)
        if self.checked.problems:
            first = self.checked.problems[0]
            self.esper.say(f"{self.name_} cannot start: {first.text}", "bad")
            self.query_one(RawText).go_to(first.line)
            if first.key:
                self.query_one(Form).select(first.key)
            return
        self.esper.start_run(self.name_, self.text)

    def action_save_as(self, name: str = "") -> None:
        if name:
            self._save(name)
            return
        yours = any(card.name == self.name_ and card.origin == "yours" for card in self.cards)
        self.esper.ask(Question("save as", self._save, text=self.name_ if yours else f"my-{self.name_}"))

    def _save(self, name: str) -> str | None:
        """Keeps the text under a name; returns why not, if so."""
        launcher = self.esper.launcher
        if launcher is None:
            return "there is nothing to save with"
        try:
            path = launcher.save(name.strip(), self.text)
        except EsperError as error:
            return str(error)
        self.drafts.pop(self.name_, None)
        self._read_presets()
        self.choose(path.stem)
        self.esper.say(f"kept as {path.stem} in {path.parent}")
        return None
