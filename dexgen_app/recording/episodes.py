"""Episodes of a recording, and edits of their marks and notes after the recording.

A recording is never changed. Edits live beside it in ``NAME.episodes.toml``, which names the
recording that it belongs to.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import tomli_w

from dexgen_app.errors import RecordingError
from dexgen_app.files import replacing
from dexgen_app.live.protocol import Mark
from dexgen_app.recording.schema import Event, EventKind
from dexgen_app.recording.writer import describe_os_error

SIDECAR_SUFFIX = ".episodes.toml"
MARKS: tuple[str, ...] = get_args(Mark)
_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Episode:
    """A part of a recording.

    Attributes:
        index: Number of the episode, stored in every row.
        begin_ns: Monotonic time of its begin [ns].
        end_ns: Monotonic time of its end [ns]; that of the last row if it never ended.
        begin_s: Seconds from the recording's first row to the begin.
        end_s: Seconds from the recording's first row to the end.
        mark: ``keep``, ``fail`` or ``discard``; empty for an episode that never ended.
        note: What the person wrote during the episode or later; lines.
        complete: False if the recording stopped before the episode ended.
    """

    index: int
    begin_ns: int
    end_ns: int
    begin_s: float
    end_s: float
    mark: str = ""
    note: str = ""
    complete: bool = True

    @property
    def seconds(self) -> float:
        """Length of the episode [s]."""
        return self.end_s - self.begin_s


def find_episodes(events: Sequence[Event], first_ns: int, last_ns: int) -> tuple[Episode, ...]:
    """Return the episodes that the events tell of, in order.

    Args:
        events: Events in the order of time.
        first_ns: Stamp of the recording's first row [ns].
        last_ns: Stamp of its last row [ns].
    """
    found: list[Episode] = []

    def close(end_ns: int, mark: str = "", complete: bool = False, note: str = "") -> None:
        episode = found[-1]
        end_ns = max(end_ns, episode.begin_ns)
        found[-1] = replace(
            episode,
            end_ns=end_ns,
            end_s=(end_ns - first_ns) / 1e9,
            mark=mark,
            complete=complete,
            note="\n".join(text for text in (episode.note, note) if text),
        )

    running = False
    for event in events:
        payload = event.payload
        if event.kind == EventKind.EPISODE_BEGIN:
            if running:
                close(event.stamp_ns)
            begin_s = (event.stamp_ns - first_ns) / 1e9
            found.append(
                Episode(
                    index=int(payload.get("index", len(found))),
                    begin_ns=event.stamp_ns,
                    end_ns=event.stamp_ns,
                    begin_s=begin_s,
                    end_s=begin_s,
                    complete=False,
                )
            )
            running = True
        elif event.kind == EventKind.EPISODE_END and running:
            close(event.stamp_ns, str(payload.get("mark", "")), True, str(payload.get("note", "")))
            running = False
        elif event.kind == EventKind.NOTE and running:
            lines = (found[-1].note, str(payload.get("text", "")))
            found[-1] = replace(found[-1], note="\n".join(text for text in lines if text))
    if running:
        close(last_ns, note="")
    return tuple(found)


def sidecar_path(recording: Path) -> Path:
    """Return where edits of a recording's marks and notes are kept."""
    return recording.with_name(recording.name.removesuffix(".mcap") + SIDECAR_SUFFIX)


def _read_sidecar(recording: Path, recording_id: str) -> dict[int, dict[str, Any]]:
    path = sidecar_path(recording)
    try:
        with path.open("rb") as file:
            data = tomllib.load(file)
        if data["schema_version"] != _VERSION:
            raise RecordingError(
                f"the edits have layout version {data['schema_version']}, this application reads "
                f"version {_VERSION}",
                where=str(path),
            )
        if data["recording_id"] != recording_id:
            raise RecordingError(
                "these marks and notes belong to another recording",
                where=str(path),
                remedy="Move the file away, or give the recording its own name",
            )
        return {int(entry["index"]): entry for entry in data["episode"]}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise describe_os_error(error, path) from error
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise RecordingError(
            f"the file of marks and notes is damaged ({error})",
            where=str(path),
            remedy="Correct it or move it away; the recording itself is whole",
        ) from error


def apply_edits(
    episodes: tuple[Episode, ...], recording: Path, recording_id: str
) -> tuple[Episode, ...]:
    """Return the episodes with the marks and notes that were given later.

    Raises:
        RecordingError: The file of edits is damaged or belongs to another recording.
    """
    edits = _read_sidecar(recording, recording_id)
    return tuple(
        replace(
            episode,
            mark=str(edits.get(episode.index, {}).get("mark", episode.mark)),
            note=str(edits.get(episode.index, {}).get("note", episode.note)),
        )
        for episode in episodes
    )


def edit_episode(
    recording: Path,
    recording_id: str,
    episodes: Sequence[Episode],
    index: int,
    *,
    mark: str | None = None,
    note: str | None = None,
) -> Path:
    """Give an episode another mark or note, beside the recording.

    Args:
        recording: The session file, which is not touched.
        recording_id: Its identifier.
        episodes: Its episodes.
        index: Number of the episode.
        mark: ``keep``, ``fail`` or ``discard``; None leaves it.
        note: The new note; None leaves it.

    Returns:
        The file of edits.

    Raises:
        RecordingError: There is no such episode or mark, or the file cannot be written.
    """
    if index not in {episode.index for episode in episodes}:
        known = ", ".join(str(episode.index) for episode in episodes) or "none"
        raise RecordingError(
            f"there is no episode {index}", where=str(recording), remedy=f"It has: {known}"
        )
    if mark is not None and mark not in MARKS:
        raise RecordingError(
            f"{mark!r} is no mark", where=str(recording), remedy=f"Known: {', '.join(MARKS)}"
        )
    edits = _read_sidecar(recording, recording_id)
    entry = edits.setdefault(index, {"index": index})
    if mark is not None:
        entry["mark"] = mark
    if note is not None:
        entry["note"] = note
    text = tomli_w.dumps(
        {
            "schema_version": _VERSION,
            "recording_id": recording_id,
            "episode": [edits[key] for key in sorted(edits)],
        }
    )
    path = sidecar_path(recording)
    write_atomically(path, text.encode())
    return path


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file in one go.

    Raises:
        RecordingError: The file cannot be written.
    """
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise describe_os_error(error, path) from error
