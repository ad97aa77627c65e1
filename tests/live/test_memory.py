import os
import subprocess
import sys

from dexgen_app.live import memory
from dexgen_app.live.control import ControlBlock
from dexgen_app.live.memory import SharedBlock


def test_both_sides_see_the_same_bytes():
    block = SharedBlock.create(64)
    other = SharedBlock.attach(block.name)
    block.buffer[3] = 42
    assert other.buffer[3] == 42
    assert oct(os.stat(block.name).st_mode & 0o777) == "0o600"
    other.close()
    block.unlink()
    block.close()


def test_a_stranger_that_attaches_does_not_remove_the_block():
    block = SharedBlock.create(64)
    code = f"from dexgen_app.live.memory import SharedBlock; SharedBlock.attach({block.name!r})"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert os.path.exists(block.name)
    block.unlink()
    block.close()


def test_only_blocks_that_nobody_has_open_are_removed(monkeypatch):
    monkeypatch.setattr(memory, "_LEFTOVER_AGE_S", -1.0)
    mine = SharedBlock.create(64)
    code = (
        "import os; from dexgen_app.live.memory import SharedBlock;"
        "print(SharedBlock.create(64).name, flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    left = killed.stdout.strip()
    assert os.path.exists(left)
    memory.remove_leftovers()
    assert not os.path.exists(left)
    assert os.path.exists(mine.name)
    mine.unlink()
    mine.close()


def test_the_control_block_carries_every_word():
    control = ControlBlock.create()
    worker = ControlBlock.attach(control.name)
    assert (worker.stops, worker.dead_man, worker.heartbeat_ns) == (0, False, 0)
    control.request_stop()
    control.request_stop()
    control.dead_man = True
    control.beat()
    worker.beat_worker(17)
    assert worker.stops == 2
    assert worker.dead_man is True
    assert worker.heartbeat_ns > 0
    assert control.worker_ticks == 17 and control.worker_heartbeat_ns >= worker.heartbeat_ns
    worker.close()
    control.unlink()
    control.close()
