"""Where one is: views and the way back, panels, the selected environment and slot, prompts, screenshots."""

from collections.abc import Sequence
from inspect import isawaitable
from typing import Any

from textual.screen import ModalScreen
from textual.widgets import ContentSwitcher

from esper_tui.karn.record import RunRecord
from esper_tui.leyline.errors import EsperError, UsageError
from esper_tui.sanctum.actions import ACTIONS, Action
from esper_tui.sanctum.commands import completions, parse
from esper_tui.sanctum.history import load_history, save_history
from esper_tui.sanctum.pictures import save_screen
from esper_tui.sanctum.rowfilter import row_match
from esper_tui.sanctum.shell import Shell
from esper_tui.sanctum.views.base import View
from esper_tui.sanctum.widgets.grid import Grid
from esper_tui.sanctum.widgets.panel import Gated, Panel
from esper_tui.sanctum.widgets.prompt import Prompt, Question


class Navigation(Shell):
    """The part of the application that moves between screens and things."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.before: list[str] = []
        self.selected_env, self.selected_slot = 0, ""
        self.pinned: set[int] = set()
        self.asked: dict[str, list[str]] = {":": load_history()}

    # --- selection ---------------------------------------------------------------------------------------------

    def select(self, env: int | None = None, slot: str | None = None) -> None:
        """Selects an environment, a slot or both; all views follow at the next frame, which is now."""
        self.selected_env = self.selected_env if env is None else env
        self.selected_slot = self.selected_slot if slot is None else slot
        self.draw()

    def keep_selection(self, record: RunRecord) -> None:
        """The selection stays within the run."""
        if record.round is None:
            return
        self.selected_env = min(max(0, self.selected_env), len(record.round.instances) - 1)
        if self.selected_slot not in record.round.slots:
            self.selected_slot = record.round.slots[0]

    def select_env_beside(self, step: int) -> None:
        if self.record.round is not None:
            self.select((self.selected_env + step) % len(self.record.round.instances))

    def select_slot_beside(self, step: int) -> None:
        if self.record.round is not None:
            slots = self.record.round.slots
            self.select(slot=slots[(slots.index(self.selected_slot) + step) % len(slots)])

    # --- views -------------------------------------------------------------------------------------------------

    async def show_view(self, name: str, back: bool = False) -> None:
        """Makes a view visible; it is made on first use."""
        switcher = self.screen_stack[0].query_one(ContentSwitcher)
        if self.view is not None and not back and self.view.scope != name:
            self.before.append(self.view.scope)
        found = switcher.query(f"#view-{name}")
        if not found:
            await switcher.mount(self.make_view(name))
        switcher.current = f"view-{name}"
        self.view = switcher.query_one(f"#view-{name}", View)
        self.view.on_view_enter()
        self.refresh_bindings()
        self.call_after_refresh(self.draw)

    def scopes(self) -> list[str]:
        """Where keys are looked up now, the innermost first."""
        focused = self.focused.scope if isinstance(self.focused, Gated) and self.focused.scope else ""
        if isinstance(self.screen, ModalScreen):
            return [s for s in (focused, getattr(self.screen, "scope", "")) if s]
        return [s for s in (focused, self.view.scope if self.view else "", "app") if s]

    async def action_env(self, env: int) -> None:
        """Looks inside an environment."""
        await self.action_slot(env, self.selected_slot)

    async def action_slot(self, env: int, slot: str) -> None:
        """Looks at a slot of an environment; says so if there is none."""
        current = self.record.round
        if current is None or env >= len(current.instances):
            self.say(f"the run has no environment {env}", "warn")
        elif slot not in current.slots:
            self.say(f"the host has no slot {slot}; choose from {', '.join(current.slots)}", "warn")
        else:
            self.select(int(env), slot)
            await self.show_view("environment")

    async def action_view_fleet(self) -> None:
        await self.show_view("fleet")

    async def action_view_environment(self) -> None:
        await self.show_view("environment")

    async def action_view_policy(self) -> None:
        await self.show_view("policy")

    async def action_view_decisions(self) -> None:
        await self.show_view("decisions")

    async def action_view_events(self) -> None:
        await self.show_view("events")

    async def action_view_runs(self) -> None:
        await self.show_view("runs")

    async def action_view_presets(self) -> None:
        await self.show_view("presets")

    async def action_view_system(self) -> None:
        await self.show_view("system")

    async def action_launch(self) -> None:
        await self.show_view("launch")

    async def action_back(self) -> None:
        """Undoes the innermost thing: filter, zoom, the way here."""
        view = self.view
        if view is None or view.go_back() or view.unzoom():
            return
        for grid in view.query(Grid):
            if grid.filter_text:
                grid.set_filter("", None)
                return
        if self.before:
            await self.show_view(self.before.pop(), back=True)

    # --- panels ------------------------------------------------------------------------------------------------

    def action_next_panel(self) -> None:
        self.screen.focus_next()
        self.draw()

    def action_previous_panel(self) -> None:
        self.screen.focus_previous()
        self.draw()

    def action_zoom(self) -> None:
        if self.view is not None and isinstance(self.focused, Panel):
            self.view.toggle_zoom(self.focused)

    def action_grow_panel(self) -> None:
        self._resize_panel(2)

    def action_shrink_panel(self) -> None:
        self._resize_panel(-2)

    def _resize_panel(self, lines: int) -> None:
        if self.view is not None and isinstance(self.focused, Panel):
            self.view.resize_row(self.focused, lines)

    # --- prompts -----------------------------------------------------------------------------------------------

    def ask(self, question: Question) -> None:
        """Asks in the prompt line; earlier answers of the same kind are its history."""
        question.history = self.asked.setdefault(question.sign, [])
        self.screen_stack[0].query_one(Prompt).ask(question)
        self.draw()

    def on_prompt_left(self, event: Prompt.Left) -> None:
        if self.view is not None and not isinstance(self.screen, ModalScreen):
            self.view.focus_again()
        save_history(self.asked[":"])
        self.draw()

    def ask_filter(self, grid: Grid, text: str | None = None) -> None:
        """Filters the rows of a grid while it is typed, or at once where a text is given."""

        def change(typed: str) -> None:
            grid.set_filter(typed, row_match(typed))

        def submit(typed: str) -> str | None:
            change(typed)
            return None

        if text is not None:
            change(text)
            return
        self.ask(Question("/", submit, change, cancel=lambda: change(""), text=grid.filter_text))

    def action_command(self, text: str = "") -> None:
        words = self.known_words()
        self.ask(Question(":", self.run_line, complete=lambda typed: completions(typed, words), text=text))

    def known_words(self) -> dict[str, Sequence[str]]:
        """What only the application knows, to complete commands with."""
        words: dict[str, Sequence[str]] = {"slot": self.record.round.slots if self.record.round else []}
        if self.launcher is not None:
            words["preset"] = [card.name for card in self.launcher.presets()]
        if isinstance(self.focused, Grid):
            words["column"] = [column.key for column in self.focused.columns]
        return words

    def run_line(self, text: str) -> str | None:
        """Carries out what was typed after ``:``; returns the sentence of what was not understood."""
        if not text.strip():
            return None
        try:
            typed = parse(text)
        except UsageError as error:
            return str(error)
        if not self.allows(typed.action):
            return self.why_not(typed.action)
        self.call_after_refresh(self.perform, typed.action.id, *typed.arguments)
        return None

    def why_not(self, action: Action) -> str:
        """Why an action is not on offer now."""
        if self.role is None and action.only is None:
            return f"{action.command} needs a run: start one with Enter, or open one from the list (6)"
        if action.only is not None:
            return f"{action.command} is for a {'replay' if action.only == 'replay' else 'run that takes commands'}"
        why = "has ended" if self.record.state == "ended" and self.role == "control" else "is only looked at"
        return f"{action.command} changes a run, and this one {why}"

    async def perform(self, action: str, *arguments: Any) -> None:
        """Carries out an action by id where it is at home: at the focus, in a modal, in the view, in the application.

        A view that has it although another one is shown is not looked for.
        """
        places = [*(self.focused.ancestors_with_self if self.focused else ()), self.screen, self.view, self]
        method = next((m for p in places if (m := getattr(p, f"action_{action}", None)) is not None), None)
        if method is None:
            self.say(f"{ACTIONS[action].label} is not to be had here", "warn")
            return
        try:
            result = method(*arguments)
            if isawaitable(result):
                await result
        except EsperError as error:
            self.say(str(error).splitlines()[0], "bad")

    # --- the screen itself -------------------------------------------------------------------------------------

    def action_save_screen(self, name: str = "") -> None:
        path = self.source.path if self.source is not None else None
        if path is None:
            self.say("there is no run folder to keep a screenshot in", "warn")
            return
        number = len(list((path / "screenshots").glob("*.svg")))
        view = self.view.scope if self.view is not None else "screen"
        pictures = save_screen(self, path / "screenshots", name or f"{number:03}-{view}")
        self.say("kept " + " and ".join(p.name for p in pictures))

    def action_help(self, word: str = "") -> None:
        self.open_modal("help", word)

    def action_palette(self) -> None:
        self.open_modal("palette")

    def action_alerts(self) -> None:
        self.open_modal("alerts")

    def action_glossary(self, word: str = "") -> None:
        self.open_modal("help", word or "glossary")
