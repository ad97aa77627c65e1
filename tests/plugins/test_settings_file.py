"""Settings survive damage, crashes, older and newer versions."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from dexgen_app import settings as module
from dexgen_app.errors import DexgenError
from dexgen_app.settings import (
    Settings,
    load_settings,
    migrate,
    save_settings,
    settings_path,
    update_settings,
)


def test_no_file_means_defaults() -> None:
    assert load_settings() == Settings()


def test_everything_comes_back() -> None:
    settings = Settings(
        theme="light",
        hand="allegro_left",
        device="replay:a b.npy",
        engine="mujoco",
        disabled_plugins=("a", "b"),
        keys={"session.arm": "Ctrl+A"},
        recordings="/tmp/somewhere",
    ).with_plugin("glove", port="/dev/ttyUSB0", gain=1.5)
    save_settings(settings.with_plugin("glove", gain=2.0))
    back = load_settings()
    assert back.plugins == {"glove": {"port": "/dev/ttyUSB0", "gain": 2.0}}
    assert back == settings.with_plugin("glove", gain=2.0)
    assert back.recordings_dir == Path("/tmp/somewhere")


def test_update_changes_only_what_is_named() -> None:
    update_settings(theme="light")
    update_settings(hand="other")
    assert (load_settings().theme, load_settings().hand) == ("light", "other")


@pytest.mark.parametrize("content", [b"theme = ", b"\xff\xfe\x00", b"[keys\nx=1"])
def test_a_damaged_file_is_set_aside(content: bytes, caplog) -> None:
    path = settings_path()
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert load_settings() == Settings()
    (aside,) = path.parent.glob("settings.damaged-*.toml")
    assert aside.read_bytes() == content
    assert not path.exists()
    assert aside.name in caplog.text


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("theme = 'pink'", "theme"),
        ("hand = 7", "hand"),
        ("disabled_plugins = 'allegro'", "disabled_plugins"),
        ("disabled_plugins = [1]", "disabled_plugins"),
        ("keys = {a = 1}", "keys"),
        ("plugins = {glove = 3}", "plugins"),
        ("engine = ['genesis']", "engine"),
    ],
)
def test_a_value_of_the_wrong_type_becomes_the_default(line: str, field: str, caplog) -> None:
    settings_path().write_text(f"schema_version = 1\nprofile = 'ann'\n{line}\n")
    settings = load_settings()
    assert getattr(settings, field) == getattr(Settings(), field)
    assert settings.profile == "ann"
    assert field in caplog.text


def test_unknown_keys_are_kept() -> None:
    settings_path().write_text("colour_blind = true\n[future]\na = 1\n")
    update_settings(theme="light")
    text = settings_path().read_text()
    assert "colour_blind = true" in text and "[future]" in text
    assert load_settings().unknown == {"colour_blind": True, "future": {"a": 1}}


def test_a_newer_file_is_copied_before_it_is_changed(caplog) -> None:
    settings_path().write_text("schema_version = 9\ntheme = 'light'\n")
    assert update_settings(hand="other").theme == "light"
    (aside,) = settings_path().parent.glob("settings.newer-*.toml")
    assert "schema_version = 9" in aside.read_text()
    assert "9" in caplog.text


def test_older_tables_go_through_every_later_step() -> None:
    steps = (
        lambda table: {"schema_version": 2, "b": table["a"]},
        lambda table: {"schema_version": 3, "c": table["b"]},
    )
    assert migrate({"schema_version": 1, "a": 5}, steps) == {"schema_version": 3, "c": 5}
    assert migrate({"schema_version": 2, "b": 6}, steps) == {"schema_version": 3, "c": 6}
    assert migrate({"schema_version": 3, "c": 7}, steps) == {"schema_version": 3, "c": 7}


def test_there_is_a_migration_for_every_older_version() -> None:
    assert len(module.MIGRATIONS) == module.SCHEMA_VERSION - 1


def test_a_crash_while_writing_leaves_the_old_file(monkeypatch) -> None:
    save_settings(Settings(theme="light"))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(KeyboardInterrupt):
        save_settings(Settings(theme="dark"))
    assert load_settings().theme == "light"
    assert [p.name for p in settings_path().parent.glob(".settings-*")] == []


def test_no_permission_is_a_message(monkeypatch, tmp_path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("DEXGEN_HOME", str(blocked))
    assert load_settings() == Settings()
    with pytest.raises(DexgenError, match="DEXGEN_HOME"):
        save_settings(Settings())
