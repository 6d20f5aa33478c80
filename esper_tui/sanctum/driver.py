"""Textual's driver for Linux and macOS, made to outlive its terminal."""

from collections.abc import Callable
from typing import IO, Any

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver


class Tolerant:
    """A terminal to write to.  Once it is gone nothing is written any more, and ``gone`` is called once.

    The thread that writes would otherwise end with the first error, and the application would wait for it for ever as
    soon as its queue is full.
    """

    def __init__(self, file: IO[str], gone: Callable[[], object]):
        self.file, self.gone, self.lost = file, gone, False

    def write(self, text: str) -> None:
        self._try(self.file.write, text)

    def flush(self) -> None:
        self._try(self.file.flush)

    def fileno(self) -> int:
        return self.file.fileno()

    def _try(self, action: Callable[..., object], *words: str) -> None:
        if self.lost:
            return
        try:
            action(*words)
        except (OSError, ValueError):
            self.lost = True
            self.gone()


class LastingDriver(LinuxDriver):
    """Says ``App.terminal_gone`` when the terminal cannot be written to, with or without SIGHUP.

    A terminal that closes also sends SIGCONT: only a screen that was suspended is started again by it, because a second
    start would leave the threads of the first one behind, spinning on a dead terminal.
    """

    def __init__(self, app: App[Any], **options: Any):
        super().__init__(app, **options)
        self._file = Tolerant(self._file, self._gone)  # type: ignore[arg-type,assignment]  # as much of a file as is used

    def _gone(self) -> None:
        self._app.call_later(self._app.terminal_gone)  # type: ignore[attr-defined]  # of EsperApp

    def _sigcont_application(self, *words: Any) -> None:
        if self._must_signal_resume:
            super()._sigcont_application(*words)
