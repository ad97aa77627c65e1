"""Runs the subcommands of a build, watches their time, and takes them down with it."""

from __future__ import annotations

import contextlib
import ctypes
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from dexgen_app.errors import DexgenError

_SET_DEATH_SIGNAL = 1
_TICK = 1.0


def run_command(
    words: list[str],
    *,
    tick: Callable[[], None],
    seconds: float = float("inf"),
    overtime: Callable[[], None] = lambda: None,
) -> float:
    """Run ``dexgen-app`` and wait for it.

    Args:
        words: Its arguments.
        tick: Called every second.
        seconds: Time after which ``overtime`` is called with every tick [s].
        overtime: Asks the command to come to an end.

    Returns:
        The time that it took [s].

    Raises:
        DexgenError: It failed.
    """
    print("$ " + shlex.join(("dexgen-app", *words)), flush=True)
    begun = time.monotonic()
    # Its own process group: a Ctrl-C reaches it once, through us.
    process = subprocess.Popen(
        [sys.executable, "-m", "dexgen_app", *words], preexec_fn=_heed_parent, process_group=0
    )
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_TICK)
                break
            tick()
            if time.monotonic() - begun > seconds:
                overtime()
    except BaseException:
        process.send_signal(signal.SIGINT)  # it saves what it has
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60.0)
        process.kill()
        raise
    if process.returncode:
        raise DexgenError(
            f"it ended with status {process.returncode}",
            where=f"dexgen-app {words[0]}",
            remedy="Its last lines say why; the same build command goes on with this stage",
        )
    return time.monotonic() - begun


def _heed_parent() -> None:
    """Let this process be interrupted, by the kernel too if the build is killed (Linux only)."""
    # A script starts what it puts into the background deaf to interrupts.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGINT)
