"""The whole engine as named tensors and one plain document, and back: what a checkpoint keeps of it.

Rows and groups keep their physical order, so that an engine that was restored computes the same bits.  Random
numbers are keyed by instance and epoch and need no state.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from torch import Tensor

from esper_tui.kasmina.alpha import Alpha
from esper_tui.kasmina.lifecycle import Seed, Slot
from esper_tui.leyline.choices import Curve, Form
from esper_tui.leyline.errors import Incompatible
from esper_tui.leyline.stages import parse_stage
from esper_tui.leyline.state import Instance, Verdict
from esper_tui.tolaria.bank import Bank
from esper_tui.tolaria.chunk import Chunk, Kind, SeedGroup
from esper_tui.tolaria.engine import Engine

Tensors = dict[str, Tensor]
PLACES = ("nursery", "grafts")


def capture_engine(engine: Engine) -> tuple[Tensors, dict[str, Any]]:
    """Copies of all tensors on the CPU, and the document that says what they are."""
    tensors: Tensors = {}
    for index, chunk in enumerate(engine.chunks):
        for name, tensor in _chunk_tensors(chunk):
            tensors[f"chunk{index}/{name}"] = tensor.detach().to("cpu", copy=True)
    document = {
        "envs": [
            {"instance": list(env.instance), "planted": env.planted, "slots": [slot_document(s) for s in env.slots]}
            for env in engine.envs
        ],
        "chunks": [_chunk_document(chunk) for chunk in engine.chunks],
    }
    return tensors, document


def restore_engine(engine: Engine, tensors: Tensors, document: dict[str, Any]) -> None:
    """Puts a captured state into an engine of the same configuration.

    Raises:
        Incompatible: if the state is of an engine of another shape.
    """
    engine.reset([Instance(*env["instance"]) for env in document["envs"]])
    if len(document["chunks"]) != len(engine.chunks):
        count = len(document["chunks"])
        raise Incompatible(
            f"the checkpoint holds {count} chunks, this engine {len(engine.chunks)}; use its engine.chunk"
        )
    for env, saved in zip(engine.envs, document["envs"], strict=True):
        env.planted, env.slots = saved["planted"], [load_slot(slot) for slot in saved["slots"]]
    for index, (chunk, saved) in enumerate(zip(engine.chunks, document["chunks"], strict=True)):
        own = {name.split("/", 1)[1]: t for name, t in tensors.items() if name.startswith(f"chunk{index}/")}
        _restore_chunk(chunk, own, saved)


# --- chunks --------------------------------------------------------------------------------------------------------


def _chunk_tensors(chunk: Chunk) -> Iterator[tuple[str, Tensor]]:
    for name, rows in chunk.bank.tensors.items():
        yield f"host/{name}", rows
    for i, buffer in enumerate(chunk.host.buffers):
        yield f"buffer/{i}", buffer
    for where, slot, kind, group in _groups(chunk):
        for name, rows in group.bank.tensors.items():
            yield f"{_group_name(where, slot, kind)}/{name}", rows
    for (row, slot), (_, tensors) in chunk.resting.items():
        for name, tensor in tensors.items():
            yield f"resting/{row}.{slot}/{name}", tensor


def _groups(chunk: Chunk) -> Iterator[tuple[str, int, Kind, SeedGroup]]:
    for where in PLACES:
        for slot, by_kind in enumerate(getattr(chunk, where)):
            for kind, group in by_kind.items():
                yield where, slot, kind, group


def _group_name(where: str, slot: int, kind: Kind) -> str:
    return f"{where}/{slot}.{kind[0]}.{kind[1].value}"


def _chunk_document(chunk: Chunk) -> dict[str, Any]:
    groups = [
        # members and alphas are copied: seeds come and go while the document waits to be written
        {"where": where, "slot": slot, "kind": [kind[0], kind[1].value], "members": [*g.members], "alphas": [*g.alphas]}
        for where, slot, kind, g in _groups(chunk)
    ]
    resting = [[row, slot, kind[0], kind[1].value] for (row, slot), (kind, _) in chunk.resting.items()]
    return {"groups": groups, "resting": resting}


def _restore_chunk(chunk: Chunk, tensors: Tensors, document: dict[str, Any]) -> None:
    _fill(chunk.bank, tensors, "host")
    for i, buffer in enumerate(chunk.host.buffers):
        buffer.copy_(tensors[f"buffer/{i}"])
    for saved in document["groups"]:
        kind = (saved["kind"][0], Form(saved["kind"][1]))
        group = SeedGroup(chunk.shape.seed_build(saved["slot"], kind), chunk.shape)
        group.bank.tensors = _rows(tensors, _group_name(saved["where"], saved["slot"], kind), chunk)
        group.adopt(list(saved["members"]), list(saved["alphas"]))
        getattr(chunk, saved["where"])[saved["slot"]][kind] = group
    for row, slot, blueprint, form in document["resting"]:
        chunk.resting[row, slot] = ((blueprint, Form(form)), _rows(tensors, f"resting/{row}.{slot}", chunk))
    chunk.load()


def _rows(tensors: Tensors, prefix: str, chunk: Chunk) -> Tensors:
    place = chunk.shape.place
    found = {n.removeprefix(f"{prefix}/"): t for n, t in tensors.items() if n.startswith(f"{prefix}/")}
    if not found:
        raise Incompatible(f"the checkpoint lacks the tensors of {prefix}; it is damaged")
    return {name: tensor.to(place.device, place.dtype, copy=True) for name, tensor in found.items()}


def _fill(bank: Bank, tensors: Tensors, prefix: str) -> None:
    for name, rows in bank.tensors.items():
        saved = tensors.get(f"{prefix}/{name}")
        if saved is None or saved.shape != rows.shape:
            raise Incompatible(f"the checkpoint's {prefix} rows have another shape; it is of another host")
        rows.copy_(saved)


# --- slots ---------------------------------------------------------------------------------------------------------


def slot_document(slot: Slot) -> dict[str, Any]:
    return asdict(slot) | {"stage": int(slot.stage)}


def load_slot(document: dict[str, Any]) -> Slot:
    alpha, seed, verdict = document["alpha"], document["seed"], document["verdict"]
    return Slot(
        name=document["name"],
        stage=parse_stage(document["stage"]),
        seed=Seed(**seed) if seed else None,
        alpha=Alpha(**alpha | {"curve": Curve(**alpha["curve"])}),
        epochs_in_stage=document["epochs_in_stage"],
        verdict=Verdict(**verdict) if verdict else None,
        looks=document["looks"],
        held=document["held"],
        removal=document["removal"],
    )
