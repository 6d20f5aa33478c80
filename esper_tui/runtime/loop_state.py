"""Everything a loop knows at a boundary, as tensors and one plain document, and back.

Random numbers are keyed by what they belong to, so no generator has a state.
"""

from typing import Any

from esper_tui.kasmina.network import Network
from esper_tui.leyline.choices import Decision, Form, Op
from esper_tui.leyline.errors import Incompatible
from esper_tui.leyline.events import InterventionChanged
from esper_tui.leyline.interventions import Fate, Intervention
from esper_tui.leyline.stages import Stage
from esper_tui.leyline.state import EnvSignals, Estimate, Instance, SeedSignals, Verdict
from esper_tui.runtime.governing import Guard
from esper_tui.runtime.instances import Control, Instances
from esper_tui.runtime.learn import Learner
from esper_tui.runtime.loop import Loop
from esper_tui.runtime.overrides import Entry
from esper_tui.runtime.plain import Packer, Tensors, Unpacker
from esper_tui.runtime.policy_file import load_optimiser, optimiser_tensors
from esper_tui.runtime.scoring import Scorebook
from esper_tui.simic.buffer import Rollout, Step
from esper_tui.simic.ledger import Half, Ledger
from esper_tui.simic.rewards import Moment, RewardLedger, SeedFacts, Transition
from esper_tui.tamiyo.heuristic import Memory
from esper_tui.tolaria.engine import Measured
from esper_tui.tolaria.governor import Kept, Watch
from esper_tui.tolaria.snapshot import capture_engine, restore_engine

CLASSES = (
    Decision, EnvSignals, Entry, Estimate, Fate, Form, Guard, Half, Instance, Intervention, InterventionChanged, Kept,
    Ledger, Measured, Memory, Moment, Op, RewardLedger, Rollout, Scorebook, SeedFacts, SeedSignals, Stage, Step,
    Transition, Verdict, Watch,
)  # fmt: skip
"""What a checkpoint may hold."""

LOOP = ("round", "instances", "ledgers", "policy_state", "healthy", "waits", "counts", "signals")
ABLATIONS = ("trained", "spent", "players")
ALERTS = ("seen", "unseen", "raised", "best")
OVERRIDES = ("entries", "over", "untold", "last", "round")
LEARNER = ("progress", "pending", "tainted", "teaching")

ENGINE = "engine/"


def capture_loop(loop: Loop) -> tuple[Tensors, dict[str, Any]]:
    """Copies: the loop may go on while they are written."""
    packer = Packer(CLASSES)
    tensors, engine = capture_engine(loop.engine)
    state = {
        "loop": _read(loop, LOOP),
        "ablations": _read(loop.ablations, ABLATIONS),
        "books": loop.scoring.books,
        "guards": loop.governor.guards,
        "alerts": _read(loop.alerts, ALERTS),
        "overrides": _read(loop.boundary.overrides, OVERRIDES),
        "controls": _controls(loop.parts.instances),
        "learner": _learner(loop.learner) if isinstance(loop.learner, Learner) else None,
    }
    document = {"engine": engine, "state": packer.pack(state)}
    return {ENGINE + name: t for name, t in tensors.items()} | packer.tensors, document


def restore_loop(loop: Loop, tensors: Tensors, document: dict[str, Any]) -> None:
    """Puts a captured state into a new loop of the same configuration.

    Raises:
        Incompatible: if it is the state of another configuration or of another program.
    """
    try:
        _restore(loop, tensors, document)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise Incompatible(f"the checkpoint is not of this program ({reason}); use the esper that wrote it") from error


def _restore(loop: Loop, tensors: Tensors, document: dict[str, Any]) -> None:
    state = Unpacker(CLASSES, tensors).unpack(document["state"])
    _restore_controls(loop.parts.instances, state["controls"])
    loop.round, loop.instances = state["loop"]["round"], state["loop"]["instances"]
    loop.begin_round()
    engine = {name.removeprefix(ENGINE): t for name, t in tensors.items() if name.startswith(ENGINE)}
    restore_engine(loop.engine, engine, document["engine"])
    if isinstance(loop.learner, Learner):
        _restore_learner(loop.learner, state["learner"])
    _write(loop, state["loop"])
    loop.ablations.ledgers = loop.ledgers
    _write(loop.ablations, state["ablations"])
    loop.scoring.books = state["books"]
    loop.governor.guards = state["guards"]
    _write(loop.alerts, state["alerts"])
    _write(loop.boundary.overrides, state["overrides"])


def _read(owner: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(owner, name) for name in names}


def _write(owner: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(owner, name, value)


# --- learning ------------------------------------------------------------------------------------------------------


def _controls(instances: Instances) -> dict[str, Any]:
    kept = {
        instance: {
            "epochs": control.epochs,
            "network": control.network.document() if control.network is not None else None,
            "weights": dict(control.network.state_dict()) if control.network is not None else {},
        }
        for instance, control in instances.controls.items()
    }
    return {"kept": kept, "voided": instances.voided}


def _restore_controls(instances: Instances, state: dict[str, Any]) -> None:
    instances.voided = state["voided"]
    for instance, saved in state["kept"].items():
        network = None
        if saved["network"] is not None:
            network = Network.from_document(saved["network"])
            network.load_state_dict(saved["weights"])
        instances.controls[instance] = Control(saved["epochs"], network)


def _learner(learner: Learner) -> dict[str, Any]:
    return _read(learner, LEARNER) | {
        "steps": learner.episodes.steps,
        "scale": [learner.scale.deviation, learner.scale.count],
        "weights": dict(learner.network.state_dict()),
        "optimiser": optimiser_tensors(learner.ppo.optimiser),
        "alerts": _read(learner.alerts, ALERTS),
        "exploration": [learner.learned.epsilon, learner.learned.value_scale],
    }


def _restore_learner(learner: Learner, state: dict[str, Any]) -> None:
    _write(learner, {name: state[name] for name in LEARNER})
    learner.policy = learner.teacher if learner.teaching else learner.learned
    learner.episodes.steps = state["steps"]
    learner.scale.deviation, learner.scale.count = state["scale"]
    learner.network.load_state_dict(state["weights"])
    load_optimiser(learner.ppo.optimiser, state["optimiser"])
    _write(learner.alerts, state["alerts"])
    learner.learned.epsilon, learner.learned.value_scale = state["exploration"]
