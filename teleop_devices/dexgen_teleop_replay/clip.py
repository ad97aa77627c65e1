"""Recorded input: read, checked, with a time for every sample."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dexgen_app.errors import InputError
from dexgen_app.spec import HandSpec, InputKind

DEFAULT_RATE_HZ = 30.0
JUMP_M = 0.05
HAND_LENGTH_M = (0.05, 0.40)
_MIDDLE = (0, 9, 10, 11, 12)


@dataclass(frozen=True, eq=False)
class Clip:
    """A recorded sequence of samples.

    Attributes:
        kind: What the values mean.
        values: The samples, first axis time.
        times: When each sample is due after the start [s], increasing from 0.
        period: Time from the last sample to the first of the next round [s].
        notes: What is odd about the clip, for the user; empty if nothing is.
    """

    kind: InputKind
    values: np.ndarray
    times: np.ndarray
    period: float
    notes: str = ""


def read_clip(path: Path, rate_hz: float, hand: HandSpec) -> Clip:
    """Read a ``.npy`` clip of landmarks, or the raw input of an ``.mcap`` session.

    Args:
        path: The file.
        rate_hz: Frames a second of a ``.npy`` clip.
        hand: The hand that will be driven.

    Raises:
        InputError: The file is missing, of another kind, or has unusable values.
        RecordingError: The session file cannot be read.
    """
    if not path.is_file():
        raise InputError("there is no such file", where=str(path), remedy="Check the path")
    if path.suffix == ".mcap":
        return _read_session(path, hand)
    if path.suffix == ".npy":
        return _read_landmarks(path, rate_hz)
    raise InputError(
        f"a {path.suffix or 'nameless'} file cannot be played",
        where=str(path),
        remedy="Give a .npy clip of shape (T, 21, 3) or an .mcap session",
    )


def _read_landmarks(path: Path, rate_hz: float) -> Clip:
    where = str(path)
    try:
        with path.open("rb") as file:
            values = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError) as error:
        raise InputError(f"it is not a readable .npy file: {error}", where=where) from error
    if values.dtype.kind != "f":
        raise InputError(
            f"its numbers are {values.dtype}, not floating point",
            where=where,
            remedy="Save positions in metres as float32 or float64",
        )
    if values.ndim != 3 or values.shape[1:] != (21, 3) or len(values) < 2:
        raise InputError(
            f"its shape is {values.shape}, not (T, 21, 3) with at least two frames",
            where=where,
            remedy="Save 21 landmarks a frame, wrist first, in MediaPipe's order",
        )
    broken = ~np.isfinite(values).all(axis=(1, 2))
    if broken.any():
        raise InputError(
            f"{int(broken.sum())} of {len(values)} frames have values that are not finite, "
            f"the first is frame {int(np.argmax(broken))}",
            where=where,
            remedy="Fill or cut these frames",
        )
    values = values.astype(float)
    bones = np.linalg.norm(np.diff(values[:, _MIDDLE], axis=1), axis=2)
    length = float(np.median(bones.sum(axis=1)))
    if not HAND_LENGTH_M[0] <= length <= HAND_LENGTH_M[1]:
        raise InputError(
            f"the hand in it is {length:.3g} m long from wrist to middle fingertip",
            where=where,
            remedy="Save positions in metres",
        )
    times = np.arange(len(values)) / rate_hz
    return Clip(InputKind.LANDMARKS_21, values, times, 1.0 / rate_hz, _describe_jumps(values))


def _describe_jumps(values: np.ndarray) -> str:
    """Tell of frames between which a landmark moves too far for a hand."""
    steps = np.linalg.norm(np.diff(values, axis=0), axis=2).max(axis=1)
    jumps = np.flatnonzero(steps > JUMP_M)
    if not len(jumps):
        return ""
    return (
        f"{len(jumps)} jumps of up to {100 * steps.max():.0f} cm between frames, "
        f"the first after frame {int(jumps[0])}; the safety filter slows them down"
    )


def _read_session(path: Path, hand: HandSpec) -> Clip:
    from dexgen_app.recording.reader import Recording
    from dexgen_app.recording.schema import INPUT_TOPIC

    recording = Recording.open(path, topics=(INPUT_TOPIC,))
    rows = recording.rows
    rows = rows[rows["input_kind"] != InputKind.NONE]
    if len(rows):
        rows = rows[rows["input_kind"] == rows["input_kind"][0]]
        new = np.diff(rows["sample_sequence"], prepend=rows["sample_sequence"][0] - 1) != 0
        rows = rows[new]
    if len(rows) < 2:
        raise InputError("nobody drove the hand in this session", where=str(path))
    kind = InputKind(int(rows["input_kind"][0]))
    if kind == InputKind.JOINTS:
        recording.require_hand(hand)
        values = rows["raw_joints"]
    else:
        shape = {
            InputKind.LANDMARKS_21: (21, 3),
            InputKind.OPENXR_26: (26, 7),
            InputKind.FINGERTIPS: (len(hand.fingers), 3),
        }[kind]
        values = rows["raw_points"][:, : shape[0], : shape[1]]
    values = values.astype(float)
    whole = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if whole.sum() < 2:
        raise InputError("its raw input has no finite values", where=str(path))
    values, born = values[whole], rows["sample_born_ns"][whole]
    times = np.maximum.accumulate((born - born[0]) * 1e-9)
    dropped = int((~whole).sum())
    notes = f"{dropped} samples without finite values are left out" if dropped else ""
    return Clip(kind, values, times, float(np.median(np.diff(times))), notes)
