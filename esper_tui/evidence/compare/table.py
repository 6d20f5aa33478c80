"""The table of a comparison as Markdown that is also fit for a terminal."""

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from esper_tui.evidence.compare.arms import MATCHED, base
from esper_tui.evidence.compare.summary import REFERENCES, Comparison, describe_arm
from esper_tui.evidence.compare.tuning import Found
from esper_tui.evidence.stats import Interval

DASH = "–"


def table(found: Comparison) -> list[str]:
    """Every line: what was compared, accuracies, costs, contrasts, what was tuned, what is missing."""
    config, data = found.plan.config, found.plan.config.data
    head = (
        f"{found.plan.preset}: {data.name} {data.image_size}x{data.image_size}, {data.train_images:,} training, "
        f"{data.val_images:,} validation, {data.test_images:,} test images, {config.run.epochs} epochs, "
        f"learning rate {config.optim.lr:g}, {found.seeds} paired seeds"
    )
    arms = [describe_arm(found, arm) for arm in found.plan.arms]
    parts = [
        [head],
        _accuracies(arms, found.plan.match),
        _costs(arms),
        _contrasts(found),
        _regrets(found),
        _forks(arms),
        tuned(found.found),
        _rest(found),
    ]
    return [line for part in parts if part for line in [*part, ""]][:-1]


def _accuracies(arms: list[dict[str, Any]], match: str) -> list[str]:
    """Test accuracy, and paired differences with the probability of improvement."""
    names = [r for r in REFERENCES if any(a["arm"] == r for a in arms)]
    head = ["arm", "", "n", "parameters", "test accuracy, %"]
    head += [text for name in names for text in (f"− {name}, points", f"P(> {name})")]
    rows = []
    for arm in arms:
        row = [arm["arm"], arm["what"], str(arm["n"]), _count(arm["params"]), _interval(arm["acc"], 100, 2, sign=False)]
        for name in names:
            versus = arm["vs"].get(name)
            row += [_interval(versus["difference"], 100, 2), _interval(versus["better"], 1, 2, sign=False)] if versus \
                else [DASH, DASH]  # fmt: skip
        rows.append(row)
    note = "Interquartile means over seeds, [95 % bootstrap intervals]; differences are paired by seed."
    return [*grid(head, rows), "", note, *_matched([arm["arm"] for arm in arms], match)]


def _matched(arms: list[str], match: str) -> list[str]:
    """Which arms were made equal to which."""
    equal = [arm for arm in arms if base(arm) in MATCHED]
    return [f"{', '.join(equal)}: made equal to {match} (--match)."] if equal else []


def _costs(arms: list[dict[str, Any]]) -> list[str]:
    """What each network cost to make, in GFLOPs, and what became of the seeds."""
    purposes = ("training", "incubation", "ablation", "control", "total")
    head = ["arm", "epochs", *(f"{p}, GFLOPs" for p in purposes), "waste", "planted", "kept", "area", "worst drop"]
    rows = [
        [
            arm["arm"], _number(arm["epochs"], 1), *(_number(arm["flops"][p], 2, 1e-9) for p in purposes),
            _percent(arm["waste"]), _number(arm["planted"], 2), _number(arm["kept"], 2), _number(arm["area"], 3),
            _number(arm["drop"], 1, 100),
        ]
        for arm in arms
    ]  # fmt: skip
    note = (
        "Per network. Waste: share of training and incubation that went into seeds which were not kept. Area: "
        "validation accuracy averaged over FLOPs. Worst drop: points of validation accuracy lost within an epoch of a "
        "decision."
    )
    return [*grid(head, rows), "", note]


def _contrasts(found: Comparison) -> list[str]:
    rows = [
        [f"{c['a']} − {c['b']}", _interval(c["difference"], 100, 2), f"{c['p']:.4f}", f"{c['p_holm']:.4f}"]
        for c in found.contrasts()
    ]
    if not rows:
        return []
    count = len(found.claimed[1])
    test = f"hierarchical bootstrap over {count} policies and seeds" if count > 2 else "signed rank"
    lines = [*grid(["primary contrast", "points", "p", "p (Holm)"], rows), "", f"p: {test}."]
    if together := found.policies():
        lines += ["", f"all learned policies − A0: {_interval(together, 100, 2)} points over {together.n} policies"]
    return lines


def _regrets(found: Comparison) -> list[str]:
    """A line per controller; a ratio to a gain that may be zero is not given."""
    return [
        f"{name}: regret {_interval(regret, 100, 0, sign=False)} % of what A9 gains over A0"
        if regret
        else f"{name}: no regret, because A9 is not surely better than A0 on the {found.seeds} seeds"
        for name, regret in found.regrets().items()
    ]


def _forks(arms: list[dict[str, Any]]) -> list[str]:
    known = [(arm["arm"], arm["precision"]) for arm in arms if arm["precision"] is not None]
    return [
        f"{arm}: {_interval(paid, 100, 0, sign=False)} % of {paid.n} kept seeds gain more than 2 standard errors over "
        "their forks"
        for arm, paid in known
    ]


def tuned(found: Found) -> list[str]:
    """What was looked for on the tuning seeds."""
    lines = []
    if found.sweep:
        shown = "  ".join(
            f"{lr}: {100 * fmean(accs):.1f}{'*' if float(lr) == found.lr else ''}" for lr, accs in found.sweep.items()
        )
        n = len(next(iter(found.sweep.values())))
        lines.append(f"host alone, validation accuracy by learning rate, {n} tuning seeds:  {shown}")
    if found.rates:
        germination, prune = found.rates["germination"], found.rates["prune"]
        lines.append(f"A6 plants at {germination:.3f} and prunes at {prune:.3f} of the boundaries where it may")
    if found.shape:
        shown = "  ".join(f"{g}: {100 * fmean(accs):.1f}" for g, accs in found.shape["tried"].items())
        lines.append(f"A4b, validation accuracy by growth of widths at {found.shape['params']:,} parameters:  {shown}")
    for arm, schedule in (("A7s", found.schedule), ("A9", found.oracle)):
        plants = [f"{s['slot']} {s['blueprint']} at {e}" for e, s in schedule if s["op"] == "GERMINATE"]
        if plants:
            lines.append(f"{arm} plants {', '.join(plants)}, chosen on tuning seeds")
    return lines


def _rest(found: Comparison) -> list[str]:
    missing = found.missing()
    return ["not here: " + "; ".join(f"{arm} ({why})" for arm, why in missing.items())] if missing else []


# --- cells ---------------------------------------------------------------------------------------------------------


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table with columns of even width; numbers to the right."""
    columns = list(zip(head, *rows, strict=True))
    right = [i > 1 for i in range(len(head))]
    widths = [max(2, *(len(cell) for cell in column)) for column in columns]

    def line(cells: Sequence[str]) -> str:
        placed: list[Callable[[int], str]] = [c.rjust if r else c.ljust for c, r in zip(cells, right, strict=True)]
        return "| " + " | ".join(place(w) for place, w in zip(placed, widths, strict=True)) + " |"

    rule = "| " + " | ".join("-" * (w - r) + ":" * r for w, r in zip(widths, right, strict=True)) + " |"
    return [line(head), rule, *(line(row) for row in rows)]


def _interval(i: Interval | None, scale: float, digits: int, sign: bool = True) -> str:
    if i is None:
        return DASH
    low, value, high = (f"{scale * v:{'+' if sign else ''}.{digits}f}" for v in (i.low, i.value, i.high))
    return f"{value} [{low}, {high}]"


def _number(value: float | None, digits: int, scale: float = 1.0) -> str:
    return DASH if value is None else f"{scale * value:.{digits}f}"


def _count(value: float | None) -> str:
    return DASH if value is None else f"{value:,.0f}"


def _percent(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:.1f} %"
