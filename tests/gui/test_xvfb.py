"""A person with a keyboard, played by xdotool, in front of a real window."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dexgen_app.live.row import SessionState
from dexgen_app.recording.reader import Recording

pytestmark = [
    pytest.mark.xvfb,
    pytest.mark.skipif(
        not all(shutil.which(tool) for tool in ("Xvfb", "openbox", "xdotool")),
        reason="Xvfb, openbox or xdotool is absent",
    ),
]
START_S = 150.0


class Person:
    """Looks at the window's title and presses keys."""

    def __init__(self, display: str) -> None:
        self.environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        self.window = ""

    def tool(self, *arguments: str) -> str:
        done = subprocess.run(
            ["xdotool", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stdout.strip()

    def title(self) -> str:
        if not self.window:
            found = self.tool("search", "--onlyvisible", "--name", "^dexgen-app").split()
            self.window = found[0] if found else ""
        return self.tool("getwindowname", self.window) if self.window else ""

    def see(self, word: str, seconds: float = 15.0) -> None:
        self.wait(lambda: word in self.title(), seconds, f"the title to say {word}")

    def wait(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, f"waited for {what}; the title is {self.title()!r}"
            time.sleep(0.1)

    def press(self, *keys: str) -> None:
        self.tool("windowfocus", "--sync", self.window)
        for key in keys:
            self.tool("key", key)
            time.sleep(0.15)


@pytest.fixture
def person() -> Iterator[Person]:
    """A display with a window manager."""
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"],
        pass_fds=(writer,),
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as lines:
        display = ":" + lines.readline().strip()
    made = Person(display)
    manager = subprocess.Popen(["openbox"], env=made.environment, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    yield made
    for process in (manager, server):
        process.terminate()
        process.wait(10)


@pytest.fixture
def application(person: Person, dexgen_home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The application in its own process, with the keyboard as its device."""
    command = [sys.executable, "-m", "dexgen_app", "gui", "--engine", "mujoco"]
    process = subprocess.Popen(
        [*command, "--device", "keyboard"],
        env={**person.environment, "DEXGEN_HOME": str(dexgen_home)},
        cwd=dexgen_home,
    )
    yield process
    if process.poll() is None:
        process.terminate()
        process.wait(30)


def test_a_person_drives_stops_records_and_reviews(
    person: Person, application: subprocess.Popen[bytes], dexgen_home: Path
) -> None:
    person.see("simulation", START_S)
    person.see(", connected", START_S)
    person.tool("windowactivate", "--sync", person.window)
    person.press("F5", "F3")
    person.see("armed")
    person.tool("keydown", "space")
    person.see("active")
    for key in ("q", "w"):
        person.tool("keydown", key)
        time.sleep(1.0)
        person.tool("keyup", key)
    assert "active" in person.title(), "the dead-man switch let go by itself"
    person.press("F12")
    person.see("stopped")
    person.tool("keyup", "space")
    person.press("F3")
    time.sleep(0.5)
    assert "stopped" in person.title(), "STOP does not latch"
    person.press("ctrl+BackSpace")
    person.see(", connected")
    person.press("F6", "F10")
    folder = dexgen_home / "data" / "recordings"
    person.wait(lambda: len(list(folder.glob("*.mcap"))) == 1, 20, "the recording")
    path = next(folder.glob("*.mcap"))
    person.wait(lambda: not Recording.open(path).truncated, 20, "the recording's end")
    recording = Recording.open(path)
    assert [episode.mark for episode in recording.episodes] == ["keep"]
    rows = recording.rows
    active = rows[rows["state"] == SessionState.ACTIVE]
    assert np.abs(active["position"] - active["position"][0]).max() > 0.02
    assert active["dead_man"].all()
    assert (rows["state"] == SessionState.STOPPED).any()

    person.press("ctrl+k")
    person.tool("type", "Panel: Episodes")
    person.press("Return")
    time.sleep(5.0)  # the list looks at the folder every four seconds
    person.press("Home", "Down", "Return")
    person.see(f"review of {path.name}")
    person.press("space")
    person.press("Escape")
    person.see("simulation, connected")
    person.press("ctrl+q")
    assert application.wait(30) == 0


def test_space_released_behind_another_window_does_not_keep_the_hand_moving(
    person: Person, application: subprocess.Popen[bytes]
) -> None:
    person.see(", connected", START_S)
    person.tool("windowactivate", "--sync", person.window)
    person.press("F3")
    person.see("armed")
    person.tool("keydown", "space")
    person.see("active")
    person.press("ctrl+comma")
    person.see("armed")
    person.tool("keyup", "space")


def test_a_second_window_says_so(
    person: Person, application: subprocess.Popen[bytes], dexgen_home: Path
) -> None:
    person.see("dexgen-app", START_S)
    second = subprocess.run(
        [sys.executable, "-m", "dexgen_app", "gui", "--engine", "mujoco"],
        env={**person.environment, "DEXGEN_HOME": str(dexgen_home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 3
    assert "open already" in second.stderr and "DEXGEN_HOME" in second.stderr
