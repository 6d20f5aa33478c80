"""Lets other processes of the same user watch and steer a run over a Unix socket.  Imports no torch.

One daemon thread serves everyone without ever waiting for a client: what a client does not take in time is dropped
with the client.  The first client that sends a command holds the lease; the others only look.
"""

import contextlib
import hashlib
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from esper_tui.leyline.errors import EsperError
from esper_tui.leyline.session import Ack, Command, Progress, Visitors
from esper_tui.leyline.wire import (
    MAX_MESSAGE,
    VERSION,
    BadMessage,
    ack_document,
    decode,
    encode,
    load_command,
    progress_document,
)
from esper_tui.runtime.lock import RunLock
from esper_tui.runtime.socketpath import is_own_peer, socket_path

MAX_CLIENTS, MAX_RATE, MAX_BUFFER = 8, 50, 256 * 2**10
PROGRESS_S = 0.25
MAX_NAME = 80
MAX_STRIKES = 20
"""Messages that may be refused before a client is shown the door."""


class Served(Protocol):
    """What is asked of a session."""

    def submit(self, command: Command) -> int: ...

    def progress(self) -> Progress: ...

    def listen_acks(self) -> deque[Ack]: ...

    def last_seq(self) -> int: ...

    def report(self, state: str, text: str) -> None: ...


@dataclass
class Counters:
    """What was refused, since the start: messages and connections, and clients that were too slow or sent no end."""

    refused: int = 0
    dropped: int = 0


@dataclass(eq=False)
class Client:
    """One connection."""

    link: socket.socket
    greeted: bool = False
    strikes: int = 0
    incoming: bytearray = field(default_factory=bytearray)
    outgoing: bytearray = field(default_factory=bytearray)
    asked: set[int] = field(default_factory=set)
    times: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_RATE))
    seq: int = -1
    who: str = ""


def open_server(session: Served, folder: Path, lock: RunLock) -> "Server | None":
    """Serves a run, and notes in its lock where; None where no socket can be had, which costs nothing but attaching."""
    mark = hashlib.blake2b(str(folder.resolve()).encode(), digest_size=4).hexdigest()
    try:
        server = Server(session, folder.name, socket_path(f"{folder.name}-{mark}"))
    except (EsperError, OSError):
        return None
    lock.document["socket"] = str(server.path)
    lock.beat()
    return server


class Server:
    """Serves a session on a socket until it is closed."""

    def __init__(self, session: Served, run: str, path: Path, clock: Callable[[], float] = time.monotonic):
        self.session, self.run, self.path, self.clock = session, run, path, clock
        self.acks = session.listen_acks()
        self.clients: list[Client] = []
        self.lease: Client | None = None
        self.counters, self.told, self.closed = Counters(), 0.0, threading.Event()
        self.selector = selectors.DefaultSelector()
        path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        path.chmod(0o600)
        self.listener.listen(MAX_CLIENTS)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.thread = threading.Thread(target=self._serve, name="attach", daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Says what is left to say, lets everyone go and removes the socket."""
        self.closed.set()
        self.thread.join(timeout=2.0)
        self.path.unlink(missing_ok=True)

    def visitors(self) -> Visitors:
        return Visitors(len(self.clients), self.counters.refused, self.counters.dropped)

    # --- the thread --------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self.closed.is_set():
            for key, mask in self.selector.select(PROGRESS_S / 2):
                if key.data is None:
                    self._accept()
                elif mask & selectors.EVENT_READ:
                    self._read(key.data)
            self._tell()
        self._tell(last=True)
        for client in list(self.clients):
            self._drop(client)
        self.listener.close()
        self.selector.close()

    def _accept(self) -> None:
        try:
            link, _ = self.listener.accept()
        except OSError:
            return
        if len(self.clients) >= MAX_CLIENTS or not is_own_peer(link):
            self.counters.refused += 1
            link.close()
            return
        link.setblocking(False)
        client = Client(link)
        self.clients.append(client)
        self.selector.register(link, selectors.EVENT_READ, client)

    def _read(self, client: Client) -> None:
        try:
            data = client.link.recv(MAX_MESSAGE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(client)
            return
        client.incoming += data
        while client in self.clients and (end := client.incoming.find(b"\n")) >= 0:
            line = bytes(client.incoming[: end + 1])
            del client.incoming[: end + 1]
            self._take(client, line)
        if len(client.incoming) > MAX_MESSAGE:
            self.counters.dropped += 1
            self._drop(client)

    def _take(self, client: Client, line: bytes) -> None:
        message: dict[str, Any] = {}
        try:
            message = decode(line)
            self._answer(client, message)
        except BadMessage as problem:
            self.counters.refused += 1
            client.strikes += 1
            self._send(client, {"type": "refused", "reason": str(problem), "mark": _mark(message)})
            if client.strikes >= MAX_STRIKES:
                self._drop(client)

    def _answer(self, client: Client, message: dict[str, Any]) -> None:
        now = self.clock()
        if len(client.times) == MAX_RATE and now - client.times[0] < 1.0:
            raise BadMessage(f"more than {MAX_RATE} messages in a second")
        client.times.append(now)
        if message["type"] == "hello":
            self._greet(client, message)
        elif message["type"] != "command":
            raise BadMessage(f"unknown message {message['type'][:40]!r}")
        elif not client.greeted:
            raise BadMessage("say hello first")
        else:
            self._submit(client, message)

    def _greet(self, client: Client, message: dict[str, Any]) -> None:
        version = message.get("version")
        if version != VERSION:
            raise BadMessage(f"this run speaks version {VERSION}, not {version!r}; use the esper that started it")
        client.greeted = True
        client.who = _name(message)
        if client.who:
            self.session.report("attached", f"{client.who} attached")
        role = "control" if self.lease in (None, client) else "watch"
        self._send(client, {"type": "hello", "version": VERSION, "run": self.run, "role": role})

    def _submit(self, client: Client, message: dict[str, Any]) -> None:
        command = load_command(message.get("command"))
        if self.lease not in (None, client):
            raise BadMessage("another terminal holds control of this run; detach it first")
        self.lease = client
        number = self.session.submit(command)
        client.asked.add(number)
        self._send(client, {"type": "submitted", "id": number, "mark": _mark(message)})

    # --- telling -----------------------------------------------------------------------------------------------

    def _tell(self, last: bool = False) -> None:
        while self.acks:
            ack = self.acks.popleft()
            for client in [c for c in self.clients if ack.id in c.asked]:
                self._send(client, ack_document(ack))
        seq = self.session.last_seq()
        due = last or self.clock() - self.told >= PROGRESS_S
        progress = progress_document(self.session.progress()) if due and self.clients else None
        for client in [c for c in self.clients if c.greeted]:
            if client.seq != seq:
                client.seq = seq
                self._send(client, {"type": "log", "seq": seq})
            if progress is not None:
                self._send(client, progress)
        if due:
            self.told = self.clock()
        for client in list(self.clients):
            self._flush(client)

    def _send(self, client: Client, message: dict[str, Any]) -> None:
        client.outgoing += encode(message)
        if len(client.outgoing) > MAX_BUFFER:
            self.counters.dropped += 1
            self._drop(client)

    def _flush(self, client: Client) -> None:
        if not client.outgoing or client not in self.clients:
            return
        try:
            sent = client.link.send(client.outgoing)
        except BlockingIOError:
            return
        except OSError:
            self._drop(client)
            return
        del client.outgoing[:sent]

    def _drop(self, client: Client) -> None:
        if client not in self.clients:
            return
        self.clients.remove(client)
        if self.lease is client:
            self.lease = None
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(client.link)
        client.link.close()
        if client.who and not self.closed.is_set():
            self.session.report("attached", f"{client.who} left")


def _name(message: dict[str, Any]) -> str:
    """Who a screen says it is; scripts come and go without a name."""
    who = message.get("who")
    return "".join(c for c in who[:MAX_NAME] if c.isprintable()) if isinstance(who, str) else ""


def _mark(message: dict[str, Any]) -> int:
    """The client's own number of a command; 0 where there is none."""
    mark = message.get("mark")
    return mark if isinstance(mark, int) else 0
