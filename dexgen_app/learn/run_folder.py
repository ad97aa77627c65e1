"""The folder of a training run: its configuration, checkpoints, metrics, progress and requests.

config.json            what was asked for
checkpoints/           step_000001234.safetensors, newest last
policies/              the actor alone beside each checkpoint
metrics.jsonl          one line an iteration; the window draws its curves from it
evaluations.jsonl      one line an evaluated checkpoint
progress.json          where the job stands
request                ``pause`` or ``stop``, written by whoever watches
events.out.tfevents.*  the same curves for TensorBoard
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from dexgen_app import paths
from dexgen_app.errors import InputError
from dexgen_app.files import write_text

KEEP = 5
"""Number of checkpoints that are kept, beside those that were evaluated best."""


class RunFolder:
    """The files of one run.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def named(cls, name: str) -> RunFolder:
        """Return the run of a name; a name with a slash is a path.

        Raises:
            InputError: The name is empty or starts with a dot.
        """
        if not name or name.startswith("."):
            raise InputError(f"{name!r} cannot be the name of a run", where="--run")
        return cls(Path(name) if os.sep in name else paths.runs_dir() / name)

    def create(self, config: dict[str, Any]) -> None:
        """Make the folder of a new run.

        Raises:
            InputError: There is such a run already.
        """
        if (self.path / "config.json").exists():
            raise InputError(
                "there is such a run already",
                where=str(self.path),
                remedy="Go on with it by --resume, or choose another --run",
            )
        (self.path / "checkpoints").mkdir(parents=True, exist_ok=True)
        (self.path / "policies").mkdir(exist_ok=True)
        self.write_json("config.json", config)

    def config(self) -> dict[str, Any]:
        """Return what ``create`` was given.

        Raises:
            InputError: There is no such run.
        """
        config = self.read_json("config.json")
        if config is None:
            raise InputError("there is no such run", where=str(self.path))
        return config

    def checkpoint_path(self, steps: int) -> Path:
        """Return where the checkpoint after ``steps`` environment steps is kept."""
        return self.path / "checkpoints" / f"step_{steps:011d}.safetensors"

    def policy_path(self, steps: int) -> Path:
        """Return where the actor after ``steps`` environment steps is kept."""
        return self.path / "policies" / f"step_{steps:011d}.safetensors"

    def checkpoints(self) -> list[Path]:
        """Return the checkpoints, newest last."""
        return sorted((self.path / "checkpoints").glob("step_*.safetensors"))

    def policies(self) -> list[Path]:
        """Return the actors, newest last."""
        return sorted((self.path / "policies").glob("step_*.safetensors"))

    def prune(self) -> None:
        """Delete old checkpoints; the actors are small and stay."""
        for path in self.checkpoints()[:-KEEP]:
            path.unlink(missing_ok=True)

    def append(self, name: str, row: dict[str, Any]) -> None:
        """Add a line of JSON to a file of the run."""
        with (self.path / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of a JSON-lines file; a line cut short by a kill is left out."""
        path = self.path / name
        if not path.exists():
            return []
        rows = []
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return rows

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        """Replace a JSON file of the run in one go."""
        write_text(self.path / name, json.dumps(value, indent=2) + "\n")

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Return a JSON file of the run; None if it is absent or damaged."""
        try:
            value = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            return None
        return value if isinstance(value, dict) else None

    def request(self) -> str:
        """Return what was asked of the running job: ``pause``, ``stop`` or nothing."""
        try:
            return (self.path / "request").read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def set_request(self, word: str) -> None:
        """Ask the running job to ``pause`` or ``stop``; an empty word withdraws the request."""
        path = self.path / "request"
        if word:
            path.write_text(word, encoding="utf-8")
        else:
            path.unlink(missing_ok=True)


def list_runs() -> list[RunFolder]:
    """Return the runs in the application's folder, oldest first."""
    found = [path.parent for path in paths.runs_dir().glob("*/config.json")]
    return [RunFolder(p) for p in sorted(found, key=lambda p: (p / "config.json").stat().st_mtime)]
