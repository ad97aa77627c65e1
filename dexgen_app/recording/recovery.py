"""Makes a whole session file of one whose recorder was killed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dexgen_app.errors import RecordingError
from dexgen_app.files import replacing
from dexgen_app.recording.episodes import sidecar_path, write_atomically
from dexgen_app.recording.reader import Recording
from dexgen_app.recording.schema import Event, EventKind
from dexgen_app.recording.writer import RecordingWriter, describe_os_error

_ROWS_PER_CHUNK = 240


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """What a recovery made: the new file, and what it holds."""

    path: Path
    rows: int
    events: int
    seconds: float


def recover(path: str | Path, output: str | Path | None = None) -> Recovered:
    """Copy what can be read of a recording into a new file with an index and a proper end.

    The original is not touched; marks and notes that were given later are copied with it.

    Args:
        path: A session file, whole or not.
        output: The new file; ``NAME.recovered.mcap`` beside the original if None.

    Raises:
        RecordingError: Nothing can be read, or the new file exists or cannot be written.
    """
    recording = Recording.open(path)
    stem = recording.path.name.removesuffix(".mcap")
    target = Path(output) if output else recording.path.with_name(f"{stem}.recovered.mcap")
    if target.exists():
        raise RecordingError(
            "the file exists already", where=str(target), remedy="Name another with --output"
        )
    try:
        with replacing(target) as temporary:
            _rewrite(recording, temporary)
            edits = sidecar_path(recording.path)
            if edits.exists():
                write_atomically(sidecar_path(target), edits.read_bytes())
    except OSError as error:
        raise describe_os_error(error, target) from error
    return Recovered(
        path=target,
        rows=len(recording.rows),
        events=len(recording.events),
        seconds=recording.seconds,
    )


def _rewrite(recording: Recording, path: Path) -> None:
    """Write a recording anew, with an end where it had none."""
    writer = RecordingWriter(path, recording.session)
    events = list(recording.events)
    for start in range(0, len(recording.rows), _ROWS_PER_CHUNK):
        rows = recording.rows[start : start + _ROWS_PER_CHUNK]
        while events and events[0].stamp_ns <= int(rows["stamp_ns"][-1]):
            writer.write_event(events.pop(0))
        writer.write_rows(rows)
        writer.flush()
    for event in events:
        writer.write_event(event)
    if recording.truncated:
        last_ns = int(recording.rows["stamp_ns"][-1]) if len(recording.rows) else 0
        last_ns = max([last_ns, *(event.stamp_ns for event in recording.events)])
        reason = "recovered from a file that had no end"
        writer.write_event(Event(last_ns, EventKind.RECORDING_END, {"reason": reason}))
    writer.close()
