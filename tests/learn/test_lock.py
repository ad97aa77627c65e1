from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dexgen_app.errors import InputError
from dexgen_app.learn.lock import FolderLock

HOLD = (
    "import sys; from pathlib import Path; from dexgen_app.learn.lock import FolderLock\n"
    "with FolderLock(Path(sys.argv[1])):\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


def test_a_folder_is_held_until_the_process_ends(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        refused = rf"another process works here \(process {holder.pid}\)"
        with pytest.raises(InputError, match=refused), FolderLock(tmp_path):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with FolderLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be used"), FolderLock(tmp_path / "file" / "run"):
        pass
