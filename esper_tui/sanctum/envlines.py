"""One environment as lines: its figures over the round, what its last decision earned, what was decided last."""

from typing import Any

from esper_tui.karn.record import Round, RunRecord
from esper_tui.sanctum.glyphs import Glyphs
from esper_tui.sanctum.ink import Line, fitted, line, width_of
from esper_tui.sanctum.lines import decision_text
from esper_tui.sanctum.outcome import effect_line
from esper_tui.sanctum.text import DASH, column, number, percent, short, si
from esper_tui.sanctum.widgets.spark import sparkline

FIGURES = (
    ("val acc", "val/acc"), ("control", "control/acc"), ("val loss", "val/loss"), ("control", "control/loss"),
    ("gain", "gain/loss"), ("gradient", "grad/host"),
)  # fmt: skip
"""Names and columns of what is drawn over the round."""
LAST_DECISIONS = 8


def env_lines(record: RunRecord, env: int, width: int, glyphs: Glyphs) -> list[Line]:
    """An environment in lines of at most so many cells."""
    current = record.round
    if current is None or not current.epochs:
        return [line(("waiting for the first epoch", "dim"))]
    lines = [_figure(current, env, name, key, width, glyphs) for name, key in FIGURES]
    lines.append(_size(current, env))
    lines += [line((f"! {a['rule']} {a.get('slot') or ''} {a['text']}", "bad")) for a in _alerts(record, env)]
    lines += _reward(current, env)
    lines += [(), *_decisions(current, env)]
    return [fitted(content, width) if width_of(content) > width else content for content in lines]


def _figure(current: Round, env: int, name: str, key: str, width: int, glyphs: Glyphs) -> Line:
    values = [column(epoch.columns, key, env) for epoch in current.epochs]
    told = f"{percent(values[-1])} %" if key.endswith("/acc") else short(values[-1], 3)
    cells = max(0, min(len(values), width - 20))
    style = "dim" if name == "control" else "series-0"
    return line((f"{name:<9}", "head"), f"{told:>8}  ", (sparkline(values, cells, glyphs), style))


def _size(current: Round, env: int) -> Line:
    params, host = number(current.epochs[-1].params[env]) or 0.0, current.host_params
    more = f"+{percent(params / host - 1, 0)} % over the host" if host else ""
    return line((f"{'params':<9}", "head"), f"{si(params):>8}  ", (more, "dim"))


def _alerts(record: RunRecord, env: int) -> list[dict[str, Any]]:
    return [a for a in record.alerts if a.get("env") == env]


def _reward(current: Round, env: int) -> list[Line]:
    """What the last decision earned, by named terms; nothing where rewards are not recorded."""
    return reward_lines(current, env, current.epochs[-1].number - 1)


def reward_lines(current: Round, env: int, boundary: int) -> list[Line]:
    """The reward of the decision at a boundary, measured with the next epoch: terms and their sum."""
    epoch = next((e for e in current.epochs if e.number == boundary + 1), None)
    terms = column(epoch.columns, "reward/terms", env) if epoch else None
    if epoch is None or not isinstance(terms, dict):
        return []
    total = number(column(epoch.columns, "reward/total", env))
    summed = sum(number(v) or 0.0 for v in terms.values())
    lines = [line((f"{'reward':<9}", "head"), f"{short(total, 3, sign=True):>8}", (f"  for ep {boundary}", "dim"))]
    lines += [
        line(f" {name:<14}", f"{short(v, 3, sign=True):>7}  ", *_bar(number(v), summed)) for name, v in terms.items()
    ]
    if total is None or abs(total - summed) > 1e-3 * max(1.0, abs(summed)):
        lines.append(
            line((f" the terms sum to {short(summed, 3, sign=True)}, not to {short(total, 3, sign=True)}", "bad"))
        )
    return lines


def _bar(value: float | None, whole: float) -> list[tuple[str, str]]:
    """A bar of up to ten cells, full where a term is as large as the sum."""
    if not value or not whole:
        return []
    return [("█" * min(10, max(1, round(10 * abs(value / whole)))), "good" if value > 0 else "bad")]


def _decisions(current: Round, env: int) -> list[Line]:
    """The newest decisions of the environment, and how its gain had moved one and five epochs later."""
    own = [d for d in current.decisions if d["env"] == env][-LAST_DECISIONS:]
    lines = [line(("decided  ", "head"), ("gain moved after 1 and 5 ep", "dim"))]
    for event in reversed(own):
        style = "human" if event["by"] == "human" else ""
        slot = event["decision"].get("slot", "")
        lines.append(line((f" {event['epoch']:>3} ", "dim"), f"{slot:<5} ", effect_line(current, env, event["epoch"]),
                          " ", (decision_text(event["decision"]), style)))  # fmt: skip
    return lines if own else [*lines, line((f" {DASH} nothing but to wait", "dim"))]
