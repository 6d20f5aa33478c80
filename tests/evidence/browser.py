"""Chromium without a window: what a page became in it, what its console said, what it asked the network for."""

import shutil
import socket
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OWN_HOSTS = ("clients2.google.com", "accounts.google.com", "www.google.com")
"""Whom the browser asks by itself, whatever it shows."""
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--disable-default-apps", "--enable-logging=stderr", "--dump-dom",
)  # fmt: skip


@dataclass(frozen=True)
class Visit:
    """The page as it ended up, lines of the console, first lines of requests that are not the browser's own."""

    dom: str
    console: list[str]
    requests: list[str]


def find_browser() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def visit(browser: str, page: Path) -> Visit:
    """Opens a file; every connection goes to a proxy that only writes down what was asked for."""
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy, tempfile.TemporaryDirectory() as profile:
        threading.Thread(target=_listen, args=(proxy, asked), daemon=True).start()
        done = subprocess.run(
            [browser, *FLAGS, f"--user-data-dir={profile}", f"--proxy-server=http://127.0.0.1:{proxy.getsockname()[1]}",
             page.as_uri()],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Visit(done.stdout, console, [line for line in asked if not any(host in line for host in OWN_HOSTS)])


def _listen(proxy: socket.socket, asked: list[str]) -> None:
    while True:
        try:
            connection, _ = proxy.accept()
        except OSError:  # the visit is over
            return
        with connection:
            connection.settimeout(5.0)
            asked.append(connection.recv(400).split(b"\r\n")[0].decode("latin-1"))
