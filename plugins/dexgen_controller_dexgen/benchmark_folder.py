"""A folder with a benchmark's cells: written as each is done, and continued after a kill."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from dexgen_app.errors import InputError
from dexgen_app.files import write_text
from dexgen_controller_dexgen.benchmark import Cell, format_seeds, format_table, pool_cells
from dexgen_controller_dexgen.plot import plot_cells

CELLS = "cells.json"


class BenchmarkFolder:
    """The cells that were measured under the same conditions.

    Args:
        path: The folder; made with the first cell.
        conditions: What must be the same for cells to be compared, as plain values.

    Raises:
        InputError: The folder holds cells of other conditions, or a damaged file.
    """

    def __init__(self, path: Path, conditions: Mapping[str, Any]) -> None:
        self._path, self._conditions = path, json.loads(json.dumps(dict(conditions)))
        self.cells: list[Cell] = []
        if (path / CELLS).exists():
            self._check((data := _read(path)).get("conditions", {}))
            self.cells = _cells(data["by_seed"])

    def _check(self, before: Mapping[str, Any]) -> None:
        names = dict.fromkeys((*before, *self._conditions))
        other = [name for name in names if before.get(name) != self._conditions.get(name)]
        if other:
            raise InputError(
                f"the cells in this folder are not comparable: {', '.join(other)} differ",
                where=str(self._path),
                remedy="Name another --out, or give the options that these cells were measured by",
            )

    def add(self, cell: Cell, command: str) -> None:
        """Write a cell down; a kill leaves either all or none of it.

        Args:
            cell: A cell of one seed.
            command: The command line, for the file.
        """
        self.cells.append(cell)
        data = {
            "command": command,
            "conditions": self._conditions,
            "cells": [cell.as_dict() for cell in pool_cells(self.cells)],
            "by_seed": [cell.as_dict() for cell in self.cells],
        }
        self._path.mkdir(parents=True, exist_ok=True)
        write_text(self._path / CELLS, json.dumps(data, indent=1))

    def finish(self, cells: Sequence[Cell], command: str) -> None:
        """Write a table and a plot of some of the cells, in this order."""
        pooled = pool_cells(list(cells))
        write_text(self._path / "table.md", f"`{command}`\n\n{format_results(cells)}\n")
        plot_cells(pooled, self._path / "sweep.png")


def format_results(cells: Sequence[Cell]) -> str:
    """Return a table of all seeds together and, if there are several, one that tells them apart."""
    table = format_table(pool_cells(list(cells)))
    if len({cell.seeds for cell in cells}) > 1:
        table += f"\n\n{format_seeds(list(cells))}"
    return table


def read_cells(path: Path) -> list[Cell]:
    """Return the cells of a benchmark's folder, all seeds counted together.

    Raises:
        InputError: The file is damaged.
    """
    return _cells(_read(path)["cells"])


def _read(path: Path) -> dict[str, Any]:
    file = path / CELLS
    try:
        data = dict(json.loads(file.read_text()))
        _cells([*data["cells"], *data["by_seed"]])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            "this is no benchmark's file, or it is damaged",
            where=str(file),
            remedy="Restore it, or name another --out",
        ) from error
    return data


def _cells(rows: Sequence[Mapping[str, Any]]) -> list[Cell]:
    names = {field.name for field in fields(Cell)}
    kept = [{k: v for k, v in row.items() if k in names} for row in rows]
    return [Cell(**{**row, "seeds": tuple(row["seeds"])}) for row in kept]
