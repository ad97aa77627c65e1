"""``dexgen-app hand``: lists the hands and checks a hand's model."""

from __future__ import annotations

import argparse
import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dexgen_app.kinematics.inspection import HandReport
    from dexgen_app.spec import HandSpec

HELP = "list the hands, or check a hand's model"

_MARKS = {"ok": "ok  ", "note": "note", "warning": "WARN", "error": "FAIL"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app hand``."""
    commands = parser.add_subparsers(dest="hand_command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="list the hands that plugins offer")
    listing.add_argument("--json", action="store_true", help="print JSON")
    check = commands.add_parser("check", help="check a hand's model and say what to do")
    check.add_argument("hand", metavar="FILE.xml|ID", help="an MJCF file, or the id of a hand")
    check.add_argument("--json", action="store_true", help="print JSON")
    check.add_argument("--verbose", action="store_true", help="print joints and links as tables")


def run(args: argparse.Namespace) -> int:
    """Run ``hand list`` or ``hand check``; a check with errors returns 1."""
    from dexgen_app.plugins import PluginRegistry

    registry = PluginRegistry.load(args.safe_mode, args.disable)
    if args.hand_command == "list":
        hands = list(registry.hands.values())
        print(
            json.dumps([_summary(hand) for hand in hands], indent=2) if args.json else _table(hands)
        )
        return 0
    from dexgen_app.kinematics.inspection import inspect_file, inspect_hand

    path = Path(args.hand)
    if path.suffix.lower() in (".xml", ".mjcf") or path.exists():
        spec = _declared(registry.hands.values(), path)
        report = inspect_hand(spec) if spec else inspect_file(path)
    else:
        report = inspect_hand(registry.find_hand(args.hand))
    print(
        json.dumps(report.as_dict(), indent=2) if args.json else format_report(report, args.verbose)
    )
    return 1 if report.count("error") else 0


def _declared(hands: object, path: Path) -> HandSpec | None:
    """Return the hand whose model is this very file, so that its declaration is checked too."""
    from dexgen_app.errors import ModelError
    from dexgen_app.kinematics.model import resolve_model

    for hand in hands:  # type: ignore[attr-defined]
        try:
            if path.exists() and resolve_model(hand).samefile(path):
                return hand
        except ModelError:
            continue
    return None


def _summary(hand: HandSpec) -> dict[str, object]:
    return {
        "id": hand.id,
        "title": hand.title,
        "side": hand.side,
        "joints": hand.joint_count,
        "fingers": [finger.name for finger in hand.fingers],
        "aliases": list(hand.aliases),
        "drivers": ["sim", *(driver.id for driver in hand.drivers)],
        "model": hand.model,
    }


def _table(hands: list[HandSpec]) -> str:
    if not hands:
        return "No plugin offers a hand. `dexgen-app plugins` says why."
    rows = [("HAND", "ALSO", "SIDE", "JOINTS", "FINGERS", "DRIVERS")]
    for hand in hands:
        drivers = ", ".join(("sim", *(driver.id for driver in hand.drivers)))
        fingers = ", ".join(finger.name for finger in hand.fingers)
        also = ", ".join(hand.aliases)
        rows.append((hand.id, also, hand.side, str(hand.joint_count), fingers, drivers))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    )


def format_report(report: HandReport, verbose: bool = False) -> str:
    """Return the readable form of a report: checks by topic, then a verdict."""
    lines = [f"{report.title}, {report.side or 'side unknown'}", report.path, ""]
    topics = list(dict.fromkeys(finding.topic for finding in report.findings))
    for topic in topics:
        for finding in (f for f in report.findings if f.topic == topic):
            lines += textwrap.wrap(
                f"{_MARKS[finding.level]}  {topic + ':':<11} {finding.text}",
                100,
                subsequent_indent=" " * 18,
            )
            if finding.remedy:
                lines += textwrap.wrap(
                    f"-> {finding.remedy}", 100, initial_indent=" " * 18, subsequent_indent=" " * 21
                )
    if verbose:
        lines += ["", *_tables(report)]
    errors, warnings = report.count("error"), report.count("warning")
    verdict = "This hand can be used." if not errors else "This hand cannot be used yet."
    lines += ["", f"{errors} errors, {warnings} warnings. {verdict}"]
    return "\n".join(lines)


def _tables(report: HandReport) -> list[str]:
    servos = {row["joint"]: row for row in report.facts["actuators"]}
    lines = [f"{'JOINT':<16}{'LOWER':>9}{'UPPER':>9}{'KP':>8}{'KV':>8}{'LIMIT':>8}"]
    for row in report.facts["joints"]:
        servo = servos.get(row["name"], {})
        gains = (servo.get("kp"), servo.get("kv"), servo.get("force_limit"))
        cells = "".join(f"{'-' if v is None else format(v, '.3g'):>8}" for v in gains)
        lines.append(f"{row['name']:<16}{row['lower']:>9.3f}{row['upper']:>9.3f}{cells}")
    lines += ["", f"{'LINK':<20}{'MASS g':>9}"]
    lines += [f"{row['name']:<20}{row['mass_kg'] * 1e3:>9.2f}" for row in report.facts["links"]]
    return lines
