"""What a build has spent, decided and measured; written down so that a kill loses nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dexgen_app.errors import InputError
from dexgen_app.files import write_text


class Ledger:
    """The books of one build, a JSON file.

    Args:
        path: The file; one that exists is continued.
        request: What was asked for. A build that exists must have been asked for the same.

    Raises:
        InputError: The file is damaged, or the build was asked for something else.
    """

    def __init__(self, path: Path, request: Mapping[str, Any]) -> None:
        self._path = path
        self._data: dict[str, Any] = {
            "request": dict(request),
            "spent": {},
            "done": [],
            "plans": {},
            "facts": {},
        }
        self._stage = ""
        self._mark = 0.0
        if path.exists():
            self._data = self._read(request)
        self._write()

    def _read(self, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            data = dict(json.loads(self._path.read_text()))
            before = dict(data["request"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                "the build's books are damaged",
                where=str(self._path),
                remedy="Restore the file, or choose another --run",
            ) from error
        other = [name for name, value in request.items() if before.get(name) != value]
        if other:
            changes = ", ".join(f"{n} {before.get(n)!r}, not {request[n]!r}" for n in other)
            raise InputError(
                f"this build was begun with {changes}",
                where=str(self._path.parent),
                remedy="Give the same options, or choose another --run",
            )
        return data

    def _write(self) -> None:
        write_text(self._path, json.dumps(self._data, indent=1) + "\n")

    @property
    def spent(self) -> dict[str, float]:
        """Time of each stage so far [s]."""
        return dict(self._data["spent"])

    @property
    def facts(self) -> dict[str, Any]:
        """What was measured."""
        return dict(self._data["facts"])

    def is_done(self, stage: str) -> bool:
        """Return whether a stage is finished."""
        return stage in self._data["done"]

    def allot(self, stage: str, shares: Mapping[str, float], budget: float) -> float:
        """Return how much longer a stage may take [s].

        What is left of the budget is shared out anew among the stages that are left, so that a
        stage that took longer or less long than planned changes those after it.

        Args:
            stage: The stage; part of it may be spent already.
            shares: Share of every stage that is left, this one included.
            budget: Time of the whole build [s].
        """
        before = self.spent.get(stage, 0.0)
        left = budget - sum(self.spent.values()) + before
        return max(0.0, left * shares[stage] / sum(shares.values()) - before)

    def begin(self, stage: str) -> None:
        """Start the clock of a stage."""
        self._stage, self._mark = stage, time.monotonic()

    def tick(self) -> None:
        """Write down the time that the stage has taken since the last tick."""
        now = time.monotonic()
        spent = self._data["spent"]
        spent[self._stage] = spent.get(self._stage, 0.0) + now - self._mark
        self._mark = now
        self._write()

    def finish(self) -> None:
        """Note that the stage is done."""
        self._data["done"].append(self._stage)
        self.tick()

    def plan(self, stage: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what was decided for a stage; ``values`` are decided now, unless it was before."""
        plans = self._data["plans"]
        if stage not in plans and values is not None:
            plans[stage] = dict(values)
            self._write()
        return dict(plans.get(stage, {}))

    def note(self, name: str, value: Any) -> None:
        """Write down something that was measured."""
        self._data["facts"][name] = value
        self._write()
