"""What works on this machine, and what to do about what does not: ``dexgen-app doctor``."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from dexgen_app import __version__, paths
from dexgen_app.discovery import DISTRIBUTION, PluginState
from dexgen_app.errors import DexgenError

Status = Literal["ok", "limited", "broken"]

FREE_DISK_GIB = 5.0
FREE_SHARED_MIB = 32.0

LIBRARY_PACKAGES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libOpenGL.so.0": "libopengl0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
"""Debian packages of the libraries that Qt needs."""

# Qt aborts the process when it cannot open a display, so only another process can try.
_OPEN_WINDOW = (
    "from PyQt6.QtGui import QGuiApplication as A; a = A([]); s = a.primaryScreen().size();"
    "print(f'{a.platformName()}, {s.width()}x{s.height()}')"
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The outcome of one check.

    Attributes:
        name: What was checked.
        status: ``ok``; ``limited`` if something useful does not work; ``broken`` if the
            application cannot do its job.
        text: What was found.
        remedy: What the user can do about it; empty if all is well.
        details: Values for programs.
    """

    name: str
    status: Status
    text: str
    remedy: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as plain values for JSON."""
        return asdict(self)


def examine(safe_mode: bool = False, disabled: Iterable[str] = ()) -> list[Finding]:
    """Run every check; slow ones in processes of their own, two at a time.

    Args:
        safe_mode: Load the built-in plugins only.
        disabled: Plugins that are not loaded.
    """
    slow = [check_display, check_opengl, check_genesis, check_mujoco, check_gpu]
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = [pool.submit(check) for check in slow]
        quick = [
            check_python(),
            check_packages(),
            check_machine(),
            *check_folders(),
            check_disk(),
            check_settings(),
            check_plugins(safe_mode, disabled),
            check_qt_libraries(),
        ]
        return [*quick, *(future.result() for future in running)]


def check_python() -> Finding:
    """Tell which Python runs; the installer refuses those that are too old."""
    version = ".".join(map(str, sys.version_info[:3]))
    text = f"{version} at {sys.executable}, dexgen-app {__version__}"
    return Finding(name="Python", status="ok", text=text)


def check_packages() -> Finding:
    """Check that every required package is installed in a version that is allowed."""
    from packaging.requirements import Requirement

    wrong = []
    requirements = [Requirement(line) for line in metadata.requires(DISTRIBUTION) or ()]
    wanted = [r for r in requirements if not r.marker or r.marker.evaluate({"extra": ""})]
    for requirement in wanted:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} is {version}, not {requirement.specifier}")
    if wrong:
        text, remedy = "; ".join(wrong), f"Run: {sys.executable} -m pip install {DISTRIBUTION}"
        return Finding(name="Packages", status="broken", text=text, remedy=remedy)
    return Finding(name="Packages", status="ok", text=f"all {len(wanted)} required ones fit")


def check_machine() -> Finding:
    """Look at processors, memory and shared memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    text = f"{cores} cores"
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        text += f", {gib:.0f} GiB memory"
    shared = Path("/dev/shm")
    if shared.is_dir():
        free = shutil.disk_usage(shared).free / 2**20
        text += f", {free:.0f} MiB shared memory free"
        if free < FREE_SHARED_MIB:
            remedy = "Give the container more shared memory (docker run --shm-size=256m)"
            return Finding(name="Machine", status="broken", text=text, remedy=remedy)
    if cores is not None and cores < 2:
        remedy = "The simulator and the window share a core: expect late ticks"
        return Finding(name="Machine", status="limited", text=text, remedy=remedy)
    return Finding(name="Machine", status="ok", text=text)


def check_folders() -> list[Finding]:
    """Write a small file into each of the application's folders."""
    findings = []
    places: tuple[tuple[str, Callable[[], Path]], ...] = (
        ("Settings folder", paths.config_dir),
        ("Cache folder", paths.cache_dir),
        ("Recordings folder", paths.recordings_dir),
        ("Training folder", paths.runs_dir),
    )
    for name, place in places:
        try:
            folder = place()
            with tempfile.NamedTemporaryFile(dir=folder) as file:
                file.write(b"dexgen-app")
                file.flush()
        except OSError as error:
            remedy = "Make it writable, or set DEXGEN_HOME to a folder that is"
            findings.append(Finding(name=name, status="broken", text=str(error), remedy=remedy))
        else:
            findings.append(Finding(name=name, status="ok", text=f"{folder} is writable"))
    return findings


def check_disk() -> Finding:
    """Look at the free space where recordings are written."""
    try:
        free = shutil.disk_usage(paths.data_dir()).free / 2**30
    except OSError as error:
        return Finding(name="Disk", status="broken", text=str(error), remedy="See the folders")
    text, details = f"{free:.1f} GiB free", {"free_gib": round(free, 2)}
    if free >= FREE_DISK_GIB:
        return Finding(name="Disk", status="ok", text=text, details=details)
    remedy = "Delete old recordings, or set DEXGEN_HOME to a larger disk"
    status: Status = "limited" if free > 0.5 else "broken"
    return Finding(name="Disk", status=status, text=text, remedy=remedy, details=details)


def check_settings() -> Finding:
    """Parse the settings file without changing it."""
    import tomllib

    from dexgen_app.settings import settings_path

    try:
        path = settings_path()
        tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Finding(name="Settings", status="ok", text="none yet, defaults are used")
    except (OSError, ValueError) as error:
        text, remedy = f"they cannot be read: {error}", "Correct or delete the file"
        return Finding(name="Settings", status="limited", text=text, remedy=remedy)
    return Finding(name="Settings", status="ok", text=str(path))


def check_plugins(safe_mode: bool = False, disabled: Iterable[str] = ()) -> Finding:
    """Load every plugin and count what they offer."""
    from dexgen_app.plugins import PluginRegistry

    registry = PluginRegistry.load(safe_mode, disabled)
    loaded = [r for r in registry.records if r.state is PluginState.LOADED]
    lost = [
        r for r in registry.records if r.state in (PluginState.FAILED, PluginState.INCOMPATIBLE)
    ]
    offer = (
        f"{len(loaded)} loaded: {len(registry.hands)} hands, "
        f"{len(registry.teleop_devices)} devices, {len(registry.controllers)} controllers"
    )
    details = {record.name: str(record.state) for record in registry.records}
    if not (registry.hands and registry.teleop_devices and registry.controllers):
        remedy = "A hand, a device and a controller are needed; see: dexgen-app plugins --verbose"
        return Finding(name="Plugins", status="broken", text=offer, remedy=remedy, details=details)
    if lost:
        text = f"{offer}; {', '.join(f'{r.name} is {r.state}' for r in lost)}"
        remedy = "See why: dexgen-app plugins"
        return Finding(name="Plugins", status="limited", text=text, remedy=remedy, details=details)
    return Finding(name="Plugins", status="ok", text=offer, details=details)


def missing_libraries(library: Path) -> list[str]:
    """Return the shared libraries that ``library`` needs, also indirectly, and that are absent."""
    result = subprocess.run(
        ["ldd", str(library)], capture_output=True, text=True, timeout=20, check=False
    )
    return sorted(set(re.findall(r"^\s*(\S+) => not found", result.stdout, re.MULTILINE)))


def check_qt_libraries() -> Finding:
    """Ask the dynamic linker which libraries Qt's X11 plugin lacks.

    Qt itself blames ``xcb-cursor0`` whichever library is missing.
    """
    name = "Qt libraries"
    package = find_spec("PyQt6")
    plugin = Path(package.origin or "").parent if package else Path()
    plugin = plugin / "Qt6" / "plugins" / "platforms" / "libqxcb.so"
    if not sys.platform.startswith("linux") or shutil.which("ldd") is None or not plugin.exists():
        return Finding(name=name, status="ok", text="not checked: no bundled Qt on Linux here")
    missing = missing_libraries(plugin)
    if not missing:
        return Finding(name=name, status="ok", text="complete for windows on X11")
    packages = sorted({LIBRARY_PACKAGES.get(library, library) for library in missing})
    return Finding(
        name=name,
        status="limited",
        text=f"missing: {', '.join(missing)}",
        remedy=f"Run: apt-get install -y --no-install-recommends {' '.join(packages)}",
        details={"missing": missing, "packages": packages},
    )


def check_display() -> Finding:
    """Open Qt on the display in another process."""
    name = "Display"
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        remedy = "The window needs one; without it use: dexgen-app run, or live --headless"
        return Finding(name=name, status="limited", text="none (no DISPLAY)", remedy=remedy)
    environment = {k: v for k, v in os.environ.items() if k != "QT_QPA_PLATFORM"}
    done = _run([sys.executable, "-c", _OPEN_WINDOW], 30.0, environment)
    if done.code == 0:
        return Finding(name=name, status="ok", text=done.output.strip())
    last = done.errors.strip().splitlines()[-1:] or [f"exit status {done.code}"]
    remedy = "See 'Qt libraries' here; otherwise check DISPLAY and the right to use it (xhost)"
    return Finding(name=name, status="limited", text=f"Qt cannot open it: {last[0]}", remedy=remedy)


def check_opengl() -> Finding:
    """Draw off screen through EGL."""
    result = probe("opengl", 30.0)
    if "error" in result:
        remedy = "Install libegl1 and libgl1 (they bring a software renderer)"
        return Finding(name="OpenGL", status="limited", text=result["error"], remedy=remedy)
    text = result["text"] + (
        " (software: 3D view at reduced quality)" if result["software"] else ""
    )
    return Finding(name="OpenGL", status="ok", text=text, details=result)


def check_genesis() -> Finding:
    """Start Genesis and look whether its kernels are compiled."""
    result = probe("genesis", 180.0)
    if "error" in result:
        remedy = "Use the engine mujoco meanwhile, and reinstall genesis-world"
        return Finding(name="Genesis", status="limited", text=result["error"], remedy=remedy)
    kernels = paths.cache_dir() / "genesis" / "kernels"
    compiled = sum(1 for file in kernels.rglob("*") if file.is_file()) if kernels.exists() else 0
    result["compiled_files"] = compiled
    if compiled == 0:
        text = f"{result['text']}; nothing compiled yet, the first start takes a minute or more"
        remedy = "Run: dexgen-app warm"
        return Finding(name="Genesis", status="limited", text=text, remedy=remedy, details=result)
    text = f"{result['text']}; {compiled} compiled files"
    return Finding(name="Genesis", status="ok", text=text, details=result)


def check_mujoco() -> Finding:
    """Simulate a falling ball with MuJoCo; retargeting needs it as well."""
    result = probe("mujoco", 60.0)
    if "error" in result:
        remedy = f"Run: {sys.executable} -m pip install --force-reinstall mujoco"
        return Finding(name="MuJoCo", status="broken", text=result["error"], remedy=remedy)
    return Finding(name="MuJoCo", status="ok", text=result["text"], details=result)


def check_gpu() -> Finding:
    """Ask torch for a GPU; none is needed to drive a hand."""
    result = probe("gpu", 120.0)
    if "error" in result:
        remedy = "Reinstall torch for this machine's GPU driver"
        return Finding(name="GPU", status="limited", text=result["error"], remedy=remedy)
    if result["available"]:
        return Finding(name="GPU", status="ok", text=result["text"], details=result)
    if shutil.which("nvidia-smi"):
        remedy = "There is an NVIDIA driver: install torch's CUDA build"
        return Finding(
            name="GPU", status="limited", text=result["text"], remedy=remedy, details=result
        )
    text = f"none; live sessions need none, training is slow ({result['text']})"
    return Finding(name="GPU", status="ok", text=text, details=result)


def probe(name: str, seconds: float) -> dict[str, Any]:
    """Run a probe in a process of its own.

    Args:
        name: One of ``dexgen_app.probes``.
        seconds: Time after which it counts as hung and is killed [s].

    Returns:
        What it printed; ``error`` says what went wrong.
    """
    done = _run([sys.executable, "-m", "dexgen_app.probes", name], seconds, dict(os.environ))
    lines = done.output.strip().splitlines()
    try:
        result = json.loads(lines[-1])
    except (IndexError, ValueError):
        last = done.errors.strip().splitlines()[-1:]
        return {"error": "; ".join([_end(done.code, seconds), *last])}
    return result if isinstance(result, dict) else {"error": "the probe printed no result"}


@dataclass(frozen=True)
class _Done:
    code: int | None
    output: str
    errors: str


def _run(command: list[str], seconds: float, environment: dict[str, str]) -> _Done:
    environment.setdefault("OMP_NUM_THREADS", "1")
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _Done(None, "", "")
    except OSError as error:
        raise DexgenError(f"cannot start a process: {error}", where=command[0]) from error
    return _Done(done.returncode, done.stdout, done.stderr)


def _end(code: int | None, seconds: float) -> str:
    if code is None:
        return f"it did not answer within {seconds:.0f} s"
    if code < 0:
        return f"it was killed by {signal.Signals(-code).name}"
    return f"it ended with status {code}"
