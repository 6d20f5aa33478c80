"""The list of alerts: those that are raised, and what each rule means."""

import textwrap
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from esper_tui.leyline.metrics import ALERTS
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.ink import Line, line
from esper_tui.sanctum.modals.base import Modal
from esper_tui.sanctum.offer import alert_entry
from esper_tui.sanctum.text import DASH
from esper_tui.sanctum.widgets.alerts import alert_key
from esper_tui.sanctum.widgets.grid import Column, Grid, Row
from esper_tui.sanctum.widgets.scroll import Pages

COLUMNS = (
    Column("level", "", 5), Column("rule", "rule", 9), Column("where", "where", 11), Column("since", "since", 6),
    Column("text", "what was seen", 20, grow=50, drop=2), Column("ack", "", 4, drop=1),
)  # fmt: skip


class AlertsDialog(Modal[None]):
    """Enter goes to the environment, a takes an alert off the strip; the rule under the cursor is explained below."""

    scope = "alerts"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("alerts")]
    DEFAULT_CSS = """
    AlertsDialog > Vertical.dialog { width: 92%; height: 80%; max-width: 120; }
    AlertsDialog #rule { height: 5; border-top: solid $line; }
    AlertsDialog.-calm #rule { height: 1fr; }
    AlertsDialog.-calm Grid { height: 2; }
    AlertsDialog.-narrow > Vertical.dialog { width: 100%; height: 1fr; margin-bottom: 1; }
    """

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self.shown("alerts")
            yield Grid(COLUMNS, empty="nothing is raised")
            yield Pages(id="rule")

    def on_mount(self) -> None:
        self.query_one(Grid).focus()
        self.call_after_refresh(self.frame)

    def frame(self) -> None:
        """Errors first, then the newest."""
        newest = self.esper.record.alerts[::-1]
        alerts = sorted(newest, key=lambda a: a.get("severity") != "error")
        self.set_class(not alerts, "-calm")
        self.query_one(Grid).show_rows([self._row(alert) for alert in alerts])
        self._explain()

    def _row(self, alert: dict[str, Any]) -> Row:
        known = alert_key(alert) in self.esper.acknowledged
        error = alert.get("severity") == "error"
        where = f"env {alert['env']} {alert.get('slot') or ''}" if alert.get("env") is not None else "run"
        cells = {
            "level": line(("ERROR", "error") if error else ("warn", "warn")), "rule": line((alert["rule"], "bold")),
            "where": line(where), "since": line(f"ep{alert.get('epoch', DASH)}"), "text": line(alert["text"]),
            "ack": line(("ack" if known else "", "dim")),
        }  # fmt: skip
        return Row(alert_key(alert), cells, {"rule": alert["rule"], "env": alert.get("env")}, "dim" if known else "")

    def _explain(self) -> None:
        panel, selected = self.query_one("#rule", Pages), self._selected()
        rules = [selected["rule"]] if selected is not None else list(ALERTS)
        panel.show_text([part for rule in rules for part in _explained(rule, panel.size.width)])

    def _selected(self) -> dict[str, Any] | None:
        key = self.query_one(Grid).key
        return next((a for a in self.esper.record.alerts if alert_key(a) == key), None)

    # --- keys --------------------------------------------------------------------------------------------------

    def on_grid_moved(self, event: Grid.Moved) -> None:
        event.stop()
        self._explain()

    def on_grid_opened(self, event: Grid.Opened) -> None:
        event.stop()
        self.action_jump()

    def action_acknowledge_selected(self) -> None:
        if (alert := self._selected()) is not None:
            self.esper.acknowledged.add(alert_key(alert))
            self.frame()
            self.esper.draw()

    def action_jump(self) -> None:
        """Closes the list and goes to where the alert was raised: an environment, Tamiyo or the machine."""
        alert = self._selected()
        if alert is None:
            return
        self.dismiss(None)
        if alert.get("env") is not None:
            self.esper.select(alert["env"], alert.get("slot"))
            self.esper.call_later(self.esper.show_view, "environment")
        else:
            known = ALERTS.get(alert["rule"])
            self.esper.call_later(self.esper.show_view, "system" if known is None or known.wall else "policy")


def _explained(rule: str, width: int) -> list[Line]:
    if rule not in ALERTS:
        return [line((rule, "bold"), "  this version does not know the rule")]
    first, *rest = textwrap.wrap(f"{rule}: {alert_entry(rule).sentence}", max(20, width))
    return [line((rule, "bold"), first.removeprefix(rule)), *(line(part) for part in rest)]
