"""What the worker tells of plugins that were suspended in it."""

from dataclasses import replace

import pytest
from live_fakes import DEVICE, HAND, state

from dexgen_app.discovery import PluginRecord, PluginState
from dexgen_app.live.parts import Parts, WorkerSetup
from dexgen_app.live.protocol import Failure, PluginHealth, SessionConfig
from dexgen_app.plugins import MAX_ERRORS, PluginRegistry

MS = 1_000_000


@pytest.fixture
def events():
    return []


def make_parts(events, registry=None, **config):
    setup = WorkerSetup(
        config=SessionConfig(**config),
        hand=HAND,
        ring_name="",
        control_name="",
        extensions=(DEVICE,),
    )
    return Parts(setup, registry or PluginRegistry(), events.append)


def record():
    return PluginRecord(
        name="mine",
        distribution="mine",
        version="1",
        module="mine",
        builtin=False,
        provides={"teleop_devices": ("fake",)},
    )


def health(events):
    return [event for event in events if isinstance(event, PluginHealth)]


def test_a_suspended_device_is_told_and_so_is_its_new_start(events):
    parts = make_parts(events)
    for mode in ("raise", "garbage"):
        events.clear()
        link = parts.open_device(f"fake:{mode}")
        for tick in range(1, 5):
            link.read(tick * 17 * MS, state())
        (told,) = health(events)
        assert (told.kind, told.id, told.suspended) == ("teleop_devices", "fake", True)
        assert "in read" in told.reason
        assert next(e for e in events if isinstance(e, Failure)).what == told.reason
        parts.open_device("fake")
        assert health(events)[-1] == PluginHealth(kind="teleop_devices", id="fake", suspended=False)
    assert len(health(events)) == 2


def test_a_plugin_whose_factory_raises_is_told_once(events):
    registry = PluginRegistry()
    registry.records.append(record())
    registry._owners["fake"] = registry.records[0]
    parts = make_parts(events, registry)
    broken = replace(DEVICE, factory="live_fakes:no_such_factory")
    parts._extensions[(type(DEVICE), "fake")] = broken
    for _ in range(MAX_ERRORS + 2):
        with pytest.raises(Exception, match=r"cannot import|suspended"):
            parts.open_device("fake")
    (told,) = health(events)
    assert (told.kind, told.id, told.suspended) == ("plugins", "mine", True)


def test_the_window_s_registry_follows_the_worker():
    registry = PluginRegistry()
    registry.records.append(record())
    mine = registry.records[0]
    registry.follow("teleop_devices", "other", suspended=True, reason="why")
    assert mine.state is PluginState.LOADED
    registry.follow("teleop_devices", "fake", suspended=True, reason="why")
    assert mine.state is PluginState.SUSPENDED and mine.reason == "fake: why"
    registry.follow("teleop_devices", "fake", suspended=False)
    assert mine.state is PluginState.LOADED and mine.reason == ""
    registry.follow("plugins", "mine", suspended=True, reason="why")
    assert mine.reason == "why"
    mine.errors = MAX_ERRORS
    registry.follow("plugins", "mine", suspended=False)
    assert mine.state is PluginState.SUSPENDED


def test_a_profile_that_does_not_exist_yet_is_told(events, caplog):
    make_parts(events, profile="ada").open_retargeter()
    assert "no profile ada" in caplog.text
    caplog.clear()
    make_parts(events).open_retargeter()
    assert caplog.text == ""
