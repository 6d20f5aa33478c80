"""View 1: who is on fire."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from esper_tui.karn.record import RunRecord
from esper_tui.sanctum.actions import bindings
from esper_tui.sanctum.ink import line
from esper_tui.sanctum.text import column, percent
from esper_tui.sanctum.views.base import View
from esper_tui.sanctum.widgets.grid import Column, Grid, Row


class FleetView(View):
    scope = "fleet"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("fleet")]

    def compose(self) -> ComposeResult:
        yield Grid([Column("env", "env", 4, ">"), Column("acc", "acc%", 5, ">")], empty="waiting for the first epoch")

    def show(self, record: RunRecord) -> None:
        if record.round is None:
            return
        columns = record.epoch.columns if record.epoch else {}
        rows = []
        for env in range(len(record.round.instances)):
            acc = column(columns, "val/acc", env)
            rows.append(Row(env, {"env": line(str(env)), "acc": line(percent(acc))}, {"env": env, "acc": acc}))
        self.query_one(Grid).show_rows(rows)
