"""What a pass costs, in multiply-accumulate operations per image.  Used to keep ablations cheap and to estimate."""

from collections.abc import Sequence

from esper_tui.kasmina.host import CnnSpec


def segment_costs(spec: CnnSpec, slots: tuple[str, ...]) -> list[float]:
    """Multiply-accumulates per image of every segment of the host, forward."""
    costs = [0.0]
    for i in range(spec.blocks):
        c_in = spec.width(i - 1) if i else spec.image_channels
        size = spec.size_after(min(i, spec.pools))
        costs[-1] += c_in * spec.width(i) * spec.kernel**2 * size**2
        for slot in (f"r0c{i}", f"r1c{i}"):
            if slot in slots and (slot[1] == "0" or i < spec.pools):
                costs.append(0.0)
    costs[-1] += spec.width(spec.blocks - 1) * spec.classes
    return costs


def sweep_cost(costs: Sequence[float], alphas: Sequence[tuple[bool, ...]]) -> float:
    """Cost per image of measuring variants together; each is on or off per slot, shared prefixes run once."""
    return sum(cost * len({a[:i] for a in alphas}) for i, cost in enumerate(costs))
