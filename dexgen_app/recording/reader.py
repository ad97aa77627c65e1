"""Reads a session file back: rows, episodes, events and configuration."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from mcap.exceptions import McapError

from dexgen_app.errors import RecordingError
from dexgen_app.live.protocol import SessionConfig
from dexgen_app.live.row import row_dtype
from dexgen_app.recording.codec import (
    decode_event,
    decode_messages,
    decode_session,
    empty_rows,
)
from dexgen_app.recording.episodes import Episode, apply_edits, edit_episode, find_episodes
from dexgen_app.recording.schema import (
    EVENT_TOPIC,
    LOOP_TOPIC,
    SCHEMA_NAMES,
    SESSION_METADATA,
    Event,
    Session,
)
from dexgen_app.recording.stream import McapStream, Message
from dexgen_app.spec import FingerSpec, HandSpec, ObjectSpec, SceneSpec, WristProgram

_T = TypeVar("_T")
_DAMAGE = (LookupError, TypeError, ValueError, OverflowError, struct.error, McapError)
"""What reading a damaged file may raise."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Recording:
    """A session file in memory.

    Attributes:
        path: The file.
        session: What is true for the whole file.
        rows: Rows of ``row_dtype``, in order; ``sequence`` and ``stamp_ns`` are the worker's.
        events: Events in the order of time.
        episodes: Episodes in order, with marks and notes that were given later.
        truncated: True if the file has no proper end because the recorder was killed; rows and
            events are what was on the disk.
    """

    path: Path
    session: Session = field(repr=False)
    rows: np.ndarray = field(repr=False)
    events: tuple[Event, ...] = field(repr=False)
    episodes: tuple[Episode, ...]
    truncated: bool

    @classmethod
    def open(cls, path: str | Path, topics: Collection[str] | None = None) -> Recording:
        """Read a session file, also one whose recorder was killed.

        Args:
            path: The file.
            topics: Row channels to read beside ``/loop``, which is faster; the fields of the
                others stay NaN or zero. All if None.

        Raises:
            RecordingError: The file is missing, empty, foreign or of another layout version.
        """
        path = Path(path).expanduser()
        stream = McapStream(path)
        session: Session | None = None
        parts: list[np.ndarray] = []
        events: list[Event] = []
        try:
            for chunk in stream.chunks():
                session = session or _session(stream)
                events += [decode_event(data) for _, data in chunk.pop(EVENT_TOPIC, [])]
                parts.append(_decode_rows(chunk, len(session.hand["joint_names"]), topics))
            session = session or _session(stream)
        except _DAMAGE as error:
            raise RecordingError(
                f"the file is damaged ({type(error).__name__}: {error})", where=str(path)
            ) from error
        dtype = row_dtype(len(session.hand["joint_names"]))
        rows = np.concatenate([np.zeros(0, dtype), *parts])
        events.sort(key=lambda event: event.stamp_ns)
        first_ns = int(rows["stamp_ns"][0]) if len(rows) else session.monotonic_ns
        last_ns = int(rows["stamp_ns"][-1]) if len(rows) else first_ns
        episodes = find_episodes(events, first_ns, last_ns)
        return cls(
            path=path,
            session=session,
            rows=rows,
            events=tuple(events),
            episodes=apply_edits(episodes, path, session.id),
            truncated=stream.truncated,
        )

    @property
    def hand_id(self) -> str:
        """Identifier of the hand that was recorded."""
        return str(self.session.hand["id"])

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in the order of every per-joint array."""
        return tuple(self.session.hand["joint_names"])

    @property
    def config(self) -> Mapping[str, Any]:
        """The session's full configuration as plain data."""
        return self.session.config

    @cached_property
    def hand(self) -> HandSpec:
        """The hand as it was when it was recorded, without its drivers.

        Raises:
            RecordingError: It was described by another version of the application.
        """
        known = {f.name for f in fields(HandSpec)} - {"drivers", "fingers"}
        data = {k: _tuples(v) for k, v in self.session.hand.items() if k in known}
        fingers = self.session.hand["fingers"]
        data["fingers"] = tuple(
            FingerSpec(**{k: _tuples(v) for k, v in f.items()}) for f in fingers
        )
        return self._build(HandSpec, data)

    def session_config(self) -> SessionConfig:
        """Return the configuration that the session ran with.

        Raises:
            RecordingError: It was described by another version of the application.
        """
        known = {f.name for f in fields(SessionConfig)}
        data = {k: _tuples(v) for k, v in self.config.items() if k in known}
        if "scene" in data:
            data["scene"] = self._build(_scene, {"data": self.config["scene"]})
        return self._build(SessionConfig, data)

    def _build(self, make: Callable[..., _T], data: Mapping[str, Any]) -> _T:
        try:
            return make(**data)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise RecordingError(
                f"the file does not describe its session as this version does ({error})",
                where=str(self.path),
                remedy=f"Open it with dexgen-app {self.session.app_version}",
            ) from error

    @cached_property
    def times_s(self) -> np.ndarray:
        """Seconds from the first row to every row on the recorded clock, shape (n,)."""
        if not len(self.rows):
            return np.zeros(0)
        return (self.rows["stamp_ns"] - self.start_ns) / 1e9

    @property
    def start_ns(self) -> int:
        """Monotonic time of the first row [ns]."""
        return int(self.rows["stamp_ns"][0]) if len(self.rows) else self.session.monotonic_ns

    @property
    def seconds(self) -> float:
        """Length of the recording [s]."""
        return float(self.times_s[-1]) if len(self.rows) else 0.0

    @property
    def dropped(self) -> int:
        """Rows that the recorder could not read in time and that are missing."""
        return sum(int(e.payload.get("rows", 0)) for e in self.events if e.kind == "dropped")

    def episode(self, index: int) -> Episode:
        """Return an episode by its number.

        Raises:
            RecordingError: There is no such episode.
        """
        for episode in self.episodes:
            if episode.index == index:
                return episode
        known = ", ".join(str(episode.index) for episode in self.episodes) or "none"
        raise RecordingError(
            f"there is no episode {index}", where=str(self.path), remedy=f"It has: {known}"
        )

    def episode_rows(self, index: int) -> np.ndarray:
        """Return the rows between an episode's begin and end.

        Raises:
            RecordingError: There is no such episode.
        """
        episode = self.episode(index)
        stamps = self.rows["stamp_ns"]
        return self.rows[(stamps >= episode.begin_ns) & (stamps <= episode.end_ns)]

    def edit_episode(self, index: int, *, mark: str | None = None, note: str | None = None) -> Path:
        """Give an episode another mark or note in the file beside the recording.

        Returns:
            The file of edits; open the recording again to see them.

        Raises:
            RecordingError: There is no such episode or mark, or the file cannot be written.
        """
        return edit_episode(self.path, self.session.id, self.episodes, index, mark=mark, note=note)

    def require_hand(self, spec: HandSpec) -> None:
        """Check that the recording can be played on a hand.

        Raises:
            RecordingError: It was made with another hand, or the hand's joints have changed.
        """
        if spec.id != self.hand_id:
            raise RecordingError(
                f"this is a recording of the hand {self.hand_id}, not of {spec.id}",
                where=str(self.path),
                remedy=f"Connect {self.hand_id} and try again",
            )
        if spec.joint_names != self.joint_names:
            raise RecordingError(
                f"the joints of {spec.id} have changed since this recording was made",
                where=str(self.path),
                remedy="Play it with the version of the hand's plugin that recorded it",
            )


def _session(stream: McapStream) -> Session:
    metadata = stream.metadata.get(SESSION_METADATA)
    if metadata is None:
        if stream.truncated and not stream.metadata:
            raise RecordingError(
                "the file ends before its description: nothing can be read",
                where=str(stream.path),
            )
        raise RecordingError(
            "this MCAP file was not recorded by dexgen-app", where=str(stream.path)
        )
    return decode_session(metadata, where=str(stream.path))


def _decode_rows(
    chunk: dict[str, list[Message]], joints: int, topics: Collection[str] | None
) -> np.ndarray:
    """Return the rows of one chunk; the loop's messages say which rows there are."""
    loop = chunk.get(LOOP_TOPIC, [])
    rows = empty_rows(len(loop), row_dtype(joints))
    place = {sequence: index for index, (sequence, _) in enumerate(loop)}
    for topic, messages in chunk.items():
        unwanted = topics is not None and topic != LOOP_TOPIC and topic not in topics
        if unwanted or topic not in SCHEMA_NAMES:
            continue
        # One call for the whole chunk: a call for every message would cost more than the parsing.
        decoded = json.loads(b"[" + b",".join([data for _, data in messages]) + b"]")
        where = np.array([place[sequence] for sequence, _ in messages])
        decode_messages(topic, decoded, rows, where)
    return rows


def _tuples(value: Any) -> Any:
    """Return lists as tuples, as frozen specifications hold them."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _scene(data: Mapping[str, Any]) -> SceneSpec:
    thing = data.get("object")
    wrist = {k: _tuples(v) for k, v in data.get("wrist", {}).items()}
    return SceneSpec(
        object=ObjectSpec(**{k: _tuples(v) for k, v in thing.items()}) if thing else None,
        wrist=WristProgram(**wrist),
    )
