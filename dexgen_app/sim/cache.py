"""Where Genesis keeps its compiled kernels, and how it is started: once a process, quietly."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from dexgen_app import paths
from dexgen_app.errors import SimulationError

_BACKENDS = ("cpu", "cuda")
_OPTION_SET = 1  # counts changes of compile-time options in genesis_world.py


def prepare_caches() -> Path:
    """Point the simulator's caches at the application's cache folder and pin its threads.

    Must run before ``genesis`` is imported. Variables that are already set are kept. Compiled
    kernels and convex parts are a few megabytes and stay valid when the folder is copied.

    Returns:
        The folder.

    Raises:
        SimulationError: The folder cannot be written.
    """
    try:
        root = paths.cache_dir() / "genesis"
        kernels, meshes = root / "kernels", root / "assets"
        for folder in (kernels, meshes):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SimulationError(
            f"the cache folder cannot be written: {error.strerror}",
            where=str(error.filename),
            remedy="Make it writable, or set DEXGEN_HOME to a folder that is",
        ) from error
    os.environ.setdefault("QD_OFFLINE_CACHE_FILE_PATH", str(kernels))
    os.environ.setdefault("GS_CACHE_FILE_PATH", str(meshes))
    # The number of threads is part of every kernel's cache key, and a second one gains nothing.
    for name in ("QD_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    return root


def simulator_backend() -> str:
    """Return what Genesis runs on, ``cpu`` or ``cuda``: ``DEXGEN_SIM_BACKEND``, else ``cpu``.

    Raises:
        SimulationError: The variable is something else, or torch finds no graphics card.
    """
    backend = os.environ.get("DEXGEN_SIM_BACKEND", "cpu")
    if backend not in _BACKENDS:
        raise SimulationError(
            f"unknown simulator backend {backend!r}",
            where="DEXGEN_SIM_BACKEND",
            remedy=f"Use one of: {', '.join(_BACKENDS)}",
        )
    if backend == "cuda":
        require_card()
    return backend


def require_card() -> None:
    """Refuse to go on without an NVIDIA graphics card.

    Raises:
        SimulationError: torch finds none.
    """
    import torch

    if not torch.cuda.is_available():
        raise SimulationError(
            "torch finds no NVIDIA graphics card",
            where="device cuda",
            remedy="Use cpu, or install the driver and a torch that is built for CUDA",
        )


def use_backend(name: str) -> None:
    """Let Genesis run on ``cpu`` or ``cuda`` in this process and those that it starts.

    Raises:
        SimulationError: As ``simulator_backend``; or Genesis has already started on another one.
    """
    started = getattr(sys.modules.get("genesis"), "_initialized", False)
    running = simulator_backend() if started else name
    if name != running:
        raise SimulationError(
            f"Genesis already runs on {running} in this process",
            where=f"device {name}",
            remedy="Start a new process",
        )
    if name == "cuda":
        require_card()
    os.environ["DEXGEN_SIM_BACKEND"] = name


def import_genesis() -> ModuleType:
    """Import and initialise Genesis, once a process.

    ``DEXGEN_SIM_BACKEND=cuda`` runs it on a graphics card instead of the processor.

    Returns:
        The module ``genesis``.

    Raises:
        SimulationError: It is not installed completely, or OpenGL libraries are missing.
    """
    prepare_caches()
    backend = simulator_backend()
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


def is_marked(name: str) -> bool:
    """Whether the kernels of this Genesis release reached the state ``name``; imports nothing."""
    return _marker(name).is_file() and any((prepare_caches() / "kernels").iterdir())


def mark(name: str) -> None:
    """Note that the cache reached a state: ``built`` (a world) or ``warm`` (all that is used)."""
    _marker(name).touch()


def _marker(name: str) -> Path:
    release = importlib.metadata.version("genesis-world")
    backend = os.environ.get("DEXGEN_SIM_BACKEND", "cpu")
    return prepare_caches() / f"{name}-{release}-{backend}-{_OPTION_SET}"


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
