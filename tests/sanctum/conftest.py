"""Applications on a recorded run, without a loop, with a clock that stands still."""

import asyncio
import copy
import inspect
from collections.abc import Callable
from dataclasses import replace

import pytest
from fake import FakeSession, load_events
from steered import SteeredSession

from esper_tui.karn.record import RunRecord, reduce
from esper_tui.sanctum.app import EsperApp
from esper_tui.sanctum.settings import Settings


def pytest_pyfunc_call(pyfuncitem) -> bool | None:
    """Tests of screens are coroutines; each has an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.function):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture(scope="session")
def quick_events():
    return load_events()


@pytest.fixture
def session(quick_events) -> FakeSession:
    return FakeSession(quick_events)


@pytest.fixture
def make_app() -> Callable[..., EsperApp]:
    """An application whose frames come only when a test asks for them: the clock stands still, the rate is low."""

    def make(session=None, *, launcher=None, readonly=False, **settings) -> EsperApp:
        chosen = Settings(glyphs="unicode", hz=0.5, **settings)
        return EsperApp(launcher, session, settings=chosen, readonly=readonly, clock=lambda: 100.0)

    return make


@pytest.fixture(scope="session")
def records(quick_events):
    """The record after every epoch."""
    found, record = {}, RunRecord()
    for event in quick_events:
        reduce(record, copy.deepcopy(event))
        if event["type"] == "EpochMeasured":
            found[event["epoch"]] = copy.deepcopy(record)
    return found


@pytest.fixture
def steered(quick_events):
    """A run that rests at the boundary after epoch 12, where the seeds of r0c1 are in HOLDING."""
    session = SteeredSession(quick_events)
    session.release_epochs(12)
    session.now = replace(session.now, state="paused", phase="boundary")
    return session
