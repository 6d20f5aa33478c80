"""Policy files: everything a learned Tamiyo is, in one state file that can be used, evaluated and trained further.

A policy is named by a path, by the name of a file in the policies folder, or as ``RUN:NAME`` for one that a run saved.
Choices and features are compared by name; what differs is said in one sentence.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from platformdirs import user_state_path
from safetensors import safe_open
from torch import Tensor

from esper_tui.leyline.choices import HEAD_CHOICES
from esper_tui.leyline.config import SCRIPTED
from esper_tui.leyline.errors import Incompatible, UsageError
from esper_tui.leyline.folder import CHECKPOINTS
from esper_tui.runtime.presets import nearest
from esper_tui.runtime.runs import all_runs, find_run
from esper_tui.runtime.statefile import load_state, save_state
from esper_tui.tamiyo.features import observation_schema
from esper_tui.tamiyo.network import Network, Sizes

KIND = "policy"
SUFFIX = ".safetensors"
PREFIX = "policy-"
"""Policies in a run's checkpoints: policy-best, policy-last, policy-000040."""


@dataclass(frozen=True)
class PolicyFile:
    """A policy as it is saved.

    Attributes:
        sizes: widths of the network.
        weights: its parameters and the statistics of its features.
        optimiser: state of Adam by parameter number, empty where there is none.
        value_scale, value_count: deviation of the value targets and how often it was updated.
        progress: rounds, episodes and updates so far, and the best mean return.
        origin: where it was trained: seed, rounds, data, reward and the like.  Every random number is keyed by seed and
            round, so these two are the state of all generators.
    """

    sizes: Sizes
    weights: dict[str, Tensor]
    optimiser: dict[str, Tensor] = field(default_factory=dict)
    value_scale: float = 1.0
    value_count: int = 0
    progress: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)

    def network(self) -> Network:
        """A new network with these weights."""
        made = Network(self.sizes)
        made.load_state_dict(self.weights)
        return made

    def save(self, path: Path) -> None:
        tensors = {f"network/{k}": v for k, v in self.weights.items()}
        tensors |= {f"optimiser/{k}": v for k, v in self.optimiser.items()}
        save_state(path, KIND, tensors, self.document())

    def document(self) -> dict[str, Any]:
        return {
            "sizes": asdict(self.sizes), "choices": choice_tables(), "observation": observation_schema(),
            "value_scale": self.value_scale, "value_count": self.value_count,
            "progress": self.progress, "origin": self.origin,
        }  # fmt: skip


def choice_tables() -> dict[str, list[str]]:
    return {str(head): list(names) for head, names in HEAD_CHOICES.items()}


def load_policy(path: Path) -> PolicyFile:
    """Reads a policy file.

    Raises:
        Incompatible: if it is damaged, or if its choices, features or architecture are not those of this program.
    """
    tensors, document = load_state(path, KIND)
    try:
        _check_tables(path, "choices", document["choices"], choice_tables())
        _check_tables(path, "features", document["observation"], observation_schema())
        found = PolicyFile(
            Sizes(**document["sizes"]), _part(tensors, "network/"), _part(tensors, "optimiser/"),
            float(document["value_scale"]), int(document["value_count"]), document["progress"], document["origin"],
        )  # fmt: skip
        found.network()
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise Incompatible(f"{path} does not describe a policy of this program ({first})") from None
    return found


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _check_tables(path: Path, what: str, theirs: dict[str, list[str]], ours: dict[str, list[str]]) -> None:
    for table in {**ours, **theirs}:
        there, here = theirs.get(table, []), ours.get(table, [])
        if there != here:
            only_there, only_here = [n for n in there if n not in here], [n for n in here if n not in there]
            parts = [f"it has {', '.join(only_there)}"] * bool(only_there)
            parts += [f"it lacks {', '.join(only_here)}"] * bool(only_here)
            how = " and ".join(parts) or "their order is another"
            raise Incompatible(f"{path} was trained with other {what} of {table}: {how}; train a new policy")


# --- finding -------------------------------------------------------------------------------------------------------


def policies_folder() -> Path:
    """Where policies live that belong to no run: ESPER_POLICIES_DIR, else the user's state folder."""
    named = os.environ.get("ESPER_POLICIES_DIR")
    return Path(named).expanduser() if named else user_state_path("esper") / "policies"


def all_policies() -> Iterator[tuple[str, Path]]:
    """Name and path of every policy file: those of the folder, then those of every run, the newest run first."""
    for path in sorted(policies_folder().glob(f"*{SUFFIX}")):
        yield path.stem, path
    for run in all_runs():
        for path in sorted((run / CHECKPOINTS).glob(f"{PREFIX}*{SUFFIX}")):
            yield f"{run.name}:{path.stem.removeprefix(PREFIX)}", path


def policy_path(name: str) -> Path:
    """The file of a policy.

    Raises:
        UsageError: if there is none of that name; names the nearest.
    """
    if name.endswith(SUFFIX) or "/" in name:
        path = Path(name).expanduser()
        if not path.is_file():
            raise UsageError(f"there is no policy file {path}; `esper policies list` shows what there is")
        return path
    if ":" in name:
        run, _, stem = name.partition(":")
        path = find_run(run) / CHECKPOINTS / f"{PREFIX}{stem}{SUFFIX}"
        if path.is_file():
            return path
    known = dict(all_policies())
    if name not in known:
        close = nearest(name, [*SCRIPTED, "ppo", *known])
        raise UsageError(f"there is no policy {name!r}{close}; `esper policies list` shows the files")
    return known[name]


def find_policy(name: str) -> PolicyFile:
    """A policy by name or path.

    Raises:
        UsageError, Incompatible: if there is none, or it cannot be used.
    """
    return load_policy(policy_path(name))


def describe_policy(path: Path) -> dict[str, Any]:
    """The document of a policy file; its tensors are not read.

    Raises:
        Incompatible: if it is damaged.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            document = json.loads((file.metadata() or {}).get("document", "null"))
    except Exception as error:  # safetensors raises its own and the system's errors for a damaged file
        raise Incompatible(f"{path} is not a readable policy file ({error})") from None
    if not isinstance(document, dict) or "sizes" not in document:
        raise Incompatible(f"{path} is not a policy file of esper")
    return document


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of an optimiser as flat named tensors."""
    state = optimiser.state_dict()["state"]
    return {f"{number}/{key}": value for number, slots in state.items() for key, value in slots.items()}


def load_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Puts saved tensors back; the settings stay those of the optimiser."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        number, _, key = name.partition("/")
        state.setdefault(int(number), {})[key] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
