"""``dexgen-app recordings``: lists, describes, repairs, marks and exports session files."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dexgen_app.recording.reader import Recording

HELP = "list recordings, describe, recover, mark or export one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands of ``dexgen-app recordings``."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|info|recover|...")
    listing = verbs.add_parser("list", help="list the recordings of a folder")
    listing.add_argument("folder", nargs="?", type=Path, help="default: the recordings folder")
    info = _file_parser(verbs, "info", "describe a recording and its episodes")
    info.add_argument("--json", action="store_true", help="print JSON, with the configuration")
    info.add_argument("--events", action="store_true", help="print every event")
    recover = _file_parser(verbs, "recover", "make a whole file of one that was cut short")
    recover.add_argument("--output", type=Path, help="default: NAME.recovered.mcap beside it")
    mark = _file_parser(verbs, "mark", "change the mark or the note of an episode")
    mark.add_argument("episode", type=int, help="number of the episode")
    mark.add_argument("mark", nargs="?", help="keep, fail or discard; left as it is if absent")
    mark.add_argument("--note", help="replace the episode's note")
    export = _file_parser(verbs, "export", "write the rows as a table")
    kind = export.add_mutually_exclusive_group(required=True)
    kind.add_argument("--npz", action="store_true", help="all fields, for numpy")
    kind.add_argument("--csv", action="store_true", help="joints, poses and state, for anything")
    export.add_argument("--episode", type=int, default=-1, help="only this episode")
    export.add_argument("--output", type=Path, help="default: NAME.npz or NAME.csv beside it")


def _file_parser(verbs: Any, name: str, help: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=help)
    parser.add_argument("file", type=Path, help="a session file (.mcap)")
    return parser


def run(args: argparse.Namespace) -> int:
    """Do what was asked for.

    Raises:
        RecordingError: A file cannot be read or written.
    """
    verbs = {
        "list": _list,
        "info": _info,
        "recover": _recover,
        "mark": _mark,
        "export": _export,
    }
    return verbs[args.verb](args)


def _list(args: argparse.Namespace) -> int:
    from dexgen_app.errors import RecordingError
    from dexgen_app.paths import recordings_dir
    from dexgen_app.recording.reader import Recording

    folder = args.folder or recordings_dir()
    if not folder.is_dir():
        raise RecordingError("there is no such folder", where=str(folder))
    files = sorted(folder.glob("*.mcap"))
    if not files:
        print(f"no recordings in {folder}")
        return 0
    print(f"{'FILE':44} {'HAND':16} {'LENGTH':>8} {'ROWS':>7} {'EPISODES':>8}  STATE")
    for path in files:
        try:
            recording = Recording.open(path, topics=())
        except RecordingError as error:
            print(f"{path.name:44} {'-':16} {'-':>8} {'-':>7} {'-':>8}  {error.what}")
            continue
        print(
            f"{path.name:44} {recording.hand_id:16} {recording.seconds:6.1f} s "
            f"{len(recording.rows):7} {len(recording.episodes):8}  {_state(recording)}"
        )
    return 0


def _state(recording: Recording) -> str:
    if recording.truncated:
        return "cut short; readable, 'recover' makes it whole"
    return f"whole, {recording.dropped} rows dropped" if recording.dropped else "whole"


def _info(args: argparse.Namespace) -> int:
    from dexgen_app.recording.reader import Recording

    recording = Recording.open(args.file)
    if args.json:
        print(json.dumps(_describe(recording, events=args.events), indent=2))
        return 0
    session = recording.session
    print(f"{recording.path}: {_state(recording)}")
    print(f"  recorded   {session.wall_time} with dexgen-app {session.app_version}")
    print(f"  hand       {recording.hand_id}, {len(recording.joint_names)} joints")
    config = recording.config
    print(
        f"  session    driver {config.get('driver')}, device {config.get('device')}, "
        f"controller {config.get('controller')}, seed {config.get('seed')}"
    )
    rate = (len(recording.rows) - 1) / recording.seconds if recording.seconds else 0.0
    print(
        f"  length     {recording.seconds:.2f} s, {len(recording.rows)} rows ({rate:.1f} Hz), "
        f"{recording.dropped} dropped"
    )
    for episode in recording.episodes:
        mark = episode.mark or "(cut short)"
        note = f"  {episode.note!r}" if episode.note else ""
        begin_s = max(episode.begin_s, 0.0)
        print(
            f"  episode {episode.index:3} {begin_s:8.2f} s to {episode.end_s:8.2f} s  {mark}{note}"
        )
    if args.events:
        for event in recording.events:
            seconds = (event.stamp_ns - recording.start_ns) / 1e9
            print(f"  {seconds:9.3f} s  {event.kind:16} {json.dumps(dict(event.payload))}")
    return 0


def _describe(recording: Recording, *, events: bool) -> dict[str, Any]:
    from dexgen_app.recording.codec import to_plain

    session = recording.session
    described: dict[str, Any] = {
        "path": str(recording.path),
        "truncated": recording.truncated,
        "recording_id": session.id,
        "app_version": session.app_version,
        "wall_time": session.wall_time,
        "hand_id": recording.hand_id,
        "joint_names": list(recording.joint_names),
        "seconds": recording.seconds,
        "rows": len(recording.rows),
        "dropped": recording.dropped,
        "config": dict(recording.config),
        "episodes": to_plain(recording.episodes),
    }
    if events:
        described["events"] = to_plain(recording.events)
    return described


def _recover(args: argparse.Namespace) -> int:
    from dexgen_app.recording.recovery import recover

    made = recover(args.file, args.output)
    print(f"{made.path}: {made.rows} rows, {made.events} events, {made.seconds:.2f} s")
    return 0


def _mark(args: argparse.Namespace) -> int:
    from dexgen_app.errors import RecordingError
    from dexgen_app.recording.reader import Recording

    if args.mark is None and args.note is None:
        raise RecordingError("neither a mark nor a note was given", where=str(args.file))
    recording = Recording.open(args.file)
    edits = recording.edit_episode(args.episode, mark=args.mark, note=args.note)
    episode = Recording.open(args.file).episode(args.episode)
    print(f"episode {episode.index}: {episode.mark or '(no mark)'} {episode.note!r}, in {edits}")
    return 0


def _export(args: argparse.Namespace) -> int:
    from dexgen_app.recording.export import export_csv, export_npz, select_rows
    from dexgen_app.recording.reader import Recording

    recording = Recording.open(args.file)
    write, suffix = (export_npz, ".npz") if args.npz else (export_csv, ".csv")
    output = args.output or args.file.with_suffix(suffix)
    write(recording, output, args.episode)
    print(f"{output}: {len(select_rows(recording, args.episode))} rows")
    return 0
