"""The bench of growth: one tiny task from the sweep to its table."""

import re

from worlds import tiny_parts

from esper_tui.bench import growth
from esper_tui.bench.growth import Task, report, run_growth


def test_a_tiny_task_plants_and_is_reported():
    parts = tiny_parts(run={"envs": 3, "epochs": 21}, tamiyo={"policy": "random"})
    parts.engine.close()
    observer, ended, tested = run_growth(parts.config, parts.splits)
    said: list[str] = []
    report(said.append, Task("tiny", 0.0), observer, ended, tested)
    assert sum(row["planted"] for row in ended.rows) > 0
    assert len(observer.planting) == sum(row["planted"] for row in ended.rows)
    assert max(map(abs, observer.planting)) == 0.0
    assert observer.blending
    assert any("n=3" in line for line in said)
    assert any(line.strip().startswith("floor") for line in said)


def test_the_sweep_takes_the_best_learning_rate(monkeypatch):
    monkeypatch.setattr(growth, "LEARNING_RATES", (1e-9, 0.05))
    parts = tiny_parts(run={"envs": 2, "epochs": 6})
    parts.engine.close()
    said: list[str] = []
    best = growth.sweep_learning_rate(said.append, parts.config, parts.splits)
    shown = {float(lr): float(acc) for lr, acc in re.findall(r"([\d.e-]+): ([\d.]+)", said[0])}
    assert len(shown) == 2
    assert shown[best] == max(shown.values())
    assert f"{best:g}: {shown[best]:.1f}*" in said[0]
