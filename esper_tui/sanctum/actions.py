"""THE action table: everything that a person can do here, once.

Key bindings, footer, help, palette and the ``:`` line are all derived from it.  A row names a method
``action_<id>`` of the app, view, widget or modal whose scope it is; with ``command`` it can also be typed after
``:``, and ``usage`` says with what.  A row without keys can only be typed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from textual.binding import Binding

from esper_tui.leyline.session import Role

VIEWS: dict[str, str] = {
    "fleet": "every environment, the ones in trouble first",
    "environment": "one environment: slots, gates, alpha, gain, what may be done now",
    "policy": "what Tamiyo does, and how well she learns",
    "decisions": "what was decided, by whom and why",
    "events": "everything that happened",
    "runs": "runs that were: replay, compare",
    "presets": "what can be run: edit, check, start",
    "system": "what the machine does and what limits the run",
}
"""Views in the order of their keys 1-8.  The launch screen is a view without a key."""
ALWAYS = ("runs", "presets", "system")
"""Views that show something before a run is open."""


@dataclass(frozen=True)
class Action:
    """One row.

    Attributes:
        keys: Textual key names, comma separated; single characters stand for themselves.
        scopes: where the keys work: app, a widget (grid, log), a view or a modal by name.
        acts: changes the run; hidden while only looking (read-only, watch, replay).
        only: works in a session of this role alone.
        run: needs a run that is open; hidden on the launch screen until there is one.
        replay: what it means in a replay, if that differs; such an action is there in a replay although it acts.
        hint: place in the footer, low numbers first; 0 keeps it out.
    """

    id: str
    keys: str
    label: str
    help: str
    scopes: tuple[str, ...] = ("app",)
    acts: bool = False
    only: Role | None = None
    run: bool = False
    replay: str = ""
    command: str = ""
    usage: str = ""
    hint: int = 0

    @property
    def first_key(self) -> str:
        return self.keys.split(",")[0] if self.keys else ""

    def allowed(self, role: Role | None, readonly: bool) -> bool:
        """Whether it is on offer in a session of this role; None is the launch screen, where no run is open."""
        if self.only is not None:
            return role == self.only
        if not self.acts:
            return role is not None or not self.run
        return bool(role == "replay" and self.replay) or (role == "control" and not readonly)

    def label_in(self, role: Role | None) -> str:
        return self.replay if role == "replay" and self.replay else self.label


def _views() -> Iterable[Action]:
    for number, (name, help_) in enumerate(VIEWS.items(), 1):
        yield Action(f"view_{name}", str(number), name, f"Open view {number}: {help_}.", run=name not in ALWAYS,
                     command=name)  # fmt: skip


LISTS, LIVE = ("grid", "log"), ("fleet", "environment", "decisions")
MOVES, SIDEWAYS = (*LISTS, "form"), ("grid", "form")
SCROLLS = (*MOVES, "text")

_GLOBAL = (
    Action("help", "?,f1", "help", "What the focused panel means, its thresholds and its keys.",
           command="help", usage="[WORD]", hint=90),
    Action("command", ":", "command", "Type a command; tab completes, up and down go through earlier ones.", hint=80),
    Action("palette", "ctrl+p", "palette", "Search everything that can be done here, and do it.", hint=95),
    Action("quit", "q,ctrl+q", "quit…", "Leave; asks what should become of the run.", command="q", hint=99),
    Action("quit_now", "", "leave the run running", "Leave at once; a run goes on without a screen.", command="q!"),
    Action("back", "escape", "back", "Clear the filter, else unzoom, else go back to the view before."),
    Action("next_panel", "tab", "next panel", "Put the focus on the next panel."),
    Action("previous_panel", "shift+tab", "previous panel", "Put the focus on the previous panel."),
    Action("zoom", "z", "zoom", "Give the focused panel the whole view; again gives the room back.", hint=70),
    Action("grow_panel", "+,=", "larger", "Give the focused panel more lines."),
    Action("shrink_panel", "-", "smaller", "Give the focused panel fewer lines."),
    Action("save_screen", "w", "screenshot", "Save the screen as SVG and as text into the run folder.", run=True,
           command="w", usage="[NAME]"),
    Action("readonly", "R", "read-only", "Hide everything that changes the run, or show it again.",
           only="control", command="readonly"),
    Action("set", "", "set", "Change how the screen looks and behaves, and keep it: theme, glyphs, hz, mouse, bell.",
           command="set", usage="KEY VALUE"),
    Action("glossary", "", "glossary", "What the words mean.", command="glossary", usage="[WORD]"),
)  # fmt: skip

_RUN = (
    Action("pause", "p", "pause", "Rest at the next boundary, where overrides can be set; again resumes.", acts=True,
           replay="play", command="pause", usage="[batch]", hint=10),
    Action("resume", "", "resume", "Go on after a pause.", acts=True, replay="play", command="resume"),
    Action("step", "s", "step", "Run one more epoch, or so many, then rest.", acts=True, command="step",
           usage="[EPOCHS]", hint=11),
    Action("step_decision", "S", "to decision", "Run until the next decision that is not WAIT, then rest.", acts=True),
    Action("override", "o", "override", "Decide in Tamiyo's place for the selected environment and slot.", acts=True,
           command="override", usage="ENV [SLOT] OP [HEAD=CHOICE …] [when-legal [EPOCHS]] [at EPOCH] [hold EPOCHS]",
           hint=20),
    Action("hold", "", "hold", "Make an environment wait for so many boundaries.", acts=True, command="hold",
           usage="ENV EPOCHS"),
    Action("undo", "u", "undo", "Take back the newest override that was not applied yet.", acts=True, command="undo",
           usage="[NUMBER]", hint=21),
    Action("queue", "Q", "override queue", "Overrides: waiting, applied, refused.", command="queue", hint=60),
    Action("break_here", "b", "break on this", "Rest when this happens again: stage, operation, alert.",
           ("app", "decisions"), acts=True, hint=62),
    Action("break", "", "breakpoint", "Rest after something happens; `clear` takes it away.", acts=True,
           command="break", usage="[clear] [env N] (stage==STAGE | op==OP | alert[==RULE] | nan)"),
    Action("note", "", "note", "Keep a sentence with the run.", acts=True, command="note", usage="TEXT"),
    Action("look", "L", "measure", "Measure every coalition of an environment's seeds, at a boundary while it rests.",
           acts=True, command="look", usage="[ENV]"),
    Action("checkpoint", "", "checkpoint", "Write a checkpoint at the next boundary.", acts=True,
           command="checkpoint"),
    Action("stop", "", "stop", "End the run at the next boundary, with its receipt.", acts=True, command="stop"),
    Action("detach", "", "detach", "Leave the screen; training goes on without one.", acts=True, command="detach"),
    Action("explain", "e", "explain", "Why this was decided: what was seen, which rule fired, what was closed.",
           ("app", "environment", "decisions"), command="explain", usage="[NUMBER]", hint=30),
    Action("acknowledge", "a", "ack alert", "Take the newest alert off the strip; the list keeps it.",
           command="ack"),
    Action("alerts", "A", "alerts", "All alerts that are raised, and what they mean.", command="alerts"),
    Action("env_previous", "[", "previous env", "Select the environment before; in a replay, one epoch back.",
           replay="epoch back"),
    Action("env_next", "]", "next env", "Select the next environment; in a replay, one epoch on.",
           replay="epoch on"),
    Action("slot_previous", "{", "previous slot", "Select the slot before; in a replay, ten epochs back.",
           replay="10 back"),
    Action("slot_next", "}", "next slot", "Select the next slot; in a replay, ten epochs on.", replay="10 on"),
    Action("goto", "", "go to epoch", "Show a replay at an epoch.", only="replay", command="goto", usage="EPOCH"),
    Action("next_decision", "n", "next decision", "Play to the next decision that is not WAIT.", only="replay"),
    Action("next_alert", "N", "next alert", "Play to the next alert.", only="replay"),
    Action("faster", ")", "faster", "Play twice as fast, up to 16 times.", only="replay"),
    Action("slower", "(", "slower", "Play half as fast, down to half.", only="replay"),
    Action("speed", "", "speed", "Play at this speed.", only="replay", command="speed", usage="FACTOR"),
    Action("env", "", "environment", "Look inside an environment.", command="env", usage="N"),
    Action("slot", "", "slot", "Look at a slot of an environment.", command="slot", usage="N SLOT"),
    Action("audit", "", "audit", "Every step in which a person had a hand.", command="audit"),
)  # fmt: skip

_LISTS = (
    Action("cursor_down", "j,down", "down", "Next row.", (*SCROLLS, "override")),
    Action("cursor_up", "k,up", "up", "Row before.", (*SCROLLS, "override")),
    Action("cursor_left", "h,left", "left", "Column, slot or environment to the left.", SIDEWAYS),
    Action("cursor_right", "l,right", "right", "Column, slot or environment to the right.", SIDEWAYS),
    Action("top", "g,home", "top", "First row.", SCROLLS),
    Action("bottom", "G,end", "bottom", "Last row.", SCROLLS),
    Action("half_down", "ctrl+d,pagedown", "half page down", "Half a page down.", SCROLLS),
    Action("half_up", "ctrl+u,pageup", "half page up", "Half a page up.", SCROLLS),
    Action("open", "enter", "open", "Look inside what is selected, or change it.", MOVES, hint=15),
    Action("filter", "/", "filter", "Show only rows that match; Esc clears.", MOVES, command="filter",
           usage="WORDS", hint=40),
    Action("mark", "space", "mark", "Mark the row, to compare or to override together.", ("grid",)),
    Action("unset", "x,delete", "take out",
           "Take the setting out of the text; what it extends, or the default, counts.", ("form",), hint=17),
    Action("sort_next", ">", "sort column on", "Sort by the next column.", ("grid",)),
    Action("sort_previous", "<", "sort column back", "Sort by the column before.", ("grid",)),
    Action("reverse", "r", "reverse", "Turn the order around.", ("grid",)),
    Action("sort", "", "sort", "Sort the list by a column.", ("grid",), command="sort", usage="COLUMN [asc|desc]"),
    Action("search", "ctrl+f", "search", "Find a word or /expression/ without hiding the rest.", ("log",)),
    Action("find_next", "n", "next hit", "Next line that matches the search.", ("log",)),
    Action("find_previous", "N", "previous hit", "Line before that matches the search.", ("log",)),
    Action("follow", "f", "follow", "Keep the newest line in sight.", ("log",), hint=45),
)  # fmt: skip

_VIEWS = (
    Action("pin", "P", "pin", "Keep this environment, decision or run on top.", (*LIVE, "runs", "explain")),
    Action("copy", "y", "copy", "Copy as JSON to the clipboard and into the run folder.",
           (*LIVE, "events", "policy", "runs", "explain", "queue")),
    Action("raw", "i", "raw record", "The event or row exactly as it was recorded.",
           ("environment", "decisions", "events", "explain")),
    Action("metric", "m", "metric", "Chart the next metric.", ("fleet", "environment", "policy", "compare"),
           command="metric", usage="[NAME]", hint=50),
    Action("scale", ".", "log scale", "Chart on a logarithmic or a linear axis.",
           ("fleet", "environment", "policy", "compare")),
    Action("smooth", "comma", "smoothing", "Chart a moving mean of 1, 5 or 15 epochs.",
           ("fleet", "environment", "policy", "compare")),
    Action("compare", "c", "compare", "Compare the marked runs.", ("runs",), command="compare",
           usage="[RUN …]", hint=20),
    Action("comparisons", "C", "comparisons", "Comparisons of growing with its rivals: how far they are, their tables.",
           ("runs",), command="comparisons", hint=25),
    Action("tag", "t", "tag", "Add or remove a tag of this run.", ("runs",), command="tag", usage="TAG"),
    Action("refresh", "ctrl+r", "refresh", "Read the list of runs again.", ("runs", "launch")),
    Action("edit", "e", "edit", "Edit this preset.", ("launch", "presets"), command="preset", usage="NAME", hint=20),
    Action("start", "ctrl+g,f5", "start", "Start a run of this preset.", ("launch", "presets"), command="start",
           usage="[NAME]", hint=16),
    Action("save_as", "ctrl+o", "save as", "Keep this text as a preset of your own.", ("presets",),
           command="save", usage="NAME", hint=22),
    Action("raw_text", "ctrl+t", "form/text", "Go from the form to the TOML text and back.", ("presets",), hint=23),
    Action("difference", "ctrl+l", "differences", "What differs from the shipped preset.", ("presets",), hint=24),
    Action("launch", "", "launch", "The screen that runs are started from.", command="launch"),
)  # fmt: skip

MODALS = ("help", "palette", "override", "queue", "quit", "confirm", "alerts", "compare", "comparisons", "explain")

FINDERS = ("help", "palette")

_MODALS = (
    Action("close", "escape", "close", "Close this.", MODALS, hint=98),
    Action("choose", "enter", "do it", "Do what is selected.", FINDERS, hint=1),
    Action("choice_down", "down", "next", "Next entry.", FINDERS),
    Action("choice_up", "up", "before", "Entry before.", FINDERS),
    Action("choices_down", "pagedown", "page down", "A page down.", FINDERS),
    Action("choices_up", "pageup", "page up", "A page up.", FINDERS),
    Action("quit_detach", "k", "keep training", "Close the screen; training goes on without one.", ("quit",)),
    Action("quit_default", "enter", "what is written beside", "End with the receipt; a run of another process goes on.",
           ("quit",)),
    Action("quit_stop", "c", "stop with receipt", "End at the next boundary with the receipt.", ("quit",)),
    Action("quit_abandon", "a", "abandon", "End now; nothing more is measured or kept.", ("quit",)),
    Action("confirm", "enter", "yes", "Do it.", ("confirm",)),
    Action("queue_override", "enter", "queue it", "Ask for this decision at the boundary.", ("override",), acts=True,
           hint=1),
    Action("choice_next", "l,right", "next choice", "The next choice of this row; a number becomes one larger.",
           ("override",), hint=3),
    Action("choice_previous", "h,left", "choice before", "The choice before; a number becomes one smaller.",
           ("override",)),
    Action("cycle_when", "w", "when", "Now, when it is legal, or at an epoch.", ("override",), acts=True, hint=2),
    Action("more_epochs", "+,=", "longer", "One epoch more: to wait, until it applies, or to hold it.",
           ("override",), hint=4),
    Action("fewer_epochs", "-", "shorter", "One epoch less.", ("override",)),
    Action("ten_more", "ctrl+u,pageup", "ten more", "Ten epochs more.", ("override",)),
    Action("ten_fewer", "ctrl+d,pagedown", "ten fewer", "Ten epochs less.", ("override",)),
    Action("undo_selected", "u", "undo", "Take this override back.", ("queue",), acts=True, hint=1),
    Action("new_override", "o", "new", "Ask for another decision.", ("queue",), acts=True, hint=2),
    Action("edit_override", "enter", "edit", "Take it back and ask again, changed.", ("queue",), acts=True, hint=3),
    Action("acknowledge_selected", "a", "acknowledge", "Take this alert off the strip.", ("alerts",), hint=1),
    Action("jump", "enter", "go there", "Go to the environment and slot.", ("alerts",), hint=2),
    Action("decision_previous", "[", "before", "The decision before.", ("explain",), hint=1),
    Action("decision_next", "]", "next", "The next decision.", ("explain",), hint=2),
    Action("head_previous", "h,left", "head left", "The head before.", ("explain",)),
    Action("head_next", "l,right", "head right", "The next head.", ("explain",)),
    Action("counterfactual", "c", "what if", "What the seeds are worth, measured by switching them off.",
           ("explain",), hint=3),
    Action("break_like", "b", "break here", "Rest when the same is decided again.", ("explain",), acts=True, hint=4),
    Action("compare_axis", "x", "x axis", "Epochs, seconds or steps.", ("compare",), hint=1),
    Action("compare_config", "d", "differences", "Only the settings that differ.", ("compare",), hint=2),
    Action("read_table", "enter", "table/list", "Give the table the room of the list, or bring the list back.",
           ("comparisons",), hint=1),
    Action("table_left", "h,left", "table left", "What the table has to the left.", ("comparisons",)),
    Action("table_right", "l,right", "table right", "What the table has to the right.", ("comparisons",), hint=2),
)  # fmt: skip

_OF_A_RUN = tuple(replace(action, run=True) for action in _RUN)
ACTIONS: dict[str, Action] = {a.id: a for a in (*_GLOBAL, *_views(), *_OF_A_RUN, *_LISTS, *_VIEWS, *_MODALS)}
COMMANDS: dict[str, Action] = {a.command: a for a in ACTIONS.values() if a.command}
"""What can be typed after ``:``, by name."""

ASKING = frozenset({"filter", "search"})
"""Ask for words in the prompt line, which dialogs do not have."""
PRIORITY = frozenset({"quit"})
"""Work although an input field has the focus, by their ctrl key."""


def in_scope(scope: str) -> list[Action]:
    return [a for a in ACTIONS.values() if scope in a.scopes]


def bindings(scope: str) -> list[Binding]:
    """The key bindings of a scope for Textual; their ids are the ids of the actions, so that they can be remapped."""
    return [
        Binding(key, a.id, a.label, show=False, id=a.id, priority=a.id in PRIORITY and key.startswith("ctrl+"))
        for a in in_scope(scope)
        for key in a.keys.split(",")
        if key
    ]


def keys_of(action: Action, remapped: dict[str, str]) -> list[str]:
    """The keys of an action as they are shown, remapped ones included."""
    keys = remapped.get(action.id, action.keys)
    return [SHOWN_KEYS.get(key.strip(), key.strip()) for key in keys.split(",") if key.strip()]


SHOWN_KEYS = {"comma": ",", "enter": "Enter", "escape": "Esc", "space": "Space", "f1": "F1", "f5": "F5"}
