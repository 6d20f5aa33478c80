"""What a comparison compares: preset, arms, policies, and everything its rows depend on."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esper_tui.evidence.compare.arms import ARMS, MATCH, MATCHED, MATCHES, base, chosen_arms
from esper_tui.leyline.comparison import comparisons_folder
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import UsageError
from esper_tui.runtime.policy_file import policy_path

BLOCK = 5
"""Seeds that are played together."""


@dataclass(frozen=True)
class Plan:
    """Everything that a row depends on.

    Attributes:
        policies: names of policy files, the arms A8 or A8.1, A8.2, …
        match: the grown arm that others are made equal to.
        sweep: whether the host's learning rate is looked for first.
        episodes: episodes that the best fixed schedule is looked for with.
        horizon: epochs that A10 looks ahead.
    """

    preset: str
    config: RunConfig
    arms: tuple[str, ...]
    policies: tuple[str, ...] = ()
    match: str = MATCH
    sweep: bool = False
    episodes: int = 48
    horizon: int = 8

    def document(self) -> dict[str, Any]:
        return {
            "preset": self.preset, "config": self.config.model_dump(mode="json"), "arms": list(self.arms),
            "policies": list(self.policies), "match": self.match, "sweep": self.sweep, "episodes": self.episodes,
            "horizon": self.horizon,
        }  # fmt: skip

    def fingerprint(self) -> str:
        text = json.dumps(self.document(), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()

    def default_folder(self) -> Path:
        """The same for the same plan, so that the same command goes on where it was."""
        return comparisons_folder() / f"{self.preset}-{self.fingerprint()}"

    def policy(self, arm: str) -> str:
        """The policy file of A8 or A8.n."""
        number = arm.partition(".")[2]
        return self.policies[int(number) - 1 if number else 0]


def make_plan(preset: str, config: RunConfig, arms: list[str], policies: list[str], **options: Any) -> Plan:
    """A plan with checked arms.

    Raises:
        UsageError: for arms that do not exist or cannot be played here, and for policies that are nowhere.
    """
    for name in policies:
        policy_path(name)
    match = options.pop("match", MATCH)
    found = chosen_arms(arms, config.host.kernel, len(policies), match)
    grown = [name for name in found if ARMS[base(name)].grows and name != "A0"]
    if base(match) not in MATCHES:
        raise UsageError(f"--match {match}: other arms are made equal to one of {', '.join(MATCHES)}")
    if any(name in found for name in MATCHED) and match not in grown:
        raise UsageError(f"--match {match}: other arms are made equal to it, but it is not played; name it in --arms")
    return Plan(preset, config, found, tuple(policies), match, **options)


def next_block(done: int, wanted: int | None) -> list[int]:
    """The seeds that are played next after ``done`` finished ones; empty if there are enough."""
    count = BLOCK if wanted is None else min(BLOCK, wanted - done)
    return list(range(done, done + count))
