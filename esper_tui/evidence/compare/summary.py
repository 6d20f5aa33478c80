"""From rows to what is claimed: intervals, contrasts, and the files that hold them."""

import csv
import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from esper_tui.evidence.compare.arms import DEAR, base, default_arms, describe
from esper_tui.evidence.compare.plan import Plan
from esper_tui.evidence.compare.setting import Row
from esper_tui.evidence.compare.tuning import Found
from esper_tui.evidence.stats import (
    Interval,
    holm,
    improvement_interval,
    iqm_interval,
    nested_iqm_interval,
    nested_p,
    pooled_interval,
    proportion_interval,
    regret_interval,
    signed_rank_p,
)
from esper_tui.leyline.comparison import TABLE_FILE
from esper_tui.runtime.runs import write_atomically

SCHEMA = 1
SUMMARY, ROWS = "comparison.json", "rows.csv"
REFERENCES = ("A0", "A7")
"""Arms that every other one is compared with."""
PRIMARY = ("A1", "A2", "A4", "A4b", "A6")
"""What the claimed arm has to beat."""
COLUMNS = (
    "arm", "seed", "test_acc", "test_loss", "val_acc", "val_loss", "params", "epochs", "training", "incubation",
    "ablation", "control", "wasted", "planted", "pruned", "kept", "area", "drop",
)  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """All that is known so far."""

    plan: Plan
    found: Found
    rows: list[Row] = field(default_factory=list)
    forks: list[dict[str, Any]] = field(default_factory=list)
    seeds: int = 0
    made: list[dict[str, Any]] = field(default_factory=list)

    def of(self, arm: str) -> list[Row]:
        return [row for row in self.rows if row.arm == arm]

    def accuracies(self, arm: str) -> dict[int, float]:
        """Test accuracy by seed, where the network stayed finite."""
        return {row.seed: row.test_acc for row in self.of(arm) if row.test_acc is not None}

    @property
    def claimed(self) -> tuple[str, list[str]]:
        """Whose contrasts are the primary ones: all learned policies together, else the heuristic; name and arms."""
        learned = [arm for arm in self.plan.arms if base(arm) == "A8"]
        return ("A8", learned) if learned else ("A7", ["A7"])

    def paired(self, a: str, b: str) -> tuple[list[float], list[float]]:
        """Test accuracies of two arms on the seeds that both have."""
        left, right = self.accuracies(a), self.accuracies(b)
        both = sorted(left.keys() & right.keys())
        return [left[seed] for seed in both], [right[seed] for seed in both]

    def difference(self, a: str, b: str) -> Interval | None:
        return iqm_interval([x - y for x, y in zip(*self.paired(a, b), strict=True)])

    def better(self, a: str, b: str) -> Interval | None:
        """Probability that a does better than b."""
        return improvement_interval(*self.paired(a, b))

    def precision(self, arm: str) -> Interval | None:
        """Share of an arm's kept seeds that paid over their forks."""
        paid = [fork["paid"] for fork in self.forks if fork["arm"] == arm]
        return proportion_interval(sum(paid), len(paid)) if paid else None

    def against(self, arms: list[str], other: str) -> np.ndarray:
        """Differences of test accuracy to another arm ``[arms, seeds]``, on the seeds that all of them have."""
        table = self._shared([*arms, other])
        return table[:-1] - table[-1]

    def _shared(self, arms: list[str]) -> np.ndarray:
        """Test accuracies ``[arms, seeds]`` on the seeds that all of these arms have."""
        known = [self.accuracies(arm) for arm in arms]
        both = sorted(set.intersection(*(set(accs) for accs in known)))
        return np.array([[accs[seed] for seed in both] for accs in known])

    def contrasts(self) -> list[dict[str, Any]]:
        """Primary contrasts with p-values that are adjusted for there being several.

        Of three learned policies or more the policy is the unit; of fewer, their mean is compared seed by seed.
        """
        name, arms = self.claimed
        rivals = PRIMARY if name == "A7" else (*PRIMARY, "A7", "A7s")
        tables = {other: self.against(arms, other) for other in self.plan.arms if other in rivals}
        known = {other: _judged(table) for other, table in tables.items() if table.shape[1] > 2}
        adjusted = holm([p for _, p in known.values()])
        return [
            {"a": name, "b": other, "difference": difference, "p": p, "p_holm": q}
            for (other, (difference, p)), q in zip(known.items(), adjusted, strict=True)
        ]

    def regrets(self) -> dict[str, Interval | None]:
        """Share of what the best schedule of the grid gains that a controller leaves: (A9 − it) / (A9 − A0)."""
        if not {"A9", "A0"} <= set(self.plan.arms):
            return {}
        groups = dict([self.claimed, ("A7", ["A7"])])
        played = {name: arms for name, arms in groups.items() if set(arms) <= set(self.plan.arms)}
        return {name: regret_interval(self._shared([*arms, "A9", "A0"])) for name, arms in played.items()}

    def policies(self) -> Interval | None:
        """Difference of all learned policies together to the host alone; the unit is the policy."""
        name, arms = self.claimed
        if name != "A8" or "A0" not in self.plan.arms:
            return None
        table = self.against(arms, "A0")
        return nested_iqm_interval(table) if table.size else None

    def missing(self) -> dict[str, str]:
        """Arms of the protocol that are not there, and why."""
        every = default_arms(self.plan.config.host.kernel, len(self.plan.policies))
        present = {base(arm) for arm in self.plan.arms}
        left_out = {arm: "not asked for" for arm in (*every, *DEAR) if arm not in present}
        unlearned = {} if self.plan.policies else {"A8": "no learned policy was named"}
        return left_out | unlearned


def _judged(table: np.ndarray) -> tuple[Interval | None, float]:
    """Interval and p of differences ``[arms, seeds]``."""
    p = nested_p(table) if len(table) > 2 else signed_rank_p(table.mean(0).tolist())
    return pooled_interval(table), p


def describe_arm(found: Comparison, arm: str) -> dict[str, Any]:
    """An arm as ``comparison.json`` holds it; intervals are objects still."""
    rows = [row for row in found.of(arm) if row.test_acc is not None]
    versus = {
        other: {"difference": found.difference(arm, other), "better": found.better(arm, other)}
        for other in REFERENCES
        if other in found.plan.arms and other != arm
    }
    return {
        "arm": arm, "what": describe(arm), "n": len(rows), "params": mean(rows, "params"),
        "epochs": mean(rows, "epochs"), "acc": iqm_interval([row.test_acc for row in rows if row.test_acc is not None]),
        "vs": versus,
        "flops": {name: mean(rows, name) for name in ("training", "incubation", "ablation", "control")}
        | {"total": mean(rows, "flops")},
        "waste": waste(rows), "planted": mean(rows, "planted"), "pruned": mean(rows, "pruned"),
        "kept": fmean(len(row.kept) for row in rows) if rows else None, "area": mean(rows, "area"),
        "drop": max((row.drop for row in rows if row.drop is not None), default=None),
        "precision": found.precision(arm), "curve": curve(rows),
    }  # fmt: skip


def mean(rows: list[Row], name: str) -> float | None:
    known = [value for row in rows if (value := getattr(row, name)) is not None]
    return fmean(known) if known else None


def waste(rows: list[Row]) -> float | None:
    """Share of all training, incubation included, that went into seeds which were not kept."""
    learning = sum(row.training + row.incubation for row in rows)
    return sum(row.wasted for row in rows) / learning if learning else None


def curve(rows: list[Row]) -> dict[str, list[float]]:
    """Means over seeds at every point that all of them have."""
    points = min((len(row.curve) for row in rows), default=0)
    return {
        "flops": [fmean(row.work[i] for row in rows) for i in range(points)],
        "val_acc": [fmean(row.curve[i] for row in rows) for i in range(points)],
    }


def document(found: Comparison) -> dict[str, Any]:
    """``comparison.json``."""
    plain = [{name: getattr(row, name) for name in COLUMNS} for row in found.rows]
    whole = {
        "schema": SCHEMA, "preset": found.plan.preset, "config": found.plan.config.model_dump(mode="json"),
        "made": found.made, "seeds": found.seeds, "match": found.plan.match, "tuning": asdict(found.found),
        "arms": [describe_arm(found, arm) for arm in found.plan.arms], "contrasts": found.contrasts(),
        "policies": found.policies(), "regrets": found.regrets(), "rows": plain,
        "forks": found.forks, "missing": found.missing(),
    }  # fmt: skip
    return json.loads(json.dumps(whole, default=asdict))


def write_results(found: Comparison, folder: Path) -> None:
    """Writes the summary, the rows and the table."""
    from esper_tui.evidence.compare.table import table

    write_atomically(folder / ROWS, rows_csv(found.rows).encode())
    write_atomically(folder / TABLE_FILE, ("\n".join(table(found)) + "\n").encode())
    write_atomically(folder / SUMMARY, json.dumps(document(found), indent=1).encode())


def rows_csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        kept = ";".join(f"{k['slot']} {k['blueprint']} {k['form']}" for k in row.kept)
        values = {name: getattr(row, name) for name in COLUMNS} | {"kept": kept}
        writer.writerow(["" if value is None else value for value in values.values()])
    return text.getvalue()
