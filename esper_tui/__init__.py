"""Esper grows neural networks while they train.

A weak *host* network trains; in its *slots* small *seed* modules germinate, incubate under gradient
isolation, blend in, and are kept (fossilised) or pruned.  A controller, *Tamiyo*, decides at every epoch.

Where everything lives, from the ground up (an import only goes downwards in this list):

=============  =========================================================================================
``leyline``    contracts: stages, choices, legality, events, configuration, errors (no torch)
``data``       procedural images, CIFAR-10, device-resident batches, splits, augmentation
``kasmina``    hosts, slots, blueprints, blending, alpha schedules, gates
``tamiyo``     policies: wait, random, schedule, heuristic, and the network that learns
``simic``      mathematics only: gain, dependence, Shapley values, rewards, advantages, PPO
``nissa``      the telemetry hub and its sinks
``karn``       reading run folders, folding events into a run record
``tolaria``    the engine: many small networks stacked into one
``runtime``    presets, seeding, building a run, the main loop, the session, run folders
``evidence``   statistics, the test split, evaluation of policies, comparisons
``bench``      ``esper bench …``
``cli``        the commands
``api``        what a notebook uses; ``esper_tui.run`` and the others come from there
=============  =========================================================================================
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from esper_tui.api import compare, export, load_grown, load_preset, read_run, report, run

__version__ = "0.1.0"
__all__ = ["compare", "export", "load_grown", "load_preset", "read_run", "report", "run"]


def __getattr__(name: str) -> Any:
    """What ``esper_tui.api`` defines, imported on first use."""
    if name in __all__:
        return getattr(importlib.import_module("esper_tui.api"), name)
    raise AttributeError(f"module 'esper_tui' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
