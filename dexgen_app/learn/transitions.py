"""The store of motion-primitive transitions: Arrow IPC shards beside a manifest.

A row is one control step. Rows of one episode lie next to each other in time order, so that a
window of history and future is a slice. Shards are memory-mapped when read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dexgen_app.errors import InputError
from dexgen_app.files import hash_file, replacing, write_text
from dexgen_app.spec import HandSpec

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
UNITS = {
    "position": "rad",
    "target": "rad",
    "next_target": "rad",
    "keypoints": "m",
    "gravity": "unit vector",
}


@dataclass(frozen=True, kw_only=True)
class TransitionFormat:
    """What a row holds, for one hand. Positions are in the canonical hand frame.

    Attributes:
        hand: Hand id.
        joint_names: Joint order of ``position``, ``target`` and ``next_target`` [rad].
        keypoint_sites: Keypoint order of ``keypoints`` [m]: PIPs, then tips.
        control_dt: Time between rows [s].
        modes: Mode labels; ``mode`` is an index into them.
        units: Unit of each column.
    """

    hand: str
    joint_names: tuple[str, ...]
    keypoint_sites: tuple[str, ...]
    control_dt: float
    modes: tuple[str, ...]
    units: Mapping[str, str] = field(default_factory=lambda: dict(UNITS))

    @classmethod
    def of(cls, hand: HandSpec, control_dt: float, modes: tuple[str, ...]) -> TransitionFormat:
        """Return the format of ``hand`` at a control period of ``control_dt`` seconds."""
        return cls(
            hand=hand.id,
            joint_names=hand.joint_names,
            keypoint_sites=hand.keypoint_sites,
            control_dt=control_dt,
            modes=modes,
        )

    @classmethod
    def from_manifest(cls, data: Mapping[str, Any]) -> TransitionFormat:
        """Rebuild a format from the ``format`` table of a manifest.

        Raises:
            InputError: A column has another unit.
        """
        for name, unit in UNITS.items():
            if data["units"].get(name) != unit:
                raise InputError(
                    f"the column {name} is in {data['units'].get(name)}, not in {unit}",
                    remedy="Convert the dataset, or make it again with this release",
                )
        lists = {name: tuple(data[name]) for name in ("joint_names", "keypoint_sites", "modes")}
        return cls(
            hand=data["hand"], control_dt=data["control_dt"], units=dict(data["units"]), **lists
        )

    def columns(self) -> dict[str, tuple[np.dtype, int]]:
        """Return each column's element type and width."""
        joints, points = len(self.joint_names), 3 * len(self.keypoint_sites)
        real, count = np.dtype(np.float32), np.dtype(np.int64)
        return {
            "position": (real, joints),
            "target": (real, joints),
            "next_target": (real, joints),
            "keypoints": (real, points),
            "gravity": (real, 3),
            "mode": (np.dtype(np.uint8), 1),
            "clean": (np.dtype(np.uint8), 1),
            "episode": (count, 1),
            "step": (np.dtype(np.int32), 1),
        }


class TransitionWriter:
    """Appends transitions to a folder; a folder that exists is continued.

    Args:
        folder: Where the shards go.
        layout: What a row holds.
        provenance: Seeds, options and the command, stored in the manifest.
        shard_rows: Rows in a shard.

    Raises:
        InputError: The folder cannot be made, or holds a dataset of another hand or format.
    """

    def __init__(
        self,
        folder: Path,
        layout: TransitionFormat,
        provenance: Mapping[str, Any],
        shard_rows: int = 200_000,
    ) -> None:
        self._folder = folder
        self._layout = layout
        self._shard_rows = shard_rows
        self._pending: list[dict[str, np.ndarray]] = []
        self._pending_rows = 0
        self._manifest: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "format": asdict(layout),
            "provenance": [],
            "shards": [],
            "next_episode": 0,
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"the folder cannot be made ({error.strerror or error})",
                where=str(folder),
                remedy="Name a folder that can be written",
            ) from error
        if (folder / MANIFEST).exists():
            self._manifest = _read_manifest(folder)
            if _read_format(folder, self._manifest) != layout:
                raise InputError(
                    "the dataset has another hand, joint order, rate or mode list",
                    where=str(folder),
                    remedy="Write into a new folder",
                )
        self._manifest["provenance"].append(dict(provenance))

    @property
    def rows(self) -> int:
        """Rows in closed shards."""
        return int(sum(shard["rows"] for shard in self._manifest["shards"]))

    @property
    def next_episode(self) -> int:
        """The first episode id that closed shards do not use."""
        return int(self._manifest["next_episode"])

    def append(self, block: Mapping[str, np.ndarray]) -> None:
        """Add rows; each episode's rows must follow each other.

        Args:
            block: Every column, first axis rows. Scalars have shape (n,).
        """
        checked = {}
        rows = len(block["episode"])
        for name, (dtype, width) in self._layout.columns().items():
            values = np.ascontiguousarray(block[name], dtype=dtype).reshape(rows, width)
            if dtype.kind == "f" and not np.isfinite(values).all():
                raise InputError(f"column {name} holds a value that is not finite")
            checked[name] = values
        self._pending.append(checked)
        self._pending_rows += rows
        if self._pending_rows >= self._shard_rows:
            self.flush()

    def flush(self) -> None:
        """Close the shard that is being filled and enter it in the manifest.

        Raises:
            InputError: It cannot be written; the shards before it are intact.
        """
        if not self._pending_rows:
            return
        name = f"shard-{len(self._manifest['shards']):05d}.arrow"
        try:
            self._write_shard(name)
        except OSError as error:
            raise InputError(
                f"rows cannot be written ({error.strerror or error})",
                where=str(self._folder / name),
                remedy=f"Make room and give the same command again: the {self.rows:,} rows of "
                "closed shards are kept and continued",
            ) from error

    def _write_shard(self, name: str) -> None:
        arrays, fields = [], []
        for column, (dtype, width) in self._layout.columns().items():
            flat = pa.array(np.concatenate([block[column].ravel() for block in self._pending]))
            kind = pa.list_(pa.from_numpy_dtype(dtype), width)
            arrays.append(pa.FixedSizeListArray.from_arrays(flat, width))
            fields.append(pa.field(column, kind, nullable=False))
        last = max(int(block["episode"].max()) for block in self._pending)
        schema = pa.schema(fields)
        with replacing(self._folder / name) as partial:
            with pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                writer.write_batch(pa.record_batch(arrays, schema=schema))
            digest = hash_file(partial)
        shard = {"file": name, "rows": self._pending_rows, "sha256": digest}
        manifest = {
            **self._manifest,
            "shards": [*self._manifest["shards"], shard],
            "next_episode": max(self.next_episode, last + 1),
        }
        write_text(self._folder / MANIFEST, json.dumps(manifest, indent=1))
        self._manifest = manifest
        self._pending, self._pending_rows = [], 0


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    remedy = "Name a folder that `dexgen-app dataset make` wrote"
    if not path.exists():
        raise InputError("there is no dataset", where=str(folder), remedy=remedy)
    try:
        manifest = json.loads(path.read_text())
        version = manifest["schema_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("the manifest is damaged", where=str(path), remedy=remedy) from error
    if version != SCHEMA_VERSION:
        raise InputError(
            f"the dataset has schema version {version}, this release reads {SCHEMA_VERSION}",
            where=str(path),
            remedy="Make it again with this release",
        )
    return dict(manifest)


def _read_format(folder: Path, manifest: Mapping[str, Any]) -> TransitionFormat:
    try:
        return TransitionFormat.from_manifest(manifest["format"])
    except InputError as error:
        raise InputError(error.what, where=str(folder), remedy=error.remedy) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "the manifest does not tell the dataset's format",
            where=str(folder / MANIFEST),
            remedy="Restore the file, or make the dataset again",
        ) from error


def find_parts(folder: Path) -> list[Path]:
    """Return the folders ``part-*`` of the datasets in a folder, in order."""
    return sorted(path.parent for path in folder.rglob(f"part-*/{MANIFEST}"))


class TransitionStore:
    """Reads a folder of transitions without copying it into memory.

    A folder may instead hold folders ``part-*``, each written by a process of its own, or other
    datasets, which are read as one.

    Args:
        folder: The dataset.
        verify: Compare every shard with its hash first.

    Raises:
        InputError: There is no dataset, it is of other units, or a shard is missing or damaged.
    """

    def __init__(self, folder: Path, *, verify: bool = False) -> None:
        self.folder = folder
        parts = find_parts(folder) or [folder]
        self.manifests = {part: _read_manifest(part) for part in parts}
        formats = [_read_format(part, m) for part, m in self.manifests.items()]
        self.format = formats[0]
        if any(other != self.format for other in formats):
            raise InputError(
                "the parts of the dataset differ in hand, joint order, rate or modes",
                where=str(folder),
                remedy="Remove the parts that do not belong to it",
            )
        self._shards = [
            self._open(part / str(entry.get("file")), entry, verify)
            for part, manifest in self.manifests.items()
            for entry in manifest["shards"]
        ]
        counts = [len(shard["episode"]) for shard in self._shards]
        self._starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def _open(self, path: Path, entry: Mapping[str, Any], verify: bool) -> dict[str, np.ndarray]:
        remedy = "Delete the dataset's folder and make it again, or restore the file"
        try:
            if verify and hash_file(path) != entry["sha256"]:
                raise InputError("the shard is damaged", where=str(path), remedy=remedy)
            batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
            columns = {}
            for name, (_, width) in self.format.columns().items():
                values = batch.column(name).flatten().to_numpy(zero_copy_only=True)
                columns[name] = values.reshape(-1, width)
            if len(columns["episode"]) != entry["rows"]:
                raise InputError("the shard has lost rows", where=str(path), remedy=remedy)
        except (OSError, pa.ArrowException, KeyError) as error:
            raise InputError("the shard cannot be read", where=str(path), remedy=remedy) from error
        return columns

    def __len__(self) -> int:
        return int(self._starts[-1])

    def require_hand(self, hand: HandSpec) -> None:
        """Refuse a dataset whose joints are not those of ``hand``.

        Raises:
            InputError: The hand, its joint order or its keypoints differ.
        """
        if self.format.hand != hand.id:
            raise InputError(
                f"the dataset is of hand {self.format.hand}, not {hand.id}",
                where=str(self.folder),
                remedy="Name a dataset of this hand",
            )
        for name, theirs, ours in (
            ("joint", self.format.joint_names, hand.joint_names),
            ("keypoint", self.format.keypoint_sites, hand.keypoint_sites),
        ):
            if theirs != ours:
                raise InputError(
                    f"the dataset's {name} order is {', '.join(theirs)}; that of {hand.id} is "
                    f"{', '.join(ours)}",
                    where=str(self.folder),
                    remedy="Make the dataset again with this release of the hand",
                )

    def column(self, name: str) -> np.ndarray:
        """Return one whole column, copied, shape (rows, width)."""
        return np.concatenate([shard[name] for shard in self._shards])

    def windows(self, history: int, horizon: int, *, clean: bool) -> np.ndarray:
        """Return the rows whose past and future within their episode are known.

        Args:
            history: Rows needed up to and including the row itself, or since the episode began.
            horizon: Rows needed after it.
            clean: Keep only rows from which ``horizon`` steps were undisturbed.

        Returns:
            Row numbers, shape (windows,).
        """
        found = []
        for start, shard in zip(self._starts[:-1], self._shards):
            episode, step = shard["episode"][:, 0], shard["step"][:, 0].astype(np.int64)
            rows = np.arange(max(0, len(episode) - horizon))
            past = np.minimum(step[rows], history - 1)
            rows, past = rows[past <= rows], past[past <= rows]
            first, last = rows - past, rows + horizon
            good = episode[first] == episode[last]
            good &= step[last] - step[first] == past + horizon
            if clean:
                for ahead in range(horizon):
                    good &= shard["clean"][rows + ahead, 0] == 1
            found.append(start + rows[good])
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)

    def gather(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return ``name`` at ``rows``, shape (*rows.shape, width)."""
        flat = rows.ravel()
        shard_of = np.searchsorted(self._starts, flat, side="right") - 1
        dtype, width = self.format.columns()[name]
        out = np.empty((len(flat), width), dtype=dtype)
        for index in np.unique(shard_of):
            chosen = shard_of == index
            out[chosen] = self._shards[index][name][flat[chosen] - self._starts[index]]
        return out.reshape(*rows.shape, width)
