"""The line above the footer: a question after ``:`` or ``/`` while one is asked, what was just said otherwise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input

from esper_tui.sanctum.ink import line
from esper_tui.sanctum.widgets.panel import Panel

SAID_S, LEAST_S = 8.0, 1.0
"""How long a message stays, and how long at least although keys are pressed."""


@dataclass
class Question:
    """What the prompt asks.

    Attributes:
        sign: shown before the text, ``:`` or ``/`` or a word.
        submit: takes the text; returns a sentence if it was not understood, and the prompt stays.
        change: called with every change of the text, for filters that work while they are typed.
        complete: what the text may become, the best first.
        cancel: called when the question is left with Esc.
        history: earlier answers, the newest last.
    """

    sign: str
    submit: Callable[[str], str | None]
    change: Callable[[str], None] | None = None
    complete: Callable[[str], Sequence[str]] | None = None
    cancel: Callable[[], None] | None = None
    text: str = ""
    history: list[str] = field(default_factory=list)


class PromptInput(Input):
    """An input whose Esc, Tab, up and down belong to the prompt."""

    async def on_key(self, event: events.Key) -> None:
        prompt = self.parent
        if isinstance(prompt, Prompt) and prompt.takes(event.key):
            event.stop()
            event.prevent_default()


class Prompt(Horizontal):
    """Asks one question at a time; says messages in between."""

    DEFAULT_CSS = """
    Prompt { height: 1; }
    Prompt > Panel { height: 1; width: 1fr; }
    Prompt > #sign { width: auto; min-width: 1; display: none; }
    Prompt > PromptInput { display: none; border: none; height: 1; padding: 0; width: 1fr; background: $background; }
    Prompt > PromptInput:focus { border: none; }
    Prompt.asking > #sign { display: block; }
    Prompt.asking > PromptInput { display: block; }
    Prompt.asking > #said { width: auto; max-width: 60%; }
    """

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self.question: Question | None = None
        self.choices: list[str] = []
        self.place = 0
        self.said_at = 0.0

    def compose(self) -> ComposeResult:
        yield Panel(id="sign")
        yield PromptInput(select_on_focus=False)
        yield Panel(id="said")

    @property
    def input(self) -> PromptInput:
        return self.query_one(PromptInput)

    def ask(self, question: Question) -> None:
        self.question, self.choices, self.place = question, [], len(question.history)
        sign = self.query_one("#sign", Panel)
        sign.styles.width = len(question.sign) + (len(question.sign) > 1)
        sign.show_lines([line((question.sign, "key"))])
        self.say("")
        self.add_class("asking")
        self.input.value = question.text
        self.input.cursor_position = len(question.text)
        self.input.focus()

    def say(self, text: str, style: str = "", now: float = 0.0) -> None:
        """Shows a message; an empty one clears the line."""
        self.said_at = now
        panel = self.query_one("#said", Panel)
        panel.styles.width = len(text) + 2 if self.question is not None else "1fr"
        panel.show_lines([line((text, style))])

    def forget(self, now: float, at_key: bool = False) -> None:
        """Clears a message that was there long enough; a key makes it leave sooner."""
        if self.said_at and now - self.said_at > (LEAST_S if at_key else SAID_S):
            self.say("")

    def takes(self, key: str) -> bool:
        """Carries out a key that is not text; returns whether it was one."""
        doing = {"escape": self._cancel, "tab": self._complete, "up": self._earlier, "down": self._later}.get(key)
        if doing is not None:
            doing()
        elif key not in ("shift", "enter"):
            self.choices = []
        return doing is not None

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.question is not None and self.question.change is not None:
            self.question.change(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        question = self.question
        if question is None:
            return
        self.say("")  # before the answer is carried out: what that says must stay
        problem = question.submit(event.value)
        if problem:
            self.say(problem, "bad")
            return
        if event.value.strip() and event.value not in question.history[-1:]:
            question.history.append(event.value)
        if self.question is question:
            self._leave()

    def _cancel(self) -> None:
        if self.question is not None and self.question.cancel is not None:
            self.question.cancel()
        self.say("")
        self._leave()

    def _leave(self) -> None:
        self.question = None
        self.remove_class("asking")
        self.post_message(self.Left())

    class Left(events.Message):
        """The question is answered or taken back: the focus is free."""

    def _complete(self) -> None:
        """The next way to complete the text; several are shown beside it."""
        question = self.question
        if question is None or question.complete is None:
            return
        if not self.choices:
            self.choices = list(question.complete(self.input.value))
        if self.choices:
            self.choices = [*self.choices[1:], self.choices[0]]
            self.input.value = self.choices[-1]
            self.input.cursor_position = len(self.input.value)
            self.say("  ".join(c.split()[-1] for c in self.choices[:8] if c.split()), "dim")

    def _earlier(self) -> None:
        self._recall(-1)

    def _later(self) -> None:
        self._recall(1)

    def _recall(self, step: int) -> None:
        if self.question is not None and self.question.history:
            history = self.question.history
            self.place = min(max(0, self.place + step), len(history))
            self.input.value = history[self.place] if self.place < len(history) else ""
            self.input.cursor_position = len(self.input.value)
