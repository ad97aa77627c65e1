from __future__ import annotations

import numpy as np
import pytest

from dexgen_app.errors import InputError
from dexgen_app.learn.rollout_buffer import RolloutBuffer
from dexgen_app.learn.transitions import TransitionFormat, TransitionStore, TransitionWriter
from dexgen_hand_allegro.spec import RIGHT

LAYOUT = TransitionFormat.of(RIGHT, 0.1, ("default", "precision"))


def block(rows: int, episode: int = 0, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    data = {
        name: rng.normal(size=(rows, width)).astype(dtype)
        for name, (dtype, width) in LAYOUT.columns().items()
        if dtype.kind == "f"
    }
    data["mode"] = np.zeros(rows)
    data["clean"] = np.ones(rows)
    data["episode"] = np.full(rows, episode)
    data["step"] = np.arange(rows)
    return data


def test_what_is_written_is_read(tmp_path) -> None:
    writer = TransitionWriter(tmp_path, LAYOUT, {"seed": 1}, shard_rows=50)
    blocks = [block(30, episode, seed=episode) for episode in range(4)]
    for rows in blocks:
        writer.append(rows)
    writer.flush()
    store = TransitionStore(tmp_path, verify=True)
    assert len(store) == 120
    expected = np.concatenate([rows["keypoints"] for rows in blocks])
    np.testing.assert_array_equal(store.column("keypoints"), expected)
    rows = np.array([[0, 119], [59, 60]])
    np.testing.assert_array_equal(store.gather("keypoints", rows), expected[rows])


def test_a_killed_writer_is_continued_after_its_last_shard(tmp_path) -> None:
    first = TransitionWriter(tmp_path, LAYOUT, {}, shard_rows=20)
    first.append(block(20, 0))
    first.append(block(5, 1))  # never flushed: lost with the process
    second = TransitionWriter(tmp_path, LAYOUT, {})
    assert (second.rows, second.next_episode) == (20, 1)
    second.append(block(10, second.next_episode))
    second.flush()
    assert len(TransitionStore(tmp_path)) == 30


def test_windows_stay_inside_an_episode_and_skip_disturbed_steps(tmp_path) -> None:
    writer = TransitionWriter(tmp_path, LAYOUT, {})
    disturbed = block(10, 0)
    disturbed["clean"][6] = 0
    writer.append(disturbed)
    writer.append(block(7, 1))
    writer.flush()
    store = TransitionStore(tmp_path)
    assert store.windows(4, 2, clean=False).tolist() == [3, 4, 5, 6, 7, 13, 14]
    assert store.windows(4, 2, clean=True).tolist() == [3, 4, 7, 13, 14]


def test_damage_is_named(tmp_path) -> None:
    writer = TransitionWriter(tmp_path, LAYOUT, {})
    writer.append(block(200))
    writer.flush()
    shard = tmp_path / "shard-00000.arrow"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 0xFF
    shard.write_bytes(content)
    with pytest.raises(InputError, match=r"shard-00000.*damaged"):
        TransitionStore(tmp_path, verify=True)
    shard.write_bytes(content[: len(content) // 3])
    with pytest.raises(InputError, match="cannot be read"):
        TransitionStore(tmp_path)


def test_other_formats_are_refused(tmp_path) -> None:
    TransitionWriter(tmp_path, LAYOUT, {}).append(block(1))
    with pytest.raises(InputError, match="no dataset"):
        TransitionStore(tmp_path)
    writer = TransitionWriter(tmp_path, LAYOUT, {})
    writer.append(block(1))
    writer.flush()
    with pytest.raises(InputError, match="another hand"):
        TransitionWriter(tmp_path, TransitionFormat.of(RIGHT, 0.05, LAYOUT.modes), {})
    bad = block(1)
    bad["position"][0, 0] = np.nan
    with pytest.raises(InputError, match="position"):
        writer.append(bad)


def test_the_moments_before_a_drop_are_cut() -> None:
    buffer = RolloutBuffer(2, cut=3, first_episode=10)
    for step in range(8):
        dropped = np.array([step == 5, False])
        buffer.append(
            {"value": np.array([step, 100 + step])}, dropped, np.array([False, step == 3])
        )
    rows = buffer.drain(everything=True)
    assert rows["value"].tolist() == [0, 1, 2, 6, 7, *range(100, 108)]
    assert rows["episode"].tolist() == [10] * 3 + [13] * 2 + [11] * 4 + [12] * 4
    assert rows["step"].tolist() == [0, 1, 2, 0, 1, 0, 1, 2, 3, 0, 1, 2, 3]


def test_a_drop_reaches_no_row_that_was_given_out() -> None:
    buffer = RolloutBuffer(1, cut=3)
    out: list[int] = []
    for step in range(12):
        buffer.append({"value": np.array([step])}, np.array([step == 7]), np.array([False]))
        rows = buffer.drain()
        out += rows["value"].tolist() if rows else []
    rows = buffer.drain(everything=True)
    out += rows["value"].tolist()
    assert out == [0, 1, 2, 3, 4, 8, 9, 10, 11]
