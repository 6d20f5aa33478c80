"""The folder of a comparison: what is finished is read back, everything is written whole or not at all."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from esper_tui.evidence.compare.plan import Plan
from esper_tui.evidence.compare.setting import Row
from esper_tui.leyline.comparison import MADE_FILE, PLAN_FILE, UNITS
from esper_tui.leyline.config import RunConfig
from esper_tui.leyline.errors import Busy, CannotWrite, Incompatible
from esper_tui.runtime.folder import made_with
from esper_tui.runtime.presets import differences
from esper_tui.runtime.runs import write_atomically


@dataclass(frozen=True)
class Store:
    """Finished units by name."""

    folder: Path

    @property
    def is_new(self) -> bool:
        return not (self.folder / PLAN_FILE).exists()

    def check(self, plan: Plan) -> None:
        """Raises ``Busy`` if the folder holds another comparison, ``CannotWrite`` if it holds anything else."""
        folder = self.folder
        if self.is_new and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise CannotWrite(f"{folder} holds other files; choose another --to")
        if not self.is_new and (differing := _differing(self.read(PLAN_FILE), plan)):
            raise Busy(
                f"{folder} holds another comparison (not the same: {', '.join(differing)}); repeat its command to go "
                "on with it, or choose another --to"
            )

    def create(self, plan: Plan) -> None:
        """Makes the folder of a plan, if it is not there yet.

        Raises:
            CannotWrite: if that is not possible.
        """
        try:
            (self.folder / UNITS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(f"cannot create {self.folder}: {error.strerror}; choose another --to") from None
        if self.is_new:
            self.write(PLAN_FILE, plan.document())

    def has(self, unit: str) -> bool:
        return self._path(unit).is_file()

    def unit(self, name: str, make: Callable[[], Any]) -> Any:
        """A finished unit, or what ``make`` gives, which is kept."""
        if not self.has(name):
            self.write(f"{UNITS}/{name}.json", make())
            self._note_origin()
        return self.read(f"{UNITS}/{name}.json")

    def rows(self, name: str, make: Callable[[], list[Row]]) -> list[Row]:
        return [Row(**row) for row in self.unit(name, lambda: [asdict(row) for row in make()])]

    def made(self) -> list[dict[str, Any]]:
        """What the units were made with (``made_with``): one entry per program, machine and command."""
        return self.read(MADE_FILE) if (self.folder / MADE_FILE).is_file() else []

    def _note_origin(self) -> None:
        made, own = self.made(), made_with()
        if own not in made:
            self.write(MADE_FILE, [*made, own])

    def _path(self, unit: str) -> Path:
        return self.folder / UNITS / f"{unit}.json"

    def write(self, name: str, document: Any) -> None:
        write_atomically(self.folder / name, json.dumps(document, indent=1).encode())

    def read(self, name: str) -> Any:
        """What a file holds.

        Raises:
            Incompatible: if it is damaged.
        """
        path = self.folder / name
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise Incompatible(f"{path} is damaged ({error}); delete it and repeat the command") from None


def _differing(stored: Any, plan: Plan) -> list[str]:
    """What a stored plan says otherwise: keys of the plan, settings as ``section.key``."""
    own, stored = plan.document(), stored if isinstance(stored, dict) else {}
    names = [key for key in own if key != "config" and stored.get(key) != own[key]]
    try:
        config = RunConfig.model_validate(stored.get("config"))
    except ValidationError:
        return [*names, "config"]
    return names + [key for key, _, _ in differences(config, plan.config)]
