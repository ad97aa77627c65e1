"""Where Genesis keeps its compiled kernels, and how it is started: once a process, quietly."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from dexgen_app import paths
from dexgen_app.errors import SimulationError

_BACKENDS = ("cpu", "cuda")


def prepare_caches() -> Path:
    """Point the simulator's caches at the application's cache folder and pin its threads.

    Must run before ``genesis`` is imported. Variables that are already set are kept. Compiled
    kernels and convex parts are a few megabytes and stay valid when the folder is copied.

    Returns:
        The folder.
    """
    root = paths.cache_dir() / "genesis"
    kernels, meshes = root / "kernels", root / "assets"
    for folder in (kernels, meshes):
        folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("QD_OFFLINE_CACHE_FILE_PATH", str(kernels))
    os.environ.setdefault("GS_CACHE_FILE_PATH", str(meshes))
    # The number of threads is part of every kernel's cache key, and a second one gains nothing.
    for name in ("QD_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    return root


def import_genesis() -> ModuleType:
    """Import and initialise Genesis, once a process.

    ``DEXGEN_SIM_BACKEND=cuda`` runs it on a graphics card instead of the processor.

    Returns:
        The module ``genesis``.

    Raises:
        SimulationError: It is not installed completely, or OpenGL libraries are missing.
    """
    prepare_caches()
    backend = os.environ.get("DEXGEN_SIM_BACKEND", "cpu")
    if backend not in _BACKENDS:
        raise SimulationError(
            f"unknown simulator backend {backend!r}",
            where="DEXGEN_SIM_BACKEND",
            remedy=f"Use one of: {', '.join(_BACKENDS)}",
        )
    hook = sys.excepthook
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import genesis
    except (ImportError, OSError) as error:
        raise SimulationError(
            f"Genesis cannot be imported: {error}",
            where="simulator",
            remedy="Install libgl1 and libegl1, or use the engine mujoco; see `dexgen-app doctor`",
        ) from error
    if not getattr(genesis, "_initialized", False):
        import torch

        torch.set_num_threads(1)
        # One seed for all: nothing that a world uses draws from the engine's generator.
        genesis.init(backend=getattr(genesis, backend), seed=0, logging_level="error")
    sys.excepthook = hook
    return genesis


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Send what the kernel compiler prints to file descriptor 2 into ``build.log`` meanwhile."""
    sys.stderr.flush()
    saved = os.dup(2)
    log = os.open(prepare_caches() / "build.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.dup2(log, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)
        os.close(log)
