"""The space bar of a terminal as a dead-man switch: held while its repetitions keep coming."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from types import TracebackType
from typing import Any

from dexgen_app.errors import DexgenError

FIRST_S = 0.7
"""Keyboards wait up to this long before they begin to repeat."""
REPEAT_S = 0.2
"""A repeating key that is silent for so long was released."""


class TerminalDeadMan:
    """Reads the terminal without echo; a context manager that puts it back as it was.

    ``q`` ends the run as Ctrl-C does.

    Raises:
        DexgenError: Standard input is not a terminal.
    """

    def __init__(self) -> None:
        if not sys.stdin.isatty():
            raise DexgenError(
                "a real hand moves only while SPACE is held, and there is no terminal",
                remedy="Run it in a terminal, or use the window",
            )
        self._fd = sys.stdin.fileno()
        self._before: list[Any] = []
        self._last_s = -1e9
        self._patience_s = FIRST_S

    def __enter__(self) -> TerminalDeadMan:
        self._before = termios.tcgetattr(self._fd)
        tty.setcbreak(self._fd)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def held(self) -> bool:
        """Return whether the space bar is held.

        Raises:
            KeyboardInterrupt: ``q`` was pressed or the terminal is gone.
        """
        now = time.monotonic()
        while select.select([self._fd], [], [], 0.0)[0]:
            keys = os.read(self._fd, 256)
            if not keys or b"q" in keys:
                raise KeyboardInterrupt
            if b" " in keys:
                again = now - self._last_s < FIRST_S
                self._patience_s = REPEAT_S if again else FIRST_S
                self._last_s = now
        return now - self._last_s < self._patience_s
