"""The head of a report on a run (what matters most), what ran, and how to read it all."""

import shlex
from typing import Any

from esper_tui.evidence.report.blocks import Commands, Facts, Paragraph, Section, Table, Tiles, plain_row
from esper_tui.evidence.report.facts import RunFacts
from esper_tui.evidence.report.numbers import DASH, count, duration, finite, mean, moment, number, percent, told
from esper_tui.leyline.config import RunConfig
from esper_tui.runtime.receipt import assisted_steps
from esper_tui.runtime.runs import runs_folder

Row = dict[str, Any]


def head_section(facts: RunFacts) -> Section:
    """The one sentence, and a few numbers."""
    lead = Paragraph(bottom_line(facts), "lead")
    assisted = assisted_steps(facts.record)
    note = f"A person decided in Tamiyo's place in {assisted} steps: this is not what she does alone."
    about = str(facts.document.get("description") or "")
    blocks = [lead, *([Paragraph(note)] if assisted else []), *([Paragraph(about, "dim")] if about else [])]
    return Section("", (*blocks, Tiles(_tiles(facts))))


def bottom_line(facts: RunFacts) -> str:
    """What growth bought on the test split, and whether that is sure."""
    summary = facts.record.test_summary
    low, middle, high = (number(summary.get(key)) for key in ("low", "mean", "high"))
    if low is None or middle is None or high is None:
        return _no_bottom_line(facts)
    sure = "" if low > 0 else ": worse than not growing" if high < 0 else ": undecided, the interval holds 0"
    return (
        f"Growth bought {percent(middle, 2, sign=True)} points of test accuracy, 95 % interval "
        f"[{percent(low, 2, sign=True)}, {percent(high, 2, sign=True)}], "
        f"{count(summary.get('n'))} environments paired with twins that never grew{sure}."
    )


def _no_bottom_line(facts: RunFacts) -> str:
    current = facts.round
    if not facts.record.test:
        return "The test split was not opened: the run has not come to its end."
    if current is not None and current.control == "none":
        return "Without a control nothing can be said about what growth bought, only what the networks depend on."
    return "Too few environments were measured for an interval."


def _tiles(facts: RunFacts) -> tuple[tuple[str, str], ...]:
    record, current = facts.record, facts.round
    rows = current.rows if current is not None else []
    host, grown = (mean([row.get(key) for row in record.test]) for key in ("control_acc", "acc"))
    kept = sum(len(row.get("kept", [])) for row in rows)
    planted, pruned = (sum(finite([row.get(key) for row in rows])) for key in ("planted", "pruned"))
    extra = mean([p - row["host_params"] for row in rows if (p := number(row.get("params"))) is not None])
    epoch = record.epoch.number if record.epoch else 0
    return (
        (f"{percent(host)} → {percent(grown)} %", "mean test accuracy, host alone → grown"),
        (f"{kept} of {planted:.0f}", f"seeds kept ({pruned:.0f} pruned)"),
        (f"{count(current.host_params if current else None)} + {count(extra)}", "parameters: host + seeds, mean"),
        (f"{epoch} · {duration(record.seconds)}", "epochs · time"),
    )


def ran_section(facts: RunFacts) -> Section:
    record = facts.record
    provenance: Row = record.provenance if isinstance(record.provenance, dict) else {}
    made = " ".join(f"{name} {provenance.get(name, DASH)}" for name in ("esper", "torch", "python"))
    pairs = [
        ("preset", f"{facts.document.get('preset', DASH)}"),
        ("task", _task(facts)),
        ("episode", _episode(facts)),
        (
            "policy",
            f"{facts.setting('tamiyo', 'policy') or DASH}, reward {facts.setting('reward', 'mode') or 'economy'}",
        ),
        ("seed", f"{facts.setting('run', 'seed')}"),
        ("started", moment(record.started)),
        ("versions", made),
        ("machine", f"{provenance.get('device', DASH)}, {provenance.get('platform', DASH)}"),
        ("engine", _engine(provenance.get("engine"))),
        ("data checksum", f"{provenance.get('data', DASH)}"),
        ("source", f"{provenance.get('git') or 'installed'}"),
        ("command", " ".join(map(str, provenance.get("command") or [])) or DASH),
        ("resumed", f"{record.resumed} times" if record.resumed else "never"),
    ]
    return Section("What ran", (Facts(tuple(pairs)), *_settings(facts)))


def _task(facts: RunFacts) -> str:
    size = facts.setting("data", "image_size")
    train, val, test = (count(facts.setting("data", f"{part}_images")) for part in ("train", "val", "test"))
    return f"{facts.setting('data', 'name')}, {size}x{size}; {train} training, {val} validation, {test} test images"


def _episode(facts: RunFacts) -> str:
    envs, epochs = facts.setting("run", "envs"), facts.setting("run", "epochs")
    rounds = number(facts.setting("run", "rounds")) or 1
    control = facts.round.control if facts.round is not None else ""
    beside = ", each beside a twin that never grows" if control == "twin" and rounds == 1 else ""
    many = f", {rounds:.0f} rounds" if rounds > 1 else ""
    return f"{envs} environments of {epochs} epochs{many}{beside}"


def _engine(engine: Any) -> str:
    return ", ".join(f"{k} {v}" for k, v in engine.items()) if isinstance(engine, dict) else DASH


def _settings(facts: RunFacts) -> list[Table | Paragraph]:
    """Settings that are not the defaults."""
    defaults = RunConfig().model_dump(mode="json")
    rows = [
        plain_row(f"{section}.{key}", told(value), told(default))
        for section, content in defaults.items()
        for key, default in content.items()
        if (value := facts.setting(section, key)) is not None and value != default
    ]
    if not rows:
        return [Paragraph("All settings are the defaults.", "dim")]
    return [Table(("setting", "here", "default"), tuple(rows), "Settings that differ from the defaults.", many=12)]


def reading_section(facts: RunFacts) -> Section:
    """What the words mean, and how to see or make it again."""
    folder = facts.folder
    name = folder.name if folder.parent == runs_folder().absolute() else shlex.quote(str(folder))
    words = (
        ("gain", "loss of the twin that never grew minus loss of the environment, in nats, on validation images that "
                 "decided nothing; only gain decides whether a seed is kept"),
        ("gain of a seed", "rise of that gain since the seed was planted, means over five epochs"),
        ("dependence", "rise of the loss when the seed is switched off; large without gain means that the host leans "
                       "on a seed that added nothing"),
        ("[low, high]", "two standard errors over images for a seed, a 95 % interval of Student's t over environments "
                        "where several are averaged"),
        ("test accuracy", "measured once, after every choice was made; no choice of the run saw these images"),
    )  # fmt: skip
    commands = Commands((
        (f"esper replay {name}", "the run again, epoch by epoch"),
        (f"esper rerun {name}", "the same run made again, and whether the same came of it"),
        (f"esper export {name} --to DIR", "the best network as ordinary PyTorch"),
    ))  # fmt: skip
    problems = [Paragraph(f"The log has damage: {text}.", "dim") for text in facts.reading.problems[:5]]
    return Section("How to read this", (Facts(words), commands, *problems))
