"""Breakpoints: what makes a run rest at its next boundary."""

from typing import Any

from esper_tui.leyline.session import Breakpoint


class Breakpoints:
    """The breakpoints that are set; ``matches`` is asked of every event."""

    def __init__(self) -> None:
        self.set: list[Breakpoint] = []

    def change(self, command: Breakpoint) -> str:
        """Sets or clears one; returns why not, if it cannot."""
        wanted = Breakpoint(command.what, command.value, command.env)
        if command.clear:
            if wanted not in self.set:
                return f"there is no breakpoint {describe(wanted)}"
            self.set = [b for b in self.set if b != wanted]
        elif wanted not in self.set:
            self.set = [*self.set, wanted]
        return ""

    def matches(self, record: dict[str, Any]) -> str:
        """What was met, for a person to read; empty if nothing was."""
        return next((describe(b) for b in self.set if _meets(b, record)), "")

    def described(self) -> tuple[str, ...]:
        return tuple(describe(b) for b in self.set)


def _meets(b: Breakpoint, record: dict[str, Any]) -> bool:
    kind = record["type"]
    if b.env is not None and record.get("env") != b.env:
        return False
    if b.what == "stage":
        return kind == "StageChanged" and record["target"] == b.value
    if b.what == "op":
        return kind == "DecisionTaken" and record["decision"]["op"] == b.value
    if kind != "AlertRaised":
        return False
    return record["rule"] == "nan" if b.what == "nan" else b.value in ("", record["rule"])


def describe(b: Breakpoint) -> str:
    where = "" if b.env is None else f"env {b.env} "
    return f"{where}{b.what}" + (f"=={b.value}" if b.value else "")
