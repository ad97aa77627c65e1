import numpy as np
import pytest

from dexgen_app.errors import DexgenError, InputError
from dexgen_app.paths import recordings_dir
from dexgen_app.spec import HandState, InputKind, TeleopContext
from dexgen_hand_allegro.spec import RIGHT
from dexgen_teleop_replay.device import list_recordings, make_replay
from dexgen_teleop_script.device import make_script

N = RIGHT.joint_count
HOME = np.array(RIGHT.home)
STATE = HandState(
    stamp_ns=0,
    position=HOME,
    velocity=np.zeros(N),
    effort=np.zeros(N),
    target=HOME,
    temperature=np.full(N, np.nan),
)
SECOND = 1_000_000_000


def context(argument, seed=0):
    return TeleopContext(hand=RIGHT, argument=argument, seed=seed)


def landmarks(frames=10):
    """A hand of plausible size that drifts a little."""
    hand = np.zeros((21, 3))
    for finger in range(5):
        for bone in range(4):
            hand[1 + 4 * finger + bone] = (0.0, 0.02 * (2 - finger), 0.09 + 0.025 * bone)
    return hand + 0.001 * np.arange(frames)[:, None, None]


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.npy"
    np.save(path, landmarks())
    return path


# Replay ---------------------------------------------------------------------------------------


def test_frames_come_when_they_are_due(clip):
    device = make_replay(context(f"{clip},rate=10"))
    device.connect()
    first = device.read(5 * SECOND, STATE)
    assert first.kind == InputKind.LANDMARKS_21 and first.sequence == 0
    assert first.born_ns == 5 * SECOND - 25_000_000
    later = device.read(5 * SECOND + 250_000_000, STATE)
    assert later.sequence == 2 and later.born_ns == first.born_ns + 200_000_000
    assert np.allclose(later.values, landmarks()[2])


def test_the_rate_is_30_hz_unless_told(clip):
    device = make_replay(context(str(clip)))
    device.read(0, STATE)
    assert device.read(SECOND // 10 + 1, STATE).sequence == 3


def test_a_clip_begins_again_with_new_sequence_numbers(clip):
    device = make_replay(context(f"{clip},rate=10"))
    device.read(SECOND, STATE)
    again = device.read(2 * SECOND, STATE)
    assert again.sequence == 10 and np.allclose(again.values, landmarks()[0])


def test_without_a_loop_the_last_frame_grows_old(clip):
    device = make_replay(context(f"{clip},rate=10,loop=no"))
    device.read(SECOND, STATE)
    first, second = device.read(3 * SECOND, STATE), device.read(4 * SECOND, STATE)
    assert first.sequence == second.sequence == 9
    assert second.born_ns == SECOND - 25_000_000 + 900_000_000


def test_reset_begins_again(clip):
    device = make_replay(context(f"{clip},rate=10"))
    device.read(SECOND, STATE)
    device.handle_input({"reset": True})
    assert device.read(SECOND + SECOND // 2, STATE).sequence == 0


def test_the_human_clip_plays_and_its_jumps_are_told(human_clip_path, human_clip):
    device = make_replay(context(str(human_clip_path)))
    assert "jumps" in device.description and "frame 12" in device.description
    device.read(SECOND, STATE)
    assert np.allclose(device.read(2 * SECOND + 1, STATE).values, human_clip[30])


def _save(values):
    return lambda path: np.save(path, values)


def _with_nan():
    values = landmarks()
    values[4, 2, 1] = np.nan
    return values


@pytest.mark.parametrize(
    "write, word",
    [
        (_save(_with_nan()), "frame 4"),
        (_save(landmarks()[:, :20]), r"\(10, 20, 3\)"),
        (_save(landmarks()[0]), "shape"),
        (_save(landmarks(1)), "two frames"),
        (_save(landmarks().astype(int)), "floating"),
        (_save(landmarks() * 1000), "metres"),
        (_save(np.zeros((5, 21, 3))), "metres"),
        (_save(np.array([{"a": 1}], dtype=object)), "readable"),
        (lambda path: path.write_bytes(b"hello"), "readable"),
        (lambda path: path.write_bytes(b""), "readable"),
        (lambda path: None, "no such file"),
    ],
)
def test_a_clip_that_cannot_be_used_says_why(tmp_path, write, word):
    path = tmp_path / "bad.npy"
    write(path)
    with pytest.raises(InputError, match=word) as caught:
        make_replay(context(str(path)))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "argument, word",
    [("", "no file"), ("{},rate=0", "rate"), ("{},rate=x", "rate"), ("{},speed=2", "speed")],
)
def test_options_that_are_wrong_say_so(clip, argument, word):
    with pytest.raises(InputError, match=word):
        make_replay(context(argument.format(clip)))


def test_another_kind_of_file_is_refused(tmp_path):
    path = tmp_path / "clip.csv"
    path.write_text("1,2,3")
    with pytest.raises(InputError, match="csv"):
        make_replay(context(str(path)))


def test_a_foreign_mcap_is_refused(tmp_path):
    path = tmp_path / "session.mcap"
    path.write_bytes(b"not a recording")
    with pytest.raises(DexgenError, match=r"session\.mcap"):
        make_replay(context(str(path)))


def test_recordings_are_offered_newest_first():
    assert list_recordings() == []
    for name in ("a.mcap", "b.mcap"):
        (recordings_dir() / name).write_bytes(b"")
    assert sorted(list_recordings()) == [str(recordings_dir() / n) for n in ("a.mcap", "b.mcap")]


# Script ---------------------------------------------------------------------------------------


def poses(seed=0, argument="", seconds=20):
    device = make_script(context(argument, seed))
    return np.array(
        [device.read(SECOND + t * 16_666_667, STATE).values for t in range(seconds * 60)]
    )


def test_the_seed_decides_the_motion():
    assert np.array_equal(poses(3, seconds=2), poses(3, seconds=2))
    assert not np.allclose(poses(3, seconds=2), poses(4, seconds=2))


def test_it_starts_from_the_hand_and_stays_smooth_and_inside():
    motion = poses(argument="1.0")
    assert np.array_equal(motion[0], HOME)
    assert (motion >= RIGHT.limits[0]).all() and (motion <= RIGHT.limits[1]).all()
    assert np.abs(np.diff(motion, axis=0)).max() * 60 < 4.0
    assert (np.ptp(motion, axis=0) > 0.2).sum() > 8


def test_the_amplitude_scales_it():
    assert np.array_equal(poses(argument="0", seconds=2), np.tile(HOME, (120, 1)))
    small = np.abs(poses(argument="0.05") - HOME).max()
    assert 0 < small < 0.3


@pytest.mark.parametrize("argument", ["much", "-1", "2", "nan"])
def test_an_impossible_amplitude_is_refused(argument):
    with pytest.raises(InputError, match="amplitude"):
        make_script(context(argument))


def test_reset_starts_from_the_hand_again():
    device = make_script(context("1.0"))
    device.read(SECOND, STATE)
    device.read(9 * SECOND, STATE)
    device.handle_input({"reset": True})
    assert np.array_equal(device.read(10 * SECOND, STATE).values, HOME)
