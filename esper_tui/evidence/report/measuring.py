"""The exported modules themselves on the test images, beside what the run said of its networks."""

from dataclasses import dataclass

from esper_tui.evidence.report.blocks import Cell, Paragraph, Section, Table
from esper_tui.evidence.report.facts import RunFacts
from esper_tui.evidence.report.numbers import DASH, percent
from esper_tui.evidence.stats import Interval

TITLE = "The exported modules"


@dataclass(frozen=True)
class Measured:
    """One exported module: its test accuracy with the interval over images, and the run's figure for that network."""

    env: int
    parameters: int
    acc: Interval
    told: float | None


def measure_exports(facts: RunFacts) -> list[Measured]:
    """Exports every network of the run in memory and measures it.

    Raises:
        EsperError: if a network or the data cannot be had.
    """
    from esper_tui.evidence.examine import examine_exported
    from esper_tui.evidence.export import plain_network
    from esper_tui.evidence.stats import proportion_interval
    from esper_tui.runtime.picking import pick_network
    from esper_tui.runtime.rerun import load_recording

    config = load_recording(facts.folder).resolved.config
    told = {row["env"]: row.get("acc") for row in facts.record.test}
    picked = [pick_network(facts.folder, env) for env in told] or [pick_network(facts.folder)]
    plain = [plain_network(p.network.float(), p.mean, p.std)[0] for p in picked]
    hits = examine_exported(plain, config)
    return [
        Measured(
            p.env,
            sum(w.numel() for w in module.parameters()),
            proportion_interval(int(own.sum()), len(own)),
            told.get(p.env),
        )
        for p, module, own in zip(picked, plain, hits, strict=True)
    ]


def measured_section(measured: list[Measured] | str) -> Section:
    """``measured``: what they scored, or why they could not be measured."""
    if isinstance(measured, str):
        return Section(TITLE, (Paragraph(f"They could not be measured for this report: {measured.rstrip('.')}."),))
    rows = tuple(
        (
            Cell(str(m.env)), Cell(f"{m.parameters:,}"),
            Cell(f"{percent(m.acc.value, 2)} [{percent(m.acc.low, 2)}, {percent(m.acc.high, 2)}]"),
            Cell(percent(m.told, 2) if m.told is not None else DASH),
        )
        for m in measured
    )  # fmt: skip
    n = measured[0].acc.n if measured else 0
    note = f"Exported modules on the {n:,} test images; intervals over images (Clopper and Pearson)."
    about = "Measured again for this report: the modules that `esper export` writes, not the networks of the run."
    head = (">env", ">parameters", ">exported module %, [95 %]", ">the run said %")
    return Section(TITLE, (Paragraph(about), Table(head, rows, note)))
