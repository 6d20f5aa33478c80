"""Fixtures of sessions."""

import pytest

from tests import worlds
from tests.runtime.rooms import Room


@pytest.fixture(scope="module")
def parts():
    """Nothing of them is trained here."""
    return worlds.tiny_parts()


@pytest.fixture
def room(monkeypatch, parts):
    made = Room(monkeypatch, parts)
    yield made
    made.session.abort()
    made.let(100)
    if made.session.thread.is_alive():
        made.session.join()
