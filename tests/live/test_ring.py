import multiprocessing
import os
import signal
import time

import numpy as np
import pytest

from dexgen_app.live.ring import StateRing

DTYPE = np.dtype([("sequence", "<i8"), ("stamp_ns", "<i8"), ("values", "<f8", (200,))])


@pytest.fixture
def ring():
    ring = StateRing.create(DTYPE, 16)
    yield ring
    ring.unlink()
    ring.close()


def row(value):
    record = np.zeros(1, DTYPE)[0]
    record["values"] = value
    return record


def test_an_empty_ring_has_nothing(ring):
    assert ring.latest() is None
    rows, dropped = ring.read_since(-1)
    assert len(rows) == 0 and dropped == 0


def test_rows_come_back_in_order(ring):
    for value in range(5):
        assert ring.write(row(value)) == value
    rows, dropped = ring.read_since(1)
    assert rows["values"][:, 0].tolist() == [2, 3, 4]
    assert rows["sequence"].tolist() == [2, 3, 4]
    assert dropped == 0
    assert ring.latest()["values"][0] == 4


def test_overwritten_rows_are_counted(ring):
    for value in range(40):
        ring.write(row(value))
    rows, dropped = ring.read_since(3)
    assert rows["values"][0, 0] == 24 and len(rows) == 16
    assert dropped == 20


def test_a_row_that_is_being_written_is_not_returned(ring):
    for value in range(3):
        ring.write(row(value))
    ring._sequences[2] = -1
    assert ring.latest() is None
    rows, dropped = ring.read_since(-1)
    assert len(rows) == 2 and dropped == 1


def test_a_copy_stays_as_it_was(ring):
    ring.write(row(1))
    copy = ring.latest()
    for value in range(20):
        ring.write(row(value))
    assert copy["values"][0] == 1


def test_attaching_finds_the_rows_and_the_capacity(ring):
    ring.write(row(3))
    other = StateRing.attach(ring.name, DTYPE)
    assert other.capacity == 16
    assert other.latest()["values"][7] == 3
    other.close()


def test_attaching_with_another_type_is_refused(ring):
    with pytest.raises(ValueError, match="not a ring"):
        StateRing.attach(ring.name, np.dtype([("sequence", "<i8")]))


def test_attaching_to_nothing_fails():
    with pytest.raises(FileNotFoundError):
        StateRing.attach("/dev/shm/dexgen-live-none", DTYPE)


def test_a_type_without_a_leading_sequence_is_refused():
    with pytest.raises(ValueError, match="sequence"):
        StateRing.create(np.dtype([("x", "<i8"), ("sequence", "<i8")]))


def test_a_closed_ring_reads_as_empty():
    ring = StateRing.create(DTYPE, 4)
    ring.write(row(1))
    ring.unlink()
    ring.close()
    ring.close()
    assert ring.latest() is None
    assert len(ring.read_since(-1)[0]) == 0


def write_for_ever(name):
    ring = StateRing.attach(name, DTYPE)
    value = 0
    while True:
        ring.write(row(value))
        value += 1
        if value % 4 == 0:
            time.sleep(1e-5)


@pytest.fixture
def writer(ring):
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=write_for_ever, args=(ring.name,), daemon=True)
    process.start()
    deadline = time.monotonic() + 30
    while ring.head < 100 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ring.head >= 100
    yield process
    process.kill()
    process.join()


def test_rows_are_never_torn(ring, writer):
    last, seen = -1, 0
    deadline = time.monotonic() + 60  # the writer may get little of a busy machine
    while seen < 1000 and time.monotonic() < deadline:
        rows, _ = ring.read_since(last)
        if len(rows):
            values = rows["values"]
            assert (values == values[:, :1]).all()
            assert (values[:, 0] == rows["sequence"]).all()
            assert (np.diff(rows["sequence"]) > 0).all()
            last, seen = int(rows["sequence"][-1]), seen + len(rows)
    assert seen >= 1000


def test_a_killed_writer_leaves_whole_rows_and_the_ring(ring, writer):
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    rows, _ = ring.read_since(-1)
    assert len(rows) >= 14
    assert (rows["values"] == rows["values"][:, :1]).all()
    # The trap of Python 3.11: a process that attached must not remove the ring at its exit.
    StateRing.attach(ring.name, DTYPE).close()
