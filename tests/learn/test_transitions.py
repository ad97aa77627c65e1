from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dexgen_app.errors import InputError
from dexgen_app.learn.rollout_buffer import RolloutBuffer
from dexgen_app.learn.transitions import TransitionFormat, TransitionStore, TransitionWriter
from dexgen_hand_allegro.spec import LEFT, RIGHT

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


def test_a_folder_of_datasets_is_read_as_one(tmp_path) -> None:
    for name, rows in (("bursts/part-0", 20), ("bursts/part-1", 30), ("detours/part-0", 10)):
        writer = TransitionWriter(tmp_path / name, LAYOUT, {})
        writer.append(block(rows))
        writer.flush()
    assert len(TransitionStore(tmp_path)) == 60
    assert len(TransitionStore(tmp_path / "bursts")) == 50


def test_windows_stay_inside_an_episode_and_skip_disturbed_steps(tmp_path) -> None:
    writer = TransitionWriter(tmp_path, LAYOUT, {})
    disturbed = block(10, 0)
    disturbed["clean"][6] = 0
    writer.append(disturbed)
    writer.append(block(7, 1))
    writer.flush()
    store = TransitionStore(tmp_path)
    assert store.windows(4, 2, clean=False).tolist() == [*range(8), *range(10, 15)]
    assert store.windows(4, 2, clean=True).tolist() == [0, 1, 2, 3, 4, 7, *range(10, 15)]


def test_a_window_needs_the_past_that_there_was(tmp_path) -> None:
    writer = TransitionWriter(tmp_path, LAYOUT, {})
    whole = block(12, 0)
    # The rest of an episode whose beginning is elsewhere.
    writer.append({name: values[5:] for name, values in whole.items()})
    writer.append(block(3, 1))
    writer.flush()
    assert TransitionStore(tmp_path).windows(4, 2, clean=False).tolist() == [3, 4, 7]


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


def edit_manifest(folder: Path, change: Callable[[dict], None]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dataset of one shard."""
    writer = TransitionWriter(tmp_path, LAYOUT, {})
    writer.append(block(30))
    writer.flush()
    return tmp_path


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda m: m["format"]["units"].update(target="deg"), "target is in deg, not in rad"),
        (lambda m: m["format"]["units"].pop("keypoints"), "keypoints is in None, not in m"),
        (lambda m: m["format"].pop("joint_names"), "does not tell the dataset's format"),
        (lambda m: m["shards"][0].pop("rows"), "shard cannot be read"),
        (lambda m: m["shards"][0].pop("file"), "shard cannot be read"),
        (lambda m: m["shards"][0].update(rows=29), "lost rows"),
        (lambda m: m.update(schema_version=9), "schema version 9"),
    ],
)
def test_a_manifest_of_other_content_is_refused(folder: Path, change, told: str) -> None:
    edit_manifest(folder, change)
    with pytest.raises(InputError, match=told):
        TransitionStore(folder)


def test_a_dataset_of_another_joint_order_is_refused(folder: Path) -> None:
    store = TransitionStore(folder)
    store.require_hand(RIGHT)
    with pytest.raises(InputError, match="is of hand allegro_right, not allegro_left"):
        store.require_hand(LEFT)
    edit_manifest(folder, lambda m: m["format"]["joint_names"].reverse())
    with pytest.raises(InputError, match=r"joint order is thj3, thj2.*is ffj0, ffj1"):
        TransitionStore(folder).require_hand(RIGHT)


def test_a_full_disk_is_told_and_closed_shards_are_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = TransitionWriter(folder, LAYOUT, {})
    writer.append(block(20, 1))

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("dexgen_app.files.os.fsync", fail)
        with pytest.raises(InputError, match=r"No space left on device.*30 rows of closed shards"):
            writer.flush()
    assert not list(folder.glob(".*.tmp"))
    assert len(TransitionStore(folder, verify=True)) == 30
    writer.flush()  # there is room again: what was pending was not lost either
    assert len(TransitionStore(folder, verify=True)) == 50


def test_the_disk_that_fills_up_while_writing(tmp_path: Path) -> None:
    """A limit of the file's size fails as a full disk does: in the middle of a write."""
    script = (
        "import resource, signal\n"
        "from pathlib import Path\n"
        "from dexgen_app.errors import InputError\n"
        "from dexgen_app.learn.transitions import TransitionWriter\n"
        "from test_transitions import LAYOUT, block\n"
        f"writer = TransitionWriter(Path({str(tmp_path)!r}), LAYOUT, {{}})\n"
        "writer.append(block(100))\n"
        "writer.flush()\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "writer.append(block(1000, 1))\n"
        "try:\n"
        "    writer.flush()\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        cwd=Path(__file__).parent,
    )
    assert "rows cannot be written" in result.stdout and "100 rows" in result.stdout
    assert len(TransitionStore(tmp_path, verify=True)) == 100
    assert not list(tmp_path.glob(".*.tmp"))
