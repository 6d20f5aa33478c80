"""The text a run ends with: what growth bought, where it is, what to do next.  Made from the run record alone."""

import shlex
from pathlib import Path
from textwrap import wrap
from typing import TypeGuard

from esper_tui.karn.record import Round, Row, RunRecord, best_network
from esper_tui.leyline.folder import checkpoint_files
from esper_tui.runtime.runs import FINISHED, runs_folder

DASH, TOGETHER = "–", "\u00a0"
WIDTH = 120
"""Columns of the receipt."""


def receipt(record: RunRecord, folder: Path | None) -> str:
    """Several lines; the last ones say where the run is and what can be done with it."""
    lines = [_headline(record)]
    if record.round is not None and record.round.rows:
        lines += ["", *_table(record.round, {row["env"]: row for row in record.test}), "", *_summary(record)]
    if folder is not None:
        verbs = ["resume"] * _goes_on(record, folder) + ["replay", "runs show"]
        lines += ["", f"run   {folder}", f"next  {' · '.join(f'esper {verb} {run_name(folder)}' for verb in verbs)}"]
    return "\n".join(lines)


def _goes_on(record: RunRecord, folder: Path) -> bool:
    """Whether somebody may go on with the run."""
    return record.status not in FINISHED and bool(checkpoint_files(folder))


def run_name(folder: Path) -> str:
    """How to name a run on the command line: its id where runs live, else its path."""
    return folder.name if folder.parent == runs_folder().absolute() else shlex.quote(str(folder))


def badge(assisted: int) -> str:
    """The mark of a run in which a person changed so many of Tamiyo's decisions; empty where there is none."""
    return f"ASSISTED({assisted})" if assisted else ""


def assisted_steps(record: RunRecord) -> int:
    return sum(sum(round_.assisted.values()) for round_ in record.rounds)


def _headline(record: RunRecord) -> str:
    seconds = f" in {record.seconds:.0f} s" if record.seconds is not None else ""
    text = f": {record.text}" if record.text else ""
    epoch = f", epoch {record.epoch.number}" if record.epoch else ""
    mark = badge(assisted_steps(record))
    return f"{record.status or 'not finished'}{seconds}{epoch}{f', {mark}' if mark else ''}{text}"


def _table(round_: Round, test: dict[int, Row]) -> list[str]:
    head = "env  test %: host  grown      Δ  val gain ± SE (nat)  parameters       planted pruned  kept"
    return [head, *(line for row in round_.rows for line in _lines(row, test.get(row["env"], {})))]


def _lines(row: Row, test: Row) -> list[str]:
    """An environment: its figures, and what it kept on as many lines as that needs."""
    host, grown = test.get("control_acc"), test.get("acc")
    delta = f"{100 * (grown - host):+5.1f}" if is_number(host) and is_number(grown) else f"{DASH:>5}"
    gain = f"{row['gain']:+.4f} ± {row['gain_se']:.4f}" if is_number(row["gain"]) else f"{DASH:>17}"
    extra = (row["params"] or row["host_params"]) - row["host_params"]
    params = f"{row['host_params']:,} + {extra:,}"
    figures = (
        f"{row['env']:>3}  {_pct(host):>12}  {_pct(grown):>5}  {delta}  {gain:>19}  {params:<15}"
        f"  {row['planted']:>7} {row['pruned']:>6}  "
    )
    kept = _kept(row, WIDTH - len(figures))
    return [figures + kept[0], *(" " * len(figures) + line for line in kept[1:])]


def _kept(row: Row, width: int) -> list[str]:
    """What an environment kept, in lines of at most so many characters; a seed and its slot stay together."""
    if not is_number(row["loss"]):
        words = ["lost: its loss is not finite"]
    else:
        words = [f"{k['slot']} {k['blueprint']}" for k in row["kept"]] or [DASH]
    text = ", ".join(word.replace(" ", TOGETHER) for word in words)
    if row.get("assisted"):
        text += f" {badge(row['assisted'])}"
    return [line.replace(TOGETHER, " ") for line in wrap(text, width)]


def _summary(record: RunRecord) -> list[str]:
    current, summary = record.round, record.test_summary
    assert current is not None
    lines = []
    if steps := assisted_steps(record):
        lines.append(f"a person decided in Tamiyo's place in {steps} steps: this is not what she does alone")
    if summary:
        low, mean, high = (100 * summary[k] for k in ("low", "mean", "high"))
        lines.append(f"growth bought {mean:+.2f} points of test accuracy, 95 % interval [{low:+.2f}, {high:+.2f}], "
                     f"{summary['n']} paired environments")  # fmt: skip
    elif not record.test and record.status in ("stopped", "aborted"):
        lines.append("the test images stay closed until the run has come to its end")
    elif current.control == "none":
        lines.append("dependence only: without a control nothing can be said about what growth bought")
    if (found := best_network(record)) is not None:
        best, row = found
        grown = f", kept {len(row['kept'])} of {row['planted']} seeds"
        which = f" of round {best.number + 1}" if len(record.rounds) > 1 else ""
        lines.append(
            f"best is env {row['env']}{which}, validation loss {row['loss']:.4f}{grown}: "
            f"artefacts/round-{best.number:03d}-best.safetensors"
        )
    if record.updates:
        own = [u for u in record.updates if not u.get("taught")] or record.updates  # a teacher's returns are not hers
        first, last = (u["metrics"].get("return/mean") for u in (own[0], own[-1]))
        lines.append(
            f"Tamiyo learnt from {record.updates[-1]['episodes']} episodes in {len(record.updates)} updates: mean "
            f"return {first:+.2f} at first, {last:+.2f} at last; `esper policies list` shows what was saved"
        )
    return lines


def is_number(value: object) -> TypeGuard[float]:
    """False for what was not measured, and for what left the finite numbers and is recorded as text."""
    return isinstance(value, float | int)


def _pct(value: object) -> str:
    return f"{100 * value:.1f}" if is_number(value) else DASH
