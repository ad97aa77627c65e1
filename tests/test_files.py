"""Files that are replaced in one go."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from dexgen_app.files import replacing, write_text


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    with pytest.raises(OSError) as told, replacing(path) as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as a write does, without a name
    assert told.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as told:
        write_text(tmp_path / "nowhere" / "file", "text")
    assert told.value.filename == str(tmp_path / "nowhere" / "file")
    with pytest.raises(FileNotFoundError) as told, replacing(tmp_path / "file"):
        (tmp_path / "absent").read_text()  # an error of another file keeps its name
    assert told.value.filename == str(tmp_path / "absent")
