"""The found architecture trained from new weights, by the same engine and recipe as the run that found it.

All seeds are there from the first step at full strength, born as they are born in a run (their last layer at zero), so
that training differs in nothing but the time at which they came.
"""

from collections.abc import Callable, Sequence

from esper_tui.kasmina.alpha import Alpha
from esper_tui.kasmina.lifecycle import Seed
from esper_tui.kasmina.network import Network, Planted, fresh_weights
from esper_tui.leyline.choices import STYLES, Form
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.stages import Stage
from esper_tui.leyline.state import Instance
from esper_tui.runtime.build import Parts
from esper_tui.tolaria.engine import Engine
from esper_tui.tolaria.stack import count_params

STYLE_OF: dict[Form, str] = {style.form: name for name, style in reversed(STYLES.items())}


def scratch_config(config: RunConfig, planted: Sequence[Planted], rows: int, epochs: int | None = None) -> RunConfig:
    """The recipe for so many networks with these seeds: nobody decides, no control runs beside.

    Seeds need no warm-up of their own, because the host's begins at the same time.
    """
    document = config.model_dump(mode="json")
    document["run"] |= {"mode": "grow", "rounds": 1, "envs": rows, "epochs": epochs or config.run.epochs}
    slots = list(dict.fromkeys([*(p.slot for p in planted), *config.growth.slots]))
    document["growth"] |= {"slots": slots, "warmup_steps": 1}
    document["tamiyo"]["policy"] = "wait"
    document["ppo"]["clone_rounds"] = 0
    document["reward"]["control"] = "none"
    return RunConfig.model_validate(document)


def train_from_scratch(
    parts: Parts,
    instances: list[Instance],
    planted: Sequence[Planted],
    tick: Callable[[int], None] = lambda epoch: None,
) -> list[Network]:
    """One network per instance, trained for the whole episode; ``tick`` is told of every epoch that is over."""
    engine = parts.engine
    engine.reset(instances)
    for env in range(len(instances)):
        for seed in planted:
            plant_full(engine, env, seed)
    for epoch in range(1, engine.epochs + 1):
        engine.begin_epoch()
        engine.train_epoch(epoch)
        engine.end_epoch()
        tick(epoch)
    return [engine.deliver(env) for env in range(len(instances))]


def plant_full(engine: Engine, env: int, planted: Planted) -> None:
    """Puts a seed into an empty slot as if it had been committed already."""
    environment = engine.envs[env]
    index, slot = next((i, s) for i, s in enumerate(environment.slots) if s.name == planted.slot)
    kind = (planted.blueprint, planted.form)
    build = engine.shape.seed_build(index, kind)
    weight = fresh_weights(build(1), engine.generators.seed(environment.instance, 0, slot.name))
    chunk, row = engine.place(env)
    chunk.plant((row, index), kind, weight)
    chunk.graft((row, index))
    chunk.set_alpha((row, index), 1.0)
    environment.planted += 1
    slot.seed = Seed(environment.planted, *kind_names(planted), count_params(build), 1.0, 0, born=0)
    slot.stage, slot.alpha = Stage.FOSSILIZED, Alpha(1.0, 1.0, 1.0)


def kind_names(planted: Planted) -> tuple[str, str]:
    """Blueprint and a style of its form."""
    return planted.blueprint, STYLE_OF[planted.form]
