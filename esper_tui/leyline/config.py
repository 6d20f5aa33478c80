"""Every setting of a run: one section per class, one sentence per key.

The sentences are the help texts of the program; a preset, ``--set`` and the form in the terminal all use the
same spelling ``section.key``.
"""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from esper_tui.leyline.choices import TOPOLOGY_BLUEPRINTS, Decision, Head
from esper_tui.leyline.legality import LATE_FRAC

Count = Annotated[int, Field(ge=1, le=1_000_000)]
Frac = Annotated[float, Field(ge=0.0, le=1.0)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
MAX_SLOTS = 12
HOLD_WINDOW = 5
"""Measured epochs in the window a gain is averaged over; also the distance between two looks of G5."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class Run(Section):
    mode: Literal["grow", "learn"] = "grow"
    """grow: one round with a fixed policy, every environment beside its control; learn: many rounds, and Tamiyo
    learns between them."""
    rounds: Annotated[int, Field(ge=1, le=100_000)] = 1
    """learn: rounds, each the life of run.envs environments; grow has one."""
    instances: Annotated[int, Field(ge=1, le=10_000)] = 32
    """learn: size of the pool that instances are drawn from; the control of each is trained once and kept."""
    envs: Annotated[int, Field(ge=1, le=256)] = 8
    """Environments that grow side by side; controls are not counted."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 30
    """Epochs per episode; growth needs 22 as things are set here: 6 until a seed is planted, 11 from there to its first
    verdict, and the last fifth for the decay."""
    images_per_epoch: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """Training images per environment and epoch; 0 means all of data.train_images once."""
    seed: Seed = 1
    """Fixes every random number of the run."""


class Data(Section):
    name: Literal["procedural", "cifar10"] = "procedural"
    """procedural: figures made in the program; cifar10: real photographs, found in ESPER_DATA_DIR or fetched."""
    train_images: Annotated[int, Field(ge=16, le=1_000_000)] = 2000
    """Training images; for cifar10 at most 45,000, taken from the front of the training file."""
    val_images: Annotated[int, Field(ge=16, le=100_000)] = 1000
    """Validation images, half for gates and decisions, half for the verdict; for cifar10 at most 5,000."""
    test_images: Annotated[int, Field(ge=16, le=100_000)] = 4000
    """Test images that the receipt reports on; for cifar10 at most 10,000."""
    image_size: Literal[8, 16, 32] = 16
    """Height and width in pixels; cifar10 is averaged down from 32."""
    augment: Literal["none", "flip", "flip+shift"] = "flip+shift"
    """none, horizontal flips, or flips and shifts by up to an eighth of the image."""


class Host(Section):
    blocks: Annotated[int, Field(ge=2, le=8)] = 3
    """Convolution blocks; every block doubles the channels."""
    channels: Annotated[int, Field(ge=1, le=128)] = 8
    """Channels of the first block."""
    kernel: Literal[1, 3, 5] = 3
    """Kernel size of the blocks; 1 makes the host blind to spatial context."""
    pools: Annotated[int, Field(ge=0, le=8)] = 3
    """The first blocks, this many, are followed by a 2x2 maximum pool."""

    @model_validator(mode="after")
    def _check(self) -> "Host":
        if self.pools > self.blocks:
            raise ValueError(f"pools: {self.pools} is more than host.blocks = {self.blocks}")
        return self


class Growth(Section):
    slots: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_SLOTS)] = ("r0c0", "r0c1", "r0c2")
    """Slots by id: r0c<i> before the pool of block i, r1c<i> after it."""
    seed_limit: Annotated[int, Field(ge=0, le=MAX_SLOTS)] = 0
    """Most seeds alive or fossilised at once in an environment; 0 means one per slot."""
    parameter_budget: Annotated[int, Field(ge=0, le=10**9)] = 0
    """Most parameters of all seeds of an environment; 0 means ten times the host."""
    concurrent: Annotated[int, Field(ge=1, le=MAX_SLOTS)] = 1
    """Seeds that may develop at the same time in an environment."""
    blueprints: Annotated[tuple[str, ...], Field(min_length=1)] = TOPOLOGY_BLUEPRINTS["cnn"]
    """Blueprints that may be planted."""
    incubate_epochs: Annotated[int, Field(ge=0, le=100)] = 1
    """Epochs a seed learns in the shadow pass before it may blend in; 0 leaves that pass out."""
    seed_lr: Annotated[float, Field(gt=0.0, le=100.0)] = 1.0
    """Learning rate of seeds as a multiple of the host's."""
    warmup_steps: Annotated[int, Field(ge=1, le=100_000)] = 50
    """Steps over which a new seed's learning rate rises to its full value."""

    @model_validator(mode="after")
    def _check(self) -> "Growth":
        known = TOPOLOGY_BLUEPRINTS["cnn"]
        if unknown := [b for b in self.blueprints if b not in known]:
            raise ValueError(f"blueprints: {', '.join(unknown)} is not one of {', '.join(known)}")
        if len(set(self.slots)) != len(self.slots):
            raise ValueError("slots: a slot is named twice")
        return self


class Gates(Section):
    min_gain: Annotated[float, Field(ge=0.0, le=1.0)] = 0.005
    """Least gain worth a commitment, in units of ln(classes)."""
    hold_epochs: Annotated[int, Field(ge=HOLD_WINDOW, le=1000)] = 20
    """Epochs in HOLDING after which the slot prunes its seed by itself."""
    auto_forward: tuple[Literal["G1", "G2", "G3"], ...] = ()
    """Gates that a slot passes by itself, without a decision; G5 cannot be listed."""


class Optim(Section):
    name: Literal["sgd", "adamw"] = "sgd"
    """Optimiser of hosts and seeds."""
    lr: Annotated[float, Field(gt=0.0, le=10.0)] = 0.1
    """Peak learning rate of the host."""
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    """Momentum of sgd; adamw uses it as its first beta."""
    weight_decay: Annotated[float, Field(ge=0.0, le=1.0)] = 5e-4
    """Weight decay; not applied to norms, biases and zero-initialised layers of seeds."""
    batch: Annotated[int, Field(ge=2, le=8192)] = 128
    """Images per step and environment."""
    clip: Annotated[float, Field(ge=0.0, le=1e6)] = 5.0
    """Largest gradient norm per network, host and seed apart; 0 turns clipping off."""
    warmup_frac: Frac = 0.05
    """Share of the episode over which the learning rate rises."""
    decay_frac: Frac = LATE_FRAC
    """Share of the episode at its end over which the learning rate falls to 0."""


class Engine(Section):
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    """auto takes the first CUDA device that works, else the CPU."""
    chunk: Annotated[int, Field(ge=0, le=512)] = 0
    """Networks stacked into one; 0 lets a short probe decide."""
    threads: Annotated[int, Field(ge=0, le=512)] = 0
    """Chunks trained at the same time on a CPU; 0 lets the probe decide."""
    memory_format: Literal["auto", "channels_last", "contiguous"] = "auto"
    """Layout of activations; auto is channels_last on a CPU and contiguous on a GPU."""
    dtype: Literal["float32", "float64"] = "float32"
    """float64 is the reference of the tests."""
    deterministic: bool = False
    """Ask CUDA for kernels that give the same bits in every run, so that a resumed run ends as one that never stopped;
    slower. A CPU needs no asking."""


class ScheduledDecision(Section):
    epoch: Count
    """Epoch at whose boundary the decision is due; it waits until it is legal."""
    decision: dict[str, str]
    """Heads by name, for example {op = "GERMINATE", slot = "r0c1", ...}."""

    @model_validator(mode="after")
    def _check(self) -> "ScheduledDecision":
        if unknown := [name for name in self.decision if name not in tuple(Head)]:
            raise ValueError(f"decision: {', '.join(unknown)} is not one of {', '.join(Head)}")
        try:
            Decision.from_named(self.decision)
        except KeyError as error:
            raise ValueError(f"decision: unknown or missing op {error}") from None
        return self


SCRIPTED = ("wait", "manual", "random", "schedule", "heuristic")
"""Policies that are not learned."""


class Tamiyo(Section):
    policy: Annotated[str, Field(min_length=1, max_length=500)] = "heuristic"
    """Who decides: wait, manual (a person, else wait), random, schedule, heuristic, ppo (a new network, which learns)
    or the name or path of a policy file; `esper policies list` shows the files."""
    stall_gain: Annotated[float, Field(ge=0.0, le=1.0)] = 0.01
    """heuristic: a host that improved by less than this times ln(classes) over 3 epochs has stalled."""
    germinate_by: Count = 6
    """heuristic: from this epoch on seeds are planted even if the host still improves."""
    rotation: Annotated[tuple[str, ...], Field(min_length=1)] = ("CONV_LIGHT", "CONV_HEAVY")
    """heuristic: blueprints tried first, every environment starting at another place; then the others."""
    slot_order: tuple[str, ...] = ()
    """heuristic: slots in the order of preference; empty means the order of growth.slots."""
    style: Literal["LINEAR_ADD", "LINEAR_MULTIPLY", "SIGMOID_ADD", "GATED"] = "LINEAR_ADD"
    """heuristic: how seeds are blended in."""
    tempo: Literal["FAST", "STANDARD", "SLOW"] = "FAST"
    """heuristic: length of the first alpha ramp."""
    germination_rate: Frac = 0.3
    """random: probability of planting when it is legal."""
    prune_rate: Frac = 0.03
    """random: probability of pruning when it is legal."""
    schedule: tuple[ScheduledDecision, ...] = ()
    """schedule: decisions that every environment follows."""


class Ppo(Section):
    lr: Annotated[float, Field(gt=0.0, le=1.0)] = 3e-3
    """Learning rate of Tamiyo; falls linearly to 0 over the run."""
    episodes: Annotated[int, Field(ge=1, le=100_000)] = 16
    """Least whole episodes per update; several rounds where run.envs is smaller."""
    epochs: Annotated[int, Field(ge=1, le=100)] = 6
    """Most passes over the episodes of an update."""
    minibatches: Annotated[int, Field(ge=1, le=1000)] = 4
    """Parts, of whole episodes, that a pass is cut into."""
    clip: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.2
    """How far the joint ratio of a decision may move from 1 before its gradient is cut."""
    stop_kl: Annotated[float, Field(gt=0.0, le=10.0)] = 0.03
    """An update ends early once the policy has moved this far, in nats per decision."""
    lam: Frac = 0.95
    """λ of the advantage estimates; γ is 1."""
    advantage_floor: Annotated[float, Field(gt=0.0, le=100.0)] = 0.1
    """Least deviation that advantages are divided by, in units of the reward."""
    entropy: Annotated[float, Field(ge=0.0, le=10.0)] = 0.03
    """Weight of the entropy of each head, as a share of its maximum; falls linearly to 0 over the run."""
    value: Annotated[float, Field(ge=0.0, le=100.0)] = 0.5
    """Weight of the value loss."""
    grad_clip: Annotated[float, Field(gt=0.0, le=1e6)] = 0.5
    """Largest gradient norm of an update's step."""
    epsilon: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.02
    """Exploration at the start: this share of uniform choices is mixed in; a quarter of it for the operation."""
    epsilon_frac: Annotated[float, Field(gt=0.0, le=1.0)] = 0.6
    """Share of the run over which exploration falls to 0."""
    width: Annotated[int, Field(ge=4, le=4096)] = 128
    """Width of the network that remembers the episode."""
    slot_width: Annotated[int, Field(ge=4, le=4096)] = 64
    """Width of the encoding of a slot."""
    clone_rounds: Annotated[int, Field(ge=0, le=100_000)] = 0
    """First rounds in which the heuristic decides and Tamiyo imitates it."""
    save_every: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Updates between two saved policies; the best one and the last are saved too."""


class Reward(Section):
    control: Literal["twin", "none"] = "twin"
    """twin measures gain against a never-grown copy; none halves the cost and can only speak of dependence."""
    mode: Literal["economy", "shaped", "simplified", "basic", "basic_plus", "sparse", "minimal", "escrow", "loss"] = (
        "economy"
    )
    """economy: change of gain minus rent and compute; the others are for comparison (`simic.rewards`)."""
    kappa: Annotated[float, Field(gt=0.0, le=1e6)] = 50.0
    """Reward of a gain of ln(classes)."""
    rho: Annotated[float, Field(ge=0.0, le=100.0)] = 0.01
    """Rent: times ln(1 + parameters of seeds / of the host)."""
    compute: Annotated[float, Field(ge=0.0, le=100.0)] = 0.005
    """economy: cost of training seeds through a whole episode, as large as the host."""
    stage: Annotated[float, Field(ge=0.0, le=1e3)] = 0.1
    """shaped, simplified: weight of the stage potential, which sums to 0 over an episode."""
    shock: Annotated[float, Field(ge=0.0, le=1e3)] = 0.2
    """shaped: weight of abrupt changes of alpha."""
    occupancy: Annotated[float, Field(ge=0.0, le=1e3)] = 0.01
    """shaped: cost per epoch of every living seed beyond the first."""
    warning: Annotated[float, Field(ge=0.0, le=1e3)] = 0.05
    """shaped: cost per epoch of a seed that has been in HOLDING for more than 10 epochs."""
    action: Annotated[float, Field(ge=0.0, le=1e3)] = 0.01
    """shaped, simplified, escrow: cost of a decision other than WAIT."""
    early_prune: Annotated[float, Field(ge=0.0, le=1e3)] = 0.5
    """minimal: cost of pruning a seed younger than 10 epochs."""
    drip: Frac = 0.7
    """basic_plus: share of the commitment bonus that is paid later, by what the seed still contributes."""


class Override(Section):
    learn: Literal["mask", "taint", "imitate"] = "mask"
    """What Tamiyo learns from a person's decision: nothing (mask), nothing of the rest of that episode either (taint),
    or to decide like the person (imitate)."""


class Telemetry(Section):
    decisions: Literal["acted", "full"] = "acted"
    """acted records decisions other than WAIT in full; full records every one."""


class Governor(Section):
    max_rollbacks: Annotated[int, Field(ge=0, le=1000)] = 3
    """Times an environment is put back after it went wrong; then it waits until its episode ends."""


class Checkpoint(Section):
    every_epochs: Annotated[int, Field(ge=0, le=1_000_000)] = 5
    """Epochs between two checkpoints; 0 leaves them to every_minutes, signals and commands."""
    every_minutes: Annotated[float, Field(ge=0.0, le=10_000.0)] = 10.0
    """Minutes after which the next boundary takes one anyway; 0 leaves them to every_epochs."""
    keep: Annotated[int, Field(ge=1, le=1000)] = 3
    """Newest checkpoints that stay on the disk; the one with the lowest validation loss stays as well."""
    grace_s: Annotated[float, Field(ge=0.0, le=3600.0)] = 20.0
    """Seconds that SIGTERM leaves for the epoch to end; then the run leaves with its newest checkpoint."""


class RunConfig(Section):
    """A whole configuration.  Frozen; cross-section conditions are checked here."""

    run: Run = Run()
    data: Data = Data()
    host: Host = Host()
    growth: Growth = Growth()
    gates: Gates = Gates()
    optim: Optim = Optim()
    engine: Engine = Engine()
    tamiyo: Tamiyo = Tamiyo()
    ppo: Ppo = Ppo()
    reward: Reward = Reward()
    override: Override = Override()
    governor: Governor = Governor()
    telemetry: Telemetry = Telemetry()
    checkpoint: Checkpoint = Checkpoint()

    @model_validator(mode="after")
    def _check(self) -> "RunConfig":
        problems = list(self._problems())
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _problems(self):
        smallest = self.data.image_size >> self.host.pools
        if smallest < 1:
            yield f"host.pools: {self.host.pools} pools leave nothing of {self.data.image_size} pixels"
        known = [f"r0c{i}" for i in range(self.host.blocks)] + [f"r1c{i}" for i in range(self.host.pools)]
        if unknown := [s for s in self.growth.slots if s not in known]:
            yield f"growth.slots: {', '.join(unknown)} is not one of {', '.join(known)}"
        if unknown := [s for s in self.tamiyo.slot_order if s not in self.growth.slots]:
            yield f"tamiyo.slot_order: {', '.join(unknown)} is not in growth.slots"
        if unknown := [b for b in self.tamiyo.rotation if b not in self.growth.blueprints]:
            yield f"tamiyo.rotation: {', '.join(unknown)} is not in growth.blueprints"
        planned = [Decision.from_named(step.decision) for step in self.tamiyo.schedule]
        if unknown := [d.slot for d in planned if d.slot is not None and d.slot not in self.growth.slots]:
            yield f"tamiyo.schedule: {', '.join(unknown)} is not in growth.slots"
        if unknown := [b for d in planned if (b := d.blueprint) is not None and b not in self.growth.blueprints]:
            yield f"tamiyo.schedule: {', '.join(unknown)} is not in growth.blueprints"
        yield from self._mode_problems()
        if self.optim.warmup_frac + self.optim.decay_frac > 1.0:
            yield "optim.warmup_frac: together with optim.decay_frac it is more than the whole episode"
        if self.images_per_epoch < self.optim.batch:
            yield f"optim.batch: {self.optim.batch} is more than the {self.images_per_epoch} images of an epoch"
        if self.data.name == "cifar10":
            limits = {"train_images": 45_000, "val_images": 5_000, "test_images": 10_000}
            for key, most in limits.items():
                if getattr(self.data, key) > most:
                    yield f"data.{key}: {getattr(self.data, key)} is more than the {most} of cifar10"

    def _mode_problems(self):
        learning = self.run.mode == "learn"
        if learning and self.tamiyo.policy in SCRIPTED:
            yield f"tamiyo.policy: {self.tamiyo.policy} cannot learn; run.mode = learn needs ppo or a policy file"
        if not learning and self.tamiyo.policy == "ppo":
            yield "tamiyo.policy: ppo is a new network; run.mode = grow needs a policy that exists, for example a file"
        if not learning and self.run.rounds > 1:
            yield f"run.rounds: {self.run.rounds} rounds need run.mode = learn; a grow run has one"
        if learning and self.reward.control != "twin":
            yield "reward.control: run.mode = learn needs twin, its rewards compare with controls"
        if learning and self.run.instances < self.run.envs:
            yield f"run.instances: a pool of {self.run.instances} cannot serve {self.run.envs} environments"
        if self.ppo.clone_rounds > self.run.rounds:
            yield f"ppo.clone_rounds: {self.ppo.clone_rounds} is more than the {self.run.rounds} rounds"

    @property
    def images_per_epoch(self) -> int:
        return self.run.images_per_epoch or self.data.train_images

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self.images_per_epoch / self.optim.batch)

    @property
    def classes(self) -> int:
        return 10

    @property
    def rows(self) -> int:
        """Networks that train side by side; controls run beside in grow mode, before the rounds in learn mode."""
        return self.run.envs * (2 if self.twins else 1)

    @property
    def twins(self) -> bool:
        """Whether a control runs beside every environment."""
        return self.reward.control == "twin" and self.run.mode == "grow"

    @property
    def last_germination(self) -> int:
        """Last epoch at whose boundary a seed can be planted and still be judged before the decay ends."""
        shortest_life = 1 + self.growth.incubate_epochs + 3 + 1 + HOLD_WINDOW
        return self.run.epochs - math.ceil(LATE_FRAC * self.run.epochs) - shortest_life


def sections() -> dict[str, type[Section]]:
    """Section name → its class, in the order in which they are shown."""
    return {name: field.annotation for name, field in RunConfig.model_fields.items()}  # type: ignore[misc]
