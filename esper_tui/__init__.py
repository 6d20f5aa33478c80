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
=============  =========================================================================================
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

__version__ = "0.1.0"


def load_grown(path: str | Path) -> "nn.Sequential":
    """The network of an ``esper export`` folder: images ``[B, 3, H, W]``, pixels from 0 to 1, to logits.

    Raises:
        ValueError: if the folder's files do not fit together.
    """
    from esper_tui.evidence.grown import load

    return load(path)
