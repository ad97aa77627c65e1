"""The worker process: set-up, pacing, commands in, events out, a clean end in every case."""

from __future__ import annotations

import contextlib
import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection, wait
from types import FrameType

from dexgen_app.errors import DexgenError
from dexgen_app.live.commands import handle
from dexgen_app.live.control import ControlBlock
from dexgen_app.live.loop import LiveLoop
from dexgen_app.live.outbox import Outbox, OutboxHandler
from dexgen_app.live.pacing import Pacer
from dexgen_app.live.parts import Parts, WorkerSetup
from dexgen_app.live.protocol import Shutdown
from dexgen_app.live.ring import StateRing
from dexgen_app.live.row import SessionState, row_dtype

log = logging.getLogger(__name__)

MAX_COMMANDS = 200
"""Commands that are taken in one tick; a flood of them cannot hold up the loop."""

ORPHAN_SECONDS = 10.0
"""Time that a worker has to end after its parent has died."""

_SLACK_NS = 4_000_000
_OLD_ROUNDS = 600


def run_worker(setup: WorkerSetup, commands: Connection, events: Connection) -> None:
    """Run a live session until ``Shutdown``, a termination signal or the parent's death."""
    outbox = Outbox(events)
    logging.basicConfig(level=logging.INFO, handlers=[OutboxHandler(outbox)], force=True)
    ending = threading.Event()
    _set_up_process(ending)
    ring = StateRing.attach(setup.ring_name, row_dtype(setup.hand.joint_count))
    control = ControlBlock.attach(setup.control_name)
    try:
        from dexgen_app.plugins import PluginRegistry

        registry = PluginRegistry.load(setup.config.safe_mode, setup.config.disabled)
        parts = Parts(setup, registry, outbox.put)
        loop = LiveLoop(parts, ring, control, outbox.put)
        _run(loop, commands, ending)
    except Exception:
        log.exception("the worker failed")
        raise
    finally:
        outbox.close(1.0)
        if _orphaned():
            ring.unlink()
            control.unlink()


def _set_up_process(ending: threading.Event) -> None:
    def end(_number: int, _frame: FrameType | None) -> None:
        ending.set()

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by torch when it is imported
    sys.setswitchinterval(0.0005)  # a thread that reads a recording must not hold up a tick
    threading.Thread(target=_watch_parent, args=(ending,), name="parent", daemon=True).start()


def _pin_torch() -> None:
    """Keep torch on one thread, if a driver or a controller has imported it."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


def _set_urgent(urgent: bool) -> None:
    """Let the loop's thread go first while a hand is connected, where the system allows it.

    Real-time scheduling if permitted, else a better nice value, else nothing changes (a user
    needs RLIMIT_RTPRIO or CAP_SYS_NICE). Processes and threads that it starts do not inherit it.
    """
    if not hasattr(os, "SCHED_RR"):
        return
    policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK if urgent else os.SCHED_OTHER
    priority = os.sched_get_priority_min(os.SCHED_RR) if urgent else 0
    try:
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except OSError:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, -10 if urgent else 0)


def _orphaned() -> bool:
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()


def _watch_parent(ending: threading.Event) -> None:
    """End the loop when the parent dies, and the process if the loop does not end."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    wait([parent.sentinel])
    ending.set()
    time.sleep(ORPHAN_SECONDS)
    os._exit(1)


def _run(loop: LiveLoop, commands: Connection, ending: threading.Event) -> None:
    pacer = Pacer(int(1e9 / loop.config.rate_hz), time.monotonic_ns())
    gc.disable()
    urgent = False
    try:
        while not loop.closing and not ending.is_set():
            now = time.monotonic_ns()
            since = pacer.begin(now)
            _tick(loop, now, since, pacer.late)
            _take_commands(loop, commands)
            if urgent != loop.machine.connected:
                urgent = not urgent
                _set_urgent(urgent)
            if loop.restarted:
                loop.restarted = False
                _pin_torch()
                gc.collect()
                gc.freeze()
                pacer.restart(time.monotonic_ns())
            _collect_garbage(pacer.remaining_ns(time.monotonic_ns()))
            pacer.wait()
    finally:
        handle(loop, Shutdown())
        loop.recording.close(5.0)
        gc.enable()


def _collect_garbage(slack_ns: int) -> None:
    """Collect in the time that is left of a tick; what was built on connecting is frozen."""
    if slack_ns > _SLACK_NS:
        gc.collect(2 if gc.get_count()[2] > _OLD_ROUNDS else 1)


def _tick(loop: LiveLoop, now: int, since: int, late: int) -> None:
    try:
        loop.tick(now, since, late)
    except Exception as error:
        if loop.machine.state != SessionState.FAULT:  # once, not in every tick from now on
            log.exception("the loop raised")
        loop.fault(
            DexgenError(
                f"the control loop raised {type(error).__name__}: {error}",
                remedy="Please report it with the log",
            )
        )


def _take_commands(loop: LiveLoop, commands: Connection) -> None:
    try:
        for _ in range(MAX_COMMANDS):
            if loop.closing or not commands.poll():
                return
            handle(loop, commands.recv())
    except (EOFError, OSError):
        loop.closing = True
    except Exception as error:
        log.exception("a command raised")
        loop.fail(DexgenError(f"a command raised {type(error).__name__}: {error}"))
