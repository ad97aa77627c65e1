"""``dexgen-app doctor``: what works on this machine, and what to do about what does not."""

from __future__ import annotations

import argparse
import json
import textwrap

HELP = "say what works on this machine and what to do about what does not"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``dexgen-app doctor``."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the findings; the status is 1 if something essential does not work."""
    from dexgen_app.health import examine

    findings = examine(args.safe_mode, args.disable)
    broken = [finding for finding in findings if finding.status == "broken"]
    if args.json:
        report = {"ok": not broken, "findings": [finding.as_dict() for finding in findings]}
        print(json.dumps(report, indent=2))
        return int(bool(broken))
    marks = {"ok": "ok     ", "limited": "LIMITED", "broken": "BROKEN "}
    width = max(len(finding.name) for finding in findings)
    margin = " " * (width + 11)
    for finding in findings:
        text = f"{marks[finding.status]}  {finding.name:{width}}  {finding.text}"
        print(textwrap.fill(text, 110, subsequent_indent=margin))
        if finding.remedy:
            print(f"{margin}-> {finding.remedy}")
    limited = sum(finding.status == "limited" for finding in findings)
    if broken:
        print(f"\nSomething essential is broken: {', '.join(f.name for f in broken)}.")
    elif limited:
        print(f"\nThe application works; {limited} thing(s) are limited.")
    else:
        print("\nEverything works.")
    return int(bool(broken))
