"""``dexgen-app replay``: plays a recording in the view, in the simulator or on a hand."""

from __future__ import annotations

import argparse
import json
import math
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dexgen_app.errors import DexgenError

if TYPE_CHECKING:
    from dexgen_app.live.protocol import SessionConfig
    from dexgen_app.recording.reader import Recording
    from dexgen_app.recording.replay_run import ReplayOutcome

HELP = "play a recording in the 3D view, in the simulator or on a hand"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app replay``."""
    parser.add_argument("file", type=Path, help="a session file (.mcap)")
    parser.add_argument(
        "--in",
        dest="place",
        choices=("view", "sim", "hand"),
        default="view",
        help="view: look at it; sim: play its targets in the simulator; hand: on a real hand",
    )
    parser.add_argument("--episode", type=int, default=-1, help="number of an episode; -1: all")
    parser.add_argument("--start", type=float, default=0.0, help="begin there [s]")
    parser.add_argument("--end", type=float, default=-1.0, help="end there [s]; -1: at the end")
    parser.add_argument("--speed", type=float, default=1.0, help="factor on the recorded clock")
    parser.add_argument("--loop", action="store_true", help="play again and again, until Ctrl-C")
    group = parser.add_argument_group("in the simulator or on a hand")
    group.add_argument(
        "--engine", choices=("genesis", "mujoco"), help="simulator; default: the recorded one"
    )
    group.add_argument("--driver", help="ID[:ARGUMENT] of the hand; default: the recorded one")
    group.add_argument("--report", type=Path, metavar="FILE.json", help="write the drift")


def run(args: argparse.Namespace) -> int:
    """Play the recording as the options say.

    Raises:
        DexgenError: The recording cannot be played, or not there.
    """
    from dexgen_app.live.headless import check_writable
    from dexgen_app.recording.playback import TOPICS, Playback
    from dexgen_app.recording.reader import Recording

    if args.place == "view":
        return _view(args)
    recording = Recording.open(args.file, topics=TOPICS)
    # Wrong limits, speeds and episodes are found before anything slow begins.
    Playback(recording, args.episode, args.start, args.end, args.speed)
    config = _make_config(args, recording)
    if args.report:
        check_writable(args.report)
    outcome = _play(args, config, recording)
    if outcome is None:
        print("nothing was played")
        return 1
    _print(outcome, recording, args)
    if args.report:
        report = _report(outcome, recording, config, args)
        _write_report(args.report, report)
    return 0


def _view(args: argparse.Namespace) -> int:
    from dexgen_app.recording.playback import TOPICS, Playback
    from dexgen_app.recording.reader import Recording

    if args.report or args.driver or args.engine:
        raise DexgenError(
            "--engine, --driver and --report are for a replay in the simulator or on a hand",
            remedy="Add --in sim or --in hand",
        )
    recording = Recording.open(args.file, topics=TOPICS)
    Playback(recording, args.episode, args.start, args.end, args.speed)
    from dexgen_app.display import require_display

    require_display()
    from dexgen_app.gui.app import run_window

    def show(application: Any) -> None:
        window = application.window
        window.open_review(args.file, args.episode)
        timeline = window.timeline
        if args.start > 0.0 or args.end >= 0.0:
            timeline.set_range(args.start, args.end if args.end >= 0.0 else timeline.duration)
            timeline.set_position(args.start)
        timeline.set_speed(args.speed)
        timeline.set_loop(args.loop)
        timeline.play()

    return int(run_window(read_only=True, after_start=show))


def _make_config(args: argparse.Namespace, recording: Recording) -> SessionConfig:
    """Return the recorded session's configuration, with nobody at the device."""
    config = recording.session_config()
    simulated = args.place == "sim"
    driver = "sim" if simulated else args.driver or config.driver
    if simulated and args.driver:
        raise DexgenError("--driver is for --in hand", where=args.driver)
    if not simulated and driver == "sim":
        raise DexgenError(
            "this was recorded in the simulator: name the hand to play it on",
            where=str(args.file),
            remedy="Add --driver ID[:ARGUMENT]; 'dexgen-app plugins' shows the hands' drivers",
        )
    return replace(
        config,
        hand=recording.hand_id,
        driver=driver,
        engine=args.engine or config.engine,
        device="sliders",
        controller="direct",
        parameters={},
        hold_dead_man=simulated,
        safe_mode=bool(getattr(args, "safe_mode", False)),
        disabled=tuple(getattr(args, "disable", ())),
    )


def _play(
    args: argparse.Namespace, config: SessionConfig, recording: Recording
) -> ReplayOutcome | None:
    from dexgen_app.live.client import LiveSession
    from dexgen_app.live.device_link import split_id
    from dexgen_app.live.parts import find_driver
    from dexgen_app.live.protocol import StartReplay
    from dexgen_app.recording.replay_run import ReplayRun
    from dexgen_app.recording.terminal import TerminalDeadMan

    command = StartReplay(
        path=str(args.file.absolute()),
        episode=args.episode,
        start_s=args.start,
        end_s=args.end,
        speed=args.speed,
    )
    session = LiveSession(config)
    try:
        recording.require_hand(session.hand)
        if args.place == "hand":
            find_driver(session.hand, split_id(config.driver)[0])
        with nullcontext() if args.place == "sim" else TerminalDeadMan() as dead_man:
            held = None if dead_man is None else dead_man.held
            return ReplayRun(session, command, repeat=args.loop, dead_man=held).run()
    finally:
        session.close()


def _print(outcome: ReplayOutcome, recording: Recording, args: argparse.Namespace) -> None:
    status = outcome.status
    print(f"played {status.position_s:.2f} of {status.length_s:.2f} s of {recording.path}")
    if math.isfinite(status.mean_drift_rad):
        print(
            f"  joints  mean {math.degrees(status.mean_drift_rad):.2f} deg, "
            f"largest {math.degrees(status.max_drift_rad):.2f} deg from the recorded positions"
        )
    if math.isfinite(status.mean_object_drift_m):
        end = "dropped at the end"
        if math.isfinite(status.object_drift_m):
            end = f"at the end {status.object_drift_m * 1e3:.1f} mm from its recorded place"
        print(
            f"  object  mean {status.mean_object_drift_m * 1e3:.1f} mm, "
            f"largest {status.max_object_drift_m * 1e3:.1f} mm, {end}"
        )
    else:
        print("  object  not observed in the recording or here: no drift to tell")
    if args.place == "sim":
        recorded = int(recording.rows["drops"][-1] - recording.rows["drops"][0])
        print(f"  dropped {outcome.drops} times here, {recorded} times in the whole recording")


def _report(
    outcome: ReplayOutcome, recording: Recording, config: SessionConfig, args: argparse.Namespace
) -> dict[str, Any]:
    return {
        "recording": str(recording.path),
        "recording_id": recording.session.id,
        "hand": recording.hand_id,
        "driver": config.driver,
        "engine": config.engine,
        "recorded_engine": recording.config.get("engine"),
        "episode": args.episode,
        "speed": args.speed,
        **outcome.as_dict(),
    }


def _write_report(path: Path, report: dict[str, Any]) -> None:
    from dexgen_app.recording.episodes import write_atomically

    write_atomically(path, (json.dumps(report, indent=2) + "\n").encode())
