"""A machine that cannot show a window is told so in one line, before Qt ends the process."""

from __future__ import annotations

import pytest

from dexgen_app import display, health
from dexgen_app.__main__ import main


@pytest.fixture(autouse=True)
def _no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("words", [[], ["gui"], ["live", "--device", "script"]])
@pytest.mark.parametrize("name", ["", ":4321"])
def test_commands_that_open_a_window(
    words: list[str], name: str, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    if name:
        monkeypatch.setenv("DISPLAY", name)
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "display" in told and name in told and "--headless" in told
    assert told.count("\n") == 1


def test_a_display_that_does_not_answer_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not display.has_display()
    monkeypatch.setenv("DISPLAY", ":4321")
    assert not display.has_display()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert display.has_display()


def test_drawing_elsewhere_needs_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    display.require_display()


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(display, "has_display", lambda: True)
    monkeypatch.setattr(health, "missing_libraries", lambda _: ["libxcb-cursor.so.0"])
    assert main(["gui"]) == 2
    assert "libxcb-cursor0" in capsys.readouterr().err
