"""Where every random number comes from: a generator per purpose, keyed by what it may depend on and nothing else.

Initialisation, data order and augmentation are keyed by (instance, epoch); sampling of decisions by (seed, round,
epoch, environment).  So neither the chunk size nor the number of threads nor the other environments change them.
"""

import hashlib
import random

import torch

from esper_tui.leyline.state import Instance


def key_number(*key: object) -> int:
    """A 63-bit number from any key; stable across machines and versions of Python."""
    text = "\x1f".join(str(part) for part in key)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(*key: object) -> torch.Generator:
    return torch.Generator().manual_seed(key_number(*key))


def decision_random(seed: int, round_: int, epoch: int, env: int) -> random.Random:
    return random.Random(key_number("decision", seed, round_, epoch, env))


class RunGenerators:
    """Generators of the engine and of the data, by instance."""

    def host(self, instance: Instance) -> torch.Generator:
        return generator("host", *instance)

    def seed(self, instance: Instance, epoch: int, slot: str) -> torch.Generator:
        return generator("seed", *instance, epoch, slot)

    def order(self, instance: Instance, epoch: int) -> torch.Generator:
        return generator("order", *instance, epoch)

    def halves(self, instance: Instance) -> torch.Generator:
        return generator("halves", *instance)


def grow_instances(seed: int, envs: int, first: int = 0) -> list[Instance]:
    """The instances of a grow run: one per environment."""
    return [Instance(seed, first + index) for index in range(envs)]
