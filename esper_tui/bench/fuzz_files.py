"""Everything the program reads from files, as doors that a broken input is pushed through."""

import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomli_w
from torch import Tensor

from esper_tui.bench.mutations import Rng, broken, broken_lines, mangled
from esper_tui.bench.tiny_runs import TINY
from esper_tui.karn.read import read_run, read_run_file
from esper_tui.karn.replay import Player
from esper_tui.karn.tail import Tail
from esper_tui.leyline.folder import LOCK_FILE, RUN_FILE, events_file
from esper_tui.runtime.artefacts import KIND as NETWORK
from esper_tui.runtime.artefacts import best_artefact, load_network
from esper_tui.runtime.build import build_parts
from esper_tui.runtime.checkpoints import KIND as CHECKPOINT
from esper_tui.runtime.checkpoints import checkpoint_files, newest_checkpoint
from esper_tui.runtime.checkup import check_run
from esper_tui.runtime.lock import holder, socket_of
from esper_tui.runtime.loop import Loop
from esper_tui.runtime.loop_state import restore_loop
from esper_tui.runtime.policy_file import KIND as POLICY
from esper_tui.runtime.policy_file import PolicyFile, describe_policy, load_policy
from esper_tui.runtime.presets import resolve
from esper_tui.runtime.receipt import receipt
from esper_tui.runtime.rerun import load_recording, script_of
from esper_tui.runtime.resume import later_interventions
from esper_tui.runtime.run_info import describe_run
from esper_tui.runtime.runs import tag_run
from esper_tui.runtime.statefile import load_state, save_state
from esper_tui.runtime.unwatched import Unwatched
from esper_tui.runtime.watch import WatchSession
from esper_tui.sanctum.settings import load_settings
from esper_tui.tamiyo.network import Network, Sizes

Door = Callable[[Rng], None]
"""Makes a broken input and pushes it through; an ``EsperError`` says that it was refused."""
PRESETS = [text.encode() for text in TINY.values()]
SETTINGS = b'theme = "mono"\nhz = 2.0\nmouse = false\non_hangup = "headless"\n[keys]\npause = "p,space"\n'


class Doors:
    """The doors of one run folder.

    Args:
        run: a run that ended, with a checkpoint.
        work: an empty folder; the broken files are made here.
    """

    def __init__(self, run: Path, work: Path):
        self.work, self.folder = work, work / "run"
        shutil.copytree(run, self.folder)
        self.log, self.run_file = events_file(self.folder, 0), self.folder / RUN_FILE
        self.lines = self.log.read_bytes().splitlines(keepends=True)
        self.run_text, self.lock = self.run_file.read_bytes(), _lock_text()
        self.checkpoint = checkpoint_files(self.folder)[0][1]
        for _, path in checkpoint_files(self.folder)[1:]:
            path.unlink()
        self.network, self.policy = work / "network.safetensors", work / "policy.safetensors"
        best = best_artefact(self.folder)
        assert best is not None
        shutil.copy(best, self.network)
        PolicyFile(Sizes(16, 8), dict(Network(Sizes(16, 8)).state_dict())).save(self.policy)
        self.states = {
            path: (path.read_bytes(), kind, *_loaded(path, kind))
            for path, kind in ((self.network, NETWORK), (self.policy, POLICY), (self.checkpoint, CHECKPOINT))
        }
        self.loop = self._loop()

    def _loop(self) -> Loop:
        recording = load_recording(self.folder)
        parts = build_parts(recording.resolved.config, choice=recording.choice)
        return Loop(parts, lambda event: None, lambda sync=False: None, Unwatched())

    def all(self) -> dict[str, tuple[int, Door]]:
        """Name → (share, door)."""
        return {
            "network files": (16, self.networks), "policy files": (12, self.policies),
            "checkpoints": (10, self.checkpoints), "signed checkpoints": (4, self.signed_checkpoints),
            "presets": (20, self.presets), "settings": (6, self.settings),
            "run.toml": (6, self.run_files), "lock.json": (6, self.locks), "event logs": (20, self.logs),
        }  # fmt: skip

    # --- state files -------------------------------------------------------------------------------------------

    def _state(self, path: Path, rng: Rng) -> None:
        """Breaks a state file as bytes, or its document under a checksum that fits."""
        data, kind, tensors, document = self.states[path]
        if rng.random() < 0.6:
            path.write_bytes(broken(data, rng))
        else:
            _save(path, kind, tensors, mangled(document, rng))

    def networks(self, rng: Rng) -> None:
        self._state(self.network, rng)
        load_network(self.network)

    def policies(self, rng: Rng) -> None:
        self._state(self.policy, rng)
        describe_policy(self.policy)
        load_policy(self.policy)

    def checkpoints(self, rng: Rng) -> None:
        self.checkpoint.write_bytes(broken(self.states[self.checkpoint][0], rng))
        newest_checkpoint(self.folder)

    def signed_checkpoints(self, rng: Rng) -> None:
        _, _, tensors, document = self.states[self.checkpoint]
        restore_loop(self.loop, dict(tensors), mangled(document, rng))

    # --- text --------------------------------------------------------------------------------------------------

    def presets(self, rng: Rng) -> None:
        path = self.work / "broken.toml"
        path.write_bytes(_broken_toml(rng.choice(PRESETS), rng))
        resolve(str(path))

    def settings(self, rng: Rng) -> None:
        path = self.work / "settings.toml"
        path.write_bytes(_broken_toml(SETTINGS, rng))
        load_settings(path)

    def run_files(self, rng: Rng) -> None:
        self.run_file.write_bytes(_broken_toml(self.run_text, rng))
        try:
            read_run_file(self.folder)
            describe_run(self.folder)
            tag_run(self.folder, ["x"], [])
            load_recording(self.folder)
        finally:
            self.run_file.write_bytes(self.run_text)

    def locks(self, rng: Rng) -> None:
        path = self.folder / LOCK_FILE
        text = json.dumps(mangled(self.lock, rng)).encode() if rng.random() < 0.5 else b""
        path.write_bytes(text or broken(json.dumps(self.lock).encode(), rng))
        try:
            describe_run(self.folder)
            holder(self.folder)
            socket_of(self.folder)
        finally:
            path.unlink()

    # --- logs --------------------------------------------------------------------------------------------------

    def logs(self, rng: Rng) -> None:
        """Whoever reads a log: the receipt, the check-up, replay, watch, tail, repetition and resumption."""
        self.log.write_bytes(broken_lines(self.lines, rng))
        readers: tuple[Callable[[], Any], ...] = (
            lambda: receipt(read_run(self.folder), self.folder),
            lambda: check_run(self.folder),
            lambda: describe_run(self.folder),
            lambda: Player.open(self.folder).seek(3),
            lambda: Tail(self.folder).catch_up(),
            self._watch,
            lambda: script_of(load_recording(self.folder).events),
            lambda: later_interventions(self.folder, 5, 0),
        )
        rng.choice(readers)()

    def _watch(self) -> None:
        session = WatchSession(self.folder)
        session.poll()
        session.progress()


def _loaded(path: Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Copies: what is loaded may be mapped from the file, which is overwritten here."""
    tensors, document = load_state(path, kind)
    return {name: tensor.clone() for name, tensor in tensors.items()}, document


def _save(path: Path, kind: str, tensors: dict[str, Any], document: Any) -> None:
    try:
        save_state(path, kind, tensors, document)
    except UnicodeEncodeError:  # half a character cannot be written
        save_state(path, kind, tensors, {})


def _broken_toml(text: bytes, rng: Rng) -> bytes:
    if rng.random() < 0.5:
        return broken(text, rng)
    try:
        return tomli_w.dumps(mangled(tomllib.loads(text.decode()), rng)).encode()
    except (TypeError, ValueError, AttributeError, RecursionError):  # what TOML has no form for
        return broken(text, rng)


def _lock_text() -> dict[str, Any]:
    return {"host": "elsewhere", "pid": 4711, "started": 1.7e9, "heartbeat": 1.7e9, "socket": "/nowhere/x.sock"}
