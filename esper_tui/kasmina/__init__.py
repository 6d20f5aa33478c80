"""Stem cells: hosts with slots, and the seeds that grow in them.

``layers`` (the only way to mix channels), ``host`` (hosts and their slots), ``blueprints`` (one file each),
``blending`` (how a seed's residual enters the host), ``alpha`` (ramps), ``lifecycle`` (the state machine of a
slot), ``gates`` (conditions between stages).

Everything here is *stacked*: a module built for ``rows`` networks holds all of them side by side, activations are
``[B, rows·C, H, W]`` with the channels of one network together, and no layer mixes two networks.
"""
