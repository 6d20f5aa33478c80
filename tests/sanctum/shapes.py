"""The recording in another shape: as many slots and environments as a test asks for."""

from typing import Any

from fake import Row

SLOTS = tuple(f"r{i // 4}c{i % 4}" for i in range(12))
PER_SLOT = ("stages", "alphas", "targets", "ramps", "ages", "in_stage", "clocks")


def with_slots(events: list[Row], count: int) -> list[Row]:
    """Slots r0c0 … of which the second keeps its story, or the only one does; the others stay empty."""
    names, story = list(SLOTS[:count]), min(1, count - 1)
    return [_reshaped(event, names, story) for event in events]


def _reshaped(event: Row, names: list[str], story: int) -> Row:
    if event["type"] == "RunStarted":
        rules = event["rules"] | {"seed_params": dict.fromkeys(names, event["rules"]["seed_params"]["r0c1"])}
        return event | {"rules": rules}
    if event["type"] == "RoundStarted":
        return event | {"slots": names}
    if event["type"] == "EpochMeasured":
        columns = {k: _spread(v, names, story) if _nested(v) else v for k, v in event["columns"].items()}
        rows = {k: _spread(event[k], names, story) for k in PER_SLOT}
        verdicts = [[env, names[story], *rest] for env, _, *rest in event["verdicts"]]
        return event | rows | {"columns": columns, "verdicts": verdicts, "shapley": []}
    if event["type"] == "StageChanged":
        return event | {"slot": names[story]}
    if event["type"] == "DecisionTaken":
        closed = [[op, name, *rest] for op, slot, *rest in event["closed"] if slot == "r0c1" for name in names]
        return event | {"decision": event["decision"] | {"slot": names[story]}, "closed": closed}
    return event


def _nested(column: Any) -> bool:
    return isinstance(column[0], list)


def _spread(rows: list[list[Any]], names: list[str], story: int) -> list[list[Any]]:
    """The middle cell of three at the place of the story, the first one (an empty slot) everywhere else."""
    return [[row[1] if place == story else row[0] for place in range(len(names))] for row in rows]


def widened(events: list[Row], envs: int) -> list[Row]:
    """The recording with as many environments, copies of those there are."""

    def spread(value: Any, n: int) -> Any:
        return [value[i % n] for i in range(envs)] if isinstance(value, list) and len(value) == n else value

    result = []
    for event in events:
        if event["type"] == "RoundStarted":
            event = event | {"instances": [[1, i] for i in range(envs)]}
        elif event["type"] == "EpochMeasured":
            keys = ("stages", "alphas", "targets", "ramps", "ages", "in_stage", "clocks", "params")
            event = event | {k: spread(event[k], 6) for k in keys} | {"verdicts": [], "shapley": []}
            event["columns"] = {k: spread(v, 6) for k, v in event["columns"].items()}
        elif event.get("env", 0) >= envs:
            continue
        result.append(event)
    return result
