"""A report on a folder of ``esper compare``: the table, the Pareto plot, and what they rest on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from esper_tui.evidence.report.blocks import Block, Cell, Facts, Figure, Panel, Paragraph, Report, Section, Table
from esper_tui.evidence.report.numbers import DASH, count, finite, fixed, mean, number, percent, si
from esper_tui.evidence.report.plots import Cloud, Curves, Line, Range, Ranges, Scatter, pareto_front
from esper_tui.leyline.errors import Incompatible

Row = dict[str, Any]
COMPARISON = "comparison.json"
MAX_BYTES = 2**28
SCHEMA = 1
BASES = (("A7", "the heuristic"), ("A0", "the host alone"))
"""Arms that the others are compared with, where they are there."""
FEW = 6
"""Below so many pairs not even a difference of one sign in all of them has a p below 0.05 (signed rank)."""


def is_comparison(folder: Path) -> bool:
    return (folder / COMPARISON).is_file()


def read_comparison(folder: Path) -> Row:
    """The summary of a comparison.

    Raises:
        Incompatible: if it is damaged or of a newer version.
    """
    path = folder / COMPARISON
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Incompatible(f"{path} is larger than {MAX_BYTES // 2**20} MiB; esper did not write it")
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise Incompatible(f"{path} cannot be read ({str(error)[:200]})") from None
    sound = isinstance(document, dict) and isinstance(document.get("arms"), list)
    if not sound or not isinstance(document.get("rows"), list):
        raise Incompatible(f"{path} is not what `esper compare` writes")
    if document.get("schema") != SCHEMA:
        raise Incompatible(f"{path} was written under schema {str(document.get('schema'))[:20]}, this program reads 1")
    return document


def comparison_report(folder: Path) -> Report:
    """Raises ``Incompatible`` for a summary that is damaged, or whose parts make no sense."""
    document = read_comparison(folder)
    try:
        sections = _sections(document)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Incompatible(f"{folder / COMPARISON} makes no sense ({type(error).__name__}: {error})") from None
    return Report(f"Comparison on {document.get('preset', '?')}", str(folder.name), sections)


def _sections(document: Row) -> tuple[Section, ...]:
    arms = document["arms"]
    found = [
        Section("", (Paragraph(_bottom_line(arms), "lead"), Paragraph(_how(document), "dim"))),
        Section("Arms", _table(arms)),
        Section("Accuracy over parameters", (_pareto(document),)),
        Section("Differences, paired by seed", tuple(_differences(arms))),
        Section("Learning over cost", tuple(_learning(arms))),
        Section("Kept seeds against forks", tuple(_forks(document))),
        Section("How it was set up", tuple(_setup(document))),
    ]
    return tuple(section for section in found if section.blocks)


def _bottom_line(arms: list[Row]) -> str:
    grown = next((a for a in arms if a["arm"] == "A7"), None)
    base = _versus(grown, "A0") if grown else None
    if grown is None or base is None:
        return f"{len(arms)} arms were compared."
    sure = {"good": "", "bad": ": worse", "": ": undecided, the interval holds 0"}[_tone(base)]
    value, _, ends = _bracketed(base, sign=True).partition(" ")
    if (number(base["n"]) or 0) < FEW:
        sure = ": undecided, so few seeds say little"
    kept, planted = (fixed(grown.get(key), 1) for key in ("kept", "planted"))
    return (
        f"The heuristic's grown networks against the host alone: {value} points of test accuracy, "
        f"95 % interval {ends}, {count(base['n'])} paired seeds{sure}. It kept {kept} of {planted} seeds per network."
    )


def _how(document: Row) -> str:
    return (
        f"{count(document.get('seeds'))} seeds; arms of one seed share the split, the host's first weights, the order "
        "of the data and its augmentation. Interquartile means with bootstrap intervals, on test images."
    )


def _versus(arm: Row | None, base: str, what: str = "difference") -> Row | None:
    found = ((arm or {}).get("vs") or {}).get(base)
    inner = found.get(what) if isinstance(found, dict) else None
    return inner if isinstance(inner, dict) else None


def _bracketed(interval: Row | None, digits: int = 2, scale: float = 100.0, sign: bool = False) -> str:
    if not interval:
        return DASH
    told = [number(interval.get(key)) for key in ("value", "low", "high")]
    value, low, high = (fixed(None if v is None else round(scale * v, digits) + 0.0, digits, sign) for v in told)
    return f"{value} [{low}, {high}]"


def _tone(interval: Row | None, least: int = FEW) -> str:
    """Whether an interval leaves no doubt about the sign; one of few seeds always does."""
    if interval and (number(interval.get("n")) or 0) < least:
        return ""
    ends = finite([(interval or {}).get("low"), (interval or {}).get("high")])
    return "" if len(ends) < 2 else "good" if ends[0] > 0 else "bad" if ends[1] < 0 else ""


def _table(arms: list[Row]) -> tuple[Block, ...]:
    """What each arm reached, then what it cost."""
    bases = [base for base, _ in BASES if any(a["arm"] == base for a in arms)]
    reached = ("arm", "what", ">seeds", ">test %, IQM [95 %]", *(f">against {base}, points" for base in bases))
    better = tuple(f">P(better than {base})" for base in bases)
    cost = ("arm", ">parameters", ">FLOPs", ">waste", ">kept", ">precision of kept", *better)
    note = "Waste: share of the training FLOPs in seeds that were not kept. FLOPs: all, means over seeds."
    return (
        Table(reached, tuple(_reached(arm, bases) for arm in arms), "Differences are paired by seed."),
        Table(cost, tuple(_cost(arm, bases) for arm in arms), note),
    )


def _reached(arm: Row, bases: list[str]) -> tuple[Cell, ...]:
    versus = [_versus(arm, base) for base in bases]
    return (
        Cell(str(arm["arm"])), Cell(str(arm["what"])), Cell(count(arm.get("n"))), Cell(_bracketed(arm.get("acc"))),
        *(Cell(_bracketed(difference, sign=True), _tone(difference)) for difference in versus),
    )  # fmt: skip


def _cost(arm: Row, bases: list[str]) -> tuple[Cell, ...]:
    kept, planted = (fixed(arm.get(key), 1) for key in ("kept", "planted"))
    waste = percent(arm.get("waste"))
    return (
        Cell(str(arm["arm"])), Cell(count(arm.get("params"))), Cell(si((arm.get("flops") or {}).get("total"))),
        Cell(waste if waste == DASH else f"{waste} %"),
        Cell(f"{kept} of {planted}" if number(arm.get("planted")) else DASH),
        Cell(_bracketed(arm.get("precision"), 0) + (" %" if arm.get("precision") else "")),
        *(Cell(_bracketed(_versus(arm, base, "better"), 2, 1.0)) for base in bases),
    )  # fmt: skip


def _pareto(document: Row) -> Block:
    """Every seed of every arm, the middle of each arm with its interval, and the front of the middles."""
    clouds = []
    for index, arm in enumerate(document["arms"]):
        rows = [r for r in document["rows"] if r.get("arm") == arm["arm"]]
        points = [(p, 100 * a) for p, a in (_point(row) for row in rows) if p is not None and a is not None]
        acc, params = arm.get("acc") or {}, number(arm.get("params"))
        value = number(acc.get("value")) if acc else mean([y / 100 for _, y in points])
        if value is None or params is None:
            continue
        ends = finite([acc.get("low"), acc.get("high")])
        interval = (100 * ends[0], 100 * ends[1]) if len(ends) == 2 else None
        name, role = str(arm["what"]), f"series-{index % 8}"
        clouds.append(Cloud(name, str(arm["arm"]), tuple(points), (params, 100 * value), interval, role))
    front = pareto_front([cloud.middle for cloud in clouds])
    legend = tuple((cloud.role, cloud.name, cloud.letter) for cloud in clouds)
    note = "Small: seeds. Large: mean parameters and IQM of an arm with its 95 % interval. Dashed: no arm beats these."
    plot = Scatter(tuple(clouds), front, "parameters", "test accuracy, %")
    return Figure((Panel("", plot),), legend, note)


def _point(row: Row) -> tuple[float | None, float | None]:
    return number(row.get("params")), number(row.get("test_acc"))


def _differences(arms: list[Row]) -> list[Block]:
    blocks: list[Block] = []
    for base, name in BASES:
        rows = []
        for arm in arms:
            found = _versus(arm, base)
            if found is None or arm["arm"] == base:
                continue
            low, value, high = (100 * found[key] for key in ("low", "value", "high"))
            rows.append(
                Range(
                    f"{arm['arm']} {arm['what']}", low, high, ((value, "own"),), fixed(round(value, 2) + 0.0, 2, True)
                )
            )
        if rows:
            plot = Ranges(tuple(rows), f"points of test accuracy against {base}, {name}", zero=True)
            blocks.append(
                Figure((Panel("", plot),), note=f"Against {base}, {name}: interquartile mean and 95 % interval.")
            )
    return blocks


def _learning(arms: list[Row]) -> list[Block]:
    lines = []
    for index, arm in enumerate(arms):
        curve = arm.get("curve") or {}
        pairs = zip(curve.get("flops") or [], curve.get("val_acc") or [], strict=False)
        points = tuple(
            (x, 100 * y) for x, y in ((number(a), number(b)) for a, b in pairs) if x is not None and y is not None
        )
        if points:
            lines.append(Line(str(arm["what"]), str(arm["arm"]), points, f"series-{index % 8}"))
    if not lines:
        return []
    legend = tuple((line.role, line.name, line.letter) for line in lines)
    note = "Validation accuracy in percent over floating-point operations, means over seeds."
    return [Figure((Panel("", Curves(tuple(lines), x_name="FLOPs")),), legend, note)]


def _forks(document: Row) -> list[Block]:
    forks = document.get("forks") or []
    if not forks:
        return []
    head = ("arm", ">seed", "slot", "blueprint", ">kept at", ">forks", ">gain, points, mean", "paid")
    rows = []
    for fork in forks:
        gains = finite(fork.get("gains") or [])
        middle = mean(gains)
        paid = "yes" if fork.get("paid") else "no"
        rows.append((
            Cell(str(fork["arm"])), Cell(str(fork["seed"])), Cell(str(fork["slot"])), Cell(str(fork["blueprint"])),
            Cell(str(fork["epoch"])), Cell(f"{len(gains)}"), Cell(percent(middle, 2, sign=True)),
            Cell(paid, "good" if fork.get("paid") else "bad"),
        ))  # fmt: skip
    note = "Each kept seed against the same environment continued without it; paid: more than two standard errors."
    return [Table(head, tuple(rows), note, many=20)]


def _contrast(contrast: Row) -> tuple[Cell, ...]:
    difference = contrast.get("difference")
    names = f"{contrast['a']} − {contrast['b']}"
    sure = (number(contrast.get("p_holm")) or 1.0) < 0.05  # of few policies, which are the unit here, n says little
    bracketed = Cell(_bracketed(difference, sign=True), _tone(difference, 0) if sure else "")
    return (Cell(names), bracketed, Cell(fixed(contrast.get("p"), 4)), Cell(fixed(contrast.get("p_holm"), 4)))


def _setup(document: Row) -> list[Block]:
    blocks: list[Block] = []
    tuning = document.get("tuning") or {}
    if isinstance(sweep := tuning.get("sweep"), dict) and sweep:
        rows = tuple(
            (Cell(str(rate)), Cell(percent(mean(accs if isinstance(accs, list) else [accs]), 2)))
            for rate, accs in sweep.items()
        )
        blocks.append(
            Table((">learning rate", ">validation %, mean"), rows, "The host's learning rate, on tuning seeds.")
        )
    contrasts = document.get("contrasts") or []
    if contrasts:
        head = ("contrast", ">points [95 %]", ">p", ">p, Holm")
        blocks.append(Table(head, tuple(map(_contrast, contrasts)), "Primary contrasts."))
    if isinstance(regrets := document.get("regrets"), dict) and regrets:
        left = (
            (f"regret of {name}, % of what A9 gains", _bracketed(regret) if regret else "none: A9 is not surely better")
            for name, regret in regrets.items()
        )
        blocks.append(Facts(tuple(left)))
    if missing := document.get("missing"):
        blocks.append(Facts(tuple((f"{arm} is not there", str(why)) for arm, why in missing.items())))
    made = document.get("made") or []
    facts = (*_task(document.get("config") or {}, tuning.get("rates") or {}), *_seeds(document))
    return [Facts(facts), *blocks, *(Facts(tuple(_origin(one))) for one in made if isinstance(one, dict))]


def _task(config: Row, rates: Row) -> Iterator[tuple[str, str]]:
    run, data, optim = (config.get(key) or {} for key in ("run", "data", "optim"))
    size, epochs = f"{data.get('image_size')}x{data.get('image_size')}", run.get("epochs")
    train, val, test = (count(data.get(f"{part}_images")) for part in ("train", "val", "test"))
    yield "task", f"{data.get('name')}, {size}, {epochs} epochs; {train} training, {val} validation, {test} test images"
    yield "optimiser", f"{optim.get('name', DASH)}, learning rate {optim.get('lr', DASH)}"
    if rates:
        plants, prunes = (percent(rates.get(key)) for key in ("germination", "prune"))
        yield "random arm", f"plants at {plants} % and prunes at {prunes} % of the boundaries where it may"


def _seeds(document: Row) -> Iterator[tuple[str, str]]:
    seeds = number(document.get("seeds"))
    if seeds:
        run = (document.get("config") or {}).get("run") or {}
        yield "seeds", f"0 to {seeds - 1:.0f} of run.seed {run.get('seed', DASH)}"


def _origin(made: Row) -> Iterator[tuple[str, str]]:
    """With what a part of the rows was made."""
    yield "versions", " ".join(f"{name} {made.get(name, DASH)}" for name in ("esper", "torch", "python"))
    yield "machine", f"{made.get('platform', DASH)}"
    yield "source", f"{made.get('git') or 'installed'}"
    yield "command", " ".join(map(str, made.get("command") or [])) or DASH
