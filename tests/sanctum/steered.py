"""A session without a loop whose overrides are the real ones: queued, guarded, waiting, refused as in a run."""

from typing import Any

from fake import RUN_PATH, FakeSession, Row, looking

from esper_tui.karn.record import RunRecord, reduce
from esper_tui.karn.view import env_legality, env_state
from esper_tui.leyline.choices import Decision, Op
from esper_tui.leyline.events import DecisionTaken, Event, LookTaken, to_record
from esper_tui.leyline.session import Ack, Breakpoint, Cancel, Command, Look, Override, Role
from esper_tui.runtime.overrides import Overrides, problem_with
from esper_tui.runtime.telling import closed

ADVANCE = Decision(op=Op.ADVANCE, slot="r0c1")
PRUNE = Decision(op=Op.PRUNE, slot="r0c1", alpha_speed="FAST", alpha_curve="LINEAR")


class SteeredSession(FakeSession):
    """Releases recorded events; what people ask for applies at its boundaries.

    Decisions of people are told as events, but what they would have changed in the recording is not played.
    """

    def __init__(self, events: list[Row], role: Role = "control"):
        super().__init__(events, role, RUN_PATH)
        self.record, self.overrides, self.seq = RunRecord(), Overrides(self.tell), 10**6
        self.reserved: dict[int, int] = {}

    def tell(self, event: Event) -> None:
        self.seq += 1
        self.tell_row(to_record(event, self.seq, 1.0))

    def tell_row(self, row: Row) -> None:
        reduce(self.record, row)
        self.out.append(row)

    def release(self, count: int = 10**9) -> None:
        for event in list(self.waiting)[:count]:
            reduce(self.record, event)
            super().release(1)

    def decide(self) -> None:
        """What the loop does once a boundary is over: people's decisions of this boundary."""
        epoch, envs = self.now.epoch, range(len(self.record.round.instances))
        views, legal = [env_state(self.record, e) for e in envs], [env_legality(self.record, e) for e in envs]
        for env, chosen in self.overrides.choose(epoch, views, legal, [True for _ in envs]).items():
            self.tell(DecisionTaken(
                round=0, epoch=epoch, env=env, decision=chosen.decision.named(), by="human", trace=[],
                intended={"op": "WAIT"}, intervention=chosen.intervention,
                agreed=chosen.decision.named() == {"op": "WAIT"}, closed=closed(legal[env]),
            ))  # fmt: skip

    def replant(self, env: int, slot: str, seed: int) -> None:
        """Another seed sits in the slot from now on."""
        place = (env, slot)
        self.record.round.seeds[place] = self.record.round.seeds[place] | {"seed": seed}

    def submit(self, command: Command) -> int:
        if isinstance(command, Override) and self.now.state != "ended":
            return self._take_in(command)
        return super().submit(command)

    def _take_in(self, command: Override) -> int:
        """As a run does it: what makes no sense is refused at once, the rest has its number from the start."""
        reason = problem_with(command, len(self.record.round.instances), self.record.round.slots)
        if reason:
            number = next(self.ids)
            self.commands.append(command)
            self.acks.append(Ack(number, "rejected", reason=reason))
            return number
        reserved = self.reserved[id(command)] = self.overrides.reserve()
        number = super().submit(command)
        place = next(i for i, ack in enumerate(self.acks) if ack.id == number)
        self.acks[place] = Ack(number, "accepted", intervention=reserved)
        return number

    def _boundary(self) -> None:
        super()._boundary()
        self.overrides.publish()

    def _apply(self, number: int, command: Command) -> Ack:
        epoch = self.now.epoch
        if isinstance(command, Override):
            asked = self.overrides.queue(epoch, command, self.reserved.pop(id(command)))
            return Ack(number, "applied", epoch, intervention=asked)
        if isinstance(command, Cancel):
            return Ack(number, *self.overrides.cancel(epoch, command.intervention))
        if isinstance(command, Look):
            self.tell(LookTaken(round=0, epoch=epoch, env=command.env, shapley=look_row(command.env)))
            return Ack(number, "applied", epoch)
        if isinstance(command, Breakpoint):
            return Ack(number, "applied", epoch)
        return super()._apply(number, command)


def look_row(env: int) -> dict[str, Any]:
    """Two seeds that get in each other's way."""
    return {
        "env": env, "values": {"r0c1": [0.3, 0.01], "r0c0": [0.1, 0.01]}, "pairs": [["r0c0", "r0c1", -0.09, 0.02]],
        "subsets": [[[], 1.4], [["r0c1"], 1.1], [["r0c0"], 1.2], [["r0c0", "r0c1"], 1.0]],
    }  # fmt: skip


async def dialog(app, pilot, *keys):
    """The override dialog of env 0 r0c1, with some keys pressed."""
    app.author = lambda: "ann@box"
    app.frame()
    app.select(0, "r0c1")
    return await looking(app, pilot, "o", *keys)
