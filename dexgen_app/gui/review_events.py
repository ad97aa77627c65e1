"""Ticks of the timeline, found in a recording's events and rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dexgen_app.gui.timeline_track import EventKind, TimelineEvent
from dexgen_app.live.row import Clip, SessionState

if TYPE_CHECKING:
    from dexgen_app.recording.reader import Recording

_KINDS: dict[str, EventKind] = {"state": "state", "note": "note", "stop": "fault", "fault": "fault"}
# What the filter did to a moving hand; holding still without the dead-man switch is no burst.
_CLIPPED = (
    Clip.POSITION_LIMIT
    | Clip.SPEED_LIMIT
    | Clip.STEP_LIMIT
    | Clip.JUMP
    | Clip.EFFORT_LIMIT
    | Clip.TEMPERATURE
    | Clip.NOT_FINITE
)
_GAP_S = 0.25


def timeline_events(recording: Recording, rows: np.ndarray) -> list[TimelineEvent]:
    """Return the episodes, state changes, notes and clip bursts within ``rows``.

    Args:
        recording: A recording.
        rows: The rows that are reviewed; times count from the first of them.
    """
    start_ns, end_ns = int(rows["stamp_ns"][0]), int(rows["stamp_ns"][-1])
    found = []
    for episode in recording.episodes:
        if episode.end_ns >= start_ns and episode.begin_ns <= end_ns:
            begin = max(0.0, (episode.begin_ns - start_ns) / 1e9)
            end = (min(episode.end_ns, end_ns) - start_ns) / 1e9
            text = f"Episode {episode.index} {episode.mark}".strip()
            found.append(TimelineEvent(begin, "episode", text, end))
    for event in recording.events:
        if event.kind in _KINDS and start_ns <= event.stamp_ns <= end_ns:
            time_s = (event.stamp_ns - start_ns) / 1e9
            found.append(
                TimelineEvent(time_s, _KINDS[event.kind], _describe(event.kind, event.payload))
            )
    return found + clip_bursts(rows)


def clip_bursts(rows: np.ndarray) -> list[TimelineEvent]:
    """Return the spans in which the safety filter changed targets; short gaps are bridged."""
    flags = np.bitwise_or.reduce(rows["clip"] & np.uint32(_CLIPPED), axis=1)
    hits = np.flatnonzero(flags)
    if not len(hits):
        return []
    times = (rows["stamp_ns"] - rows["stamp_ns"][0]) / 1e9
    breaks = np.flatnonzero(np.diff(times[hits]) > _GAP_S) + 1
    bursts = []
    for burst in np.split(hits, breaks):
        why = Clip(int(np.bitwise_or.reduce(flags[burst])))
        names = ", ".join(flag.name.lower().replace("_", " ") for flag in why if flag.name)
        end = max(float(times[burst[-1]]), float(times[burst[0]]) + 0.02)
        bursts.append(TimelineEvent(float(times[burst[0]]), "clip", f"Filter: {names}", end))
    return bursts


def _describe(kind: str, payload: object) -> str:
    data = payload if isinstance(payload, dict) else {}
    if kind == "state":
        state = data.get("state", "")
        try:
            state = SessionState(int(state)).name
        except (ValueError, TypeError):
            state = str(state)
        return f"{state} {data.get('reason', '')}".strip()
    text = str(data.get("text", data.get("reason", "")))
    return f"{kind.capitalize()}: {text}" if text else kind.capitalize()
