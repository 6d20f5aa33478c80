"""A comparison as ``esper compare`` leaves it, made up: five arms, eight seeds, numbers that can be looked for."""

from typing import Any

import numpy as np

Row = dict[str, Any]
ARMS = {
    "A0": ("host alone", 6418, 0.72, 1.0e12),
    "A2": ("final network from scratch", 10106, 0.755, 1.5e12),
    "A4": ("host widened to equal parameters", 10050, 0.751, 1.5e12),
    "A6": ("random decisions at matched rates", 8200, 0.738, 1.4e12),
    "A7": ("heuristic", 10106, 0.762, 1.45e12),
}


def interval(value: float, half: float, n: int = 8) -> Row:
    return {"value": value, "low": value - half, "high": value + half, "n": n}


def arm(name: str) -> Row:
    what, params, acc, flops = ARMS[name]
    vs = {
        base: {"difference": interval(acc - ARMS[base][2], 0.012), "better": interval(0.8, 0.2)}
        for base in ("A0", "A7")
        if base != name
    }
    x = np.linspace(0.05, 1, 20)
    grows = name in ("A6", "A7")
    return {
        "arm": name, "what": what, "n": 8, "params": float(params), "epochs": 30.0, "acc": interval(acc, 0.009),
        "vs": vs, "flops": {"training": flops, "incubation": 0.0, "ablation": 0.0, "control": 0.0, "total": flops},
        "waste": 0.06 if grows else None, "planted": 1.4 if grows else 0.0, "pruned": 0.2, "kept": 1.1, "area": 0.6,
        "drop": 0.004, "precision": interval(0.875, 0.1) if name == "A7" else None,
        "curve": {"flops": (flops * x).tolist(), "val_acc": (acc * (1 - np.exp(-4 * x))).tolist()},
    }  # fmt: skip


def comparison() -> Row:
    rng = np.random.default_rng(3)
    rows = [
        {"arm": name, "seed": seed, "params": ARMS[name][1], "test_acc": float(ARMS[name][2] + 0.01 * rng.normal())}
        for name in ARMS
        for seed in range(8)
    ]
    fork = {"arm": "A7", "seed": 3, "slot": "r0c1", "blueprint": "CONV_LIGHT", "epoch": 16}
    return {
        "schema": 1, "preset": "quickstart", "seeds": 8, "arms": [arm(name) for name in ARMS], "rows": rows,
        "config": {"run": {"epochs": 30}, "data": {"name": "procedural", "image_size": 16, "train_images": 2000}},
        "tuning": {"sweep": {"0.05": [0.70, 0.71], "0.1": [0.73, 0.74], "0.2": [0.72, 0.70]}},
        "contrasts": [
            {"a": "A7", "b": name, "difference": interval(0.01, 0.02), "p": 0.0312, "p_holm": 0.0936}
            for name in ("A4", "A6")
        ],
        "regrets": {"A7": interval(0.25, 0.05)},
        "forks": [fork | {"gains": [0.02, 0.03, 0.01, 0.04], "paid": True}],
        "missing": {"A10": "not asked for"},
    }  # fmt: skip
