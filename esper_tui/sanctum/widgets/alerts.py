"""The second line: what needs a look, or how the run ended."""

from collections.abc import Sequence
from typing import Any

from esper_tui.karn.record import RunRecord
from esper_tui.sanctum.ink import Line, fitted, line, spread, width_of
from esper_tui.sanctum.text import duration, percent
from esper_tui.sanctum.widgets.panel import Panel

Row = dict[str, Any]
AlertKey = tuple[str, int | None, str | None, int | None]


def alert_key(alert: Row) -> AlertKey:
    """What an acknowledgement remembers: rule, environment, slot and the epoch it was raised."""
    return alert["rule"], alert.get("env"), alert.get("slot"), alert.get("epoch")


def open_alerts(record: RunRecord, acknowledged: set[AlertKey]) -> list[Row]:
    """Alerts that are raised and not acknowledged, errors first, then the newest."""
    alerts = [a for a in reversed(record.alerts) if alert_key(a) not in acknowledged]
    return sorted(alerts, key=lambda a: a.get("severity") != "error")


def alert_text(alert: Row) -> str:
    """One alert in a few words: env 9 r0c1 exploding."""
    where = "" if alert.get("env") is None else f"env {alert['env']} "
    slot = f"{alert['slot']} " if alert.get("slot") else ""
    return f"{where}{slot}{alert['rule']}"


def alert_line(alerts: Sequence[Row], raised: int, width: int) -> Line:
    """As many alerts as there is room for, in full where one is alone; what to press stands at the right."""
    if not alerts:
        quiet = "no alerts" if not raised else f"{raised} acknowledged"
        return fitted(line(("  " + quiet, "dim")), width)
    keys = line(("a", "key"), (" ack · ", "dim"), ("A", "key"), (" all", "dim"))
    style = "error" if alerts[0].get("severity") == "error" else "alert"
    content = line((f"! {len(alerts)}", style), "  ")
    room = width - width_of(keys) - 2
    for index, alert in enumerate(alerts):
        text = alert_text(alert) + (f": {alert['text']}" if len(alerts) == 1 or width >= 160 else "")
        wider = line(content, (" · ", "dim") if index else "", text)
        if width_of(wider) > room and index:
            content = line(content, (f" · {len(alerts) - index} more", "dim"))
            break
        content = wider
    return spread(fitted(content, min(width_of(content), room)), keys, width)


def ending_lines(record: RunRecord, width: int) -> list[Line]:
    """How the run ended: one line, or as many as the sentence of a failure needs."""
    took = f" in {duration(record.seconds)}" if record.seconds is not None else ""
    if record.status in ("failed", "diverged"):
        words = f"{record.text or 'no reason was given'}"
        return [line((f" {record.status.upper()} ", "error"), f" after{took[3:]}  " if took else "  ", part) if not n
                else line("    ", part) for n, part in enumerate(_wrapped(words, width - 24))]  # fmt: skip
    bought = ""
    if s := record.test_summary:
        low, mean, high = (percent(s[k], 1, sign=True) for k in ("low", "mean", "high"))
        bought = f" · growth bought {mean} points of test accuracy [{low}, {high}]"
    return [fitted(line((f" {record.status.upper()} ", "run"), f"{took.strip()}{bought}"), width)]


def _wrapped(text: str, width: int) -> list[str]:
    """The words of a sentence over at most three lines."""
    lines, width = [""], max(20, width)
    for word in text.split():
        if len(lines[-1]) + len(word) + 1 > width and lines[-1]:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return [*lines[:2], " ".join(lines[2:])] if len(lines) > 3 else lines


class AlertStrip(Panel):
    """Alerts while the run lasts, its ending afterwards; grows for the sentence of a failure."""

    DEFAULT_CSS = "AlertStrip { height: 1; }"

    def show(self, record: RunRecord, acknowledged: set[AlertKey]) -> None:
        width = self.size.width
        alerts = open_alerts(record, acknowledged)
        if record.state == "unknown":
            lines: list[Line] = [()]
        elif record.state == "ended":
            lines = ending_lines(record, width)
        else:
            lines = [alert_line(alerts, len(record.alerts), width)]
        if len(lines) != len(self.lines):
            self.styles.height = len(lines)
        self.show_lines(lines)
