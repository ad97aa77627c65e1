"""What the application remembers between runs: one typed TOML file.

A file of an older version is migrated, keys of a newer one are kept as they are, a value of the
wrong type is replaced by its default, and a file that does not parse is set aside. Every one of
these is logged; none stops the application.
"""

from __future__ import annotations

import logging
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from dexgen_app import paths
from dexgen_app.errors import DexgenError
from dexgen_app.files import replacing

SCHEMA_VERSION = 1

Table = dict[str, Any]
MIGRATIONS: tuple[Callable[[Table], Table], ...] = ()
"""Step ``i`` turns a table of schema version ``i + 1`` into one of version ``i + 2``."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The user's settings.

    Attributes:
        theme: Colours of the window.
        hand: Last hand.
        driver: Last driver, as ``sim`` or ``id:argument``.
        engine: Last simulator.
        device: Last teleoperation device, as ``id`` or ``id:argument``.
        controller: Last controller; empty until one is chosen.
        profile: Last calibration profile.
        text_size: Size of the window's text [pt].
        show_hint: Whether the window shows the first steps.
        auto_connect: Whether the window connects a simulated hand at the start.
        human_side: The person's hand; empty means the robot's side.
        recordings: Folder of recordings; empty means the default one.
        disabled_plugins: Plugins that are not loaded.
        keys: Shortcuts that differ from the default, by action id.
        plugins: One table for each plugin, by plugin name.
        unknown: What this version does not know; written back unchanged.
    """

    theme: Literal["system", "light", "dark"] = "dark"
    hand: str = "allegro"
    driver: str = "sim"
    engine: Literal["genesis", "mujoco"] = "genesis"
    device: str = "sliders"
    controller: str = ""
    profile: str = "default"
    human_side: Literal["", "right", "left"] = ""
    text_size: float = 9.5
    show_hint: bool = True
    auto_connect: bool = True
    recordings: str = ""
    disabled_plugins: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    plugins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unknown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def recordings_dir(self) -> Path:
        """Folder of recordings; it may not exist yet if the user chose it."""
        return Path(self.recordings).expanduser() if self.recordings else paths.recordings_dir()

    def with_plugin(self, name: str, **values: Any) -> Settings:
        """Return a copy with ``values`` changed in the table of plugin ``name``."""
        table = {**self.plugins.get(name, {}), **values}
        return replace(self, plugins={**self.plugins, name: table})


def settings_path() -> Path:
    """Path of the settings file."""
    return paths.config_dir() / "settings.toml"


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings; defaults where there is no file. Never raises because of its content.

    Args:
        path: The file; None means the user's.
    """
    try:
        path = path or settings_path()
        text = path.read_bytes()
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        log.warning("settings cannot be read, defaults are used: %s", error)
        return Settings()
    try:
        table = tomllib.loads(text.decode("utf-8"))
    except ValueError as error:
        aside = _set_aside(path, "damaged")
        log.warning("settings were damaged (%s); kept as %s, defaults are used", error, aside)
        return Settings()
    return _from_table(table, path)


def save_settings(settings: Settings, path: Path | None = None) -> None:
    """Write the settings so that a crash leaves the old file or the new one, never a part.

    Args:
        settings: What to write.
        path: The file; None means the user's.

    Raises:
        DexgenError: The folder or file cannot be written.
    """
    import tomli_w

    values = asdict(settings)
    table = {"schema_version": SCHEMA_VERSION, **values.pop("unknown"), **values}
    try:
        path = path or settings_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, temporary.open("wb") as file:
            tomli_w.dump(table, file)
    except OSError as error:
        raise DexgenError(
            f"settings cannot be written: {error.strerror or error}",
            where=str(path or "settings"),
            remedy="Make the folder writable, or set DEXGEN_HOME to one that is",
        ) from error


def update_settings(**changes: Any) -> Settings:
    """Read the settings, change the named fields, write them and return them.

    Raises:
        DexgenError: The file cannot be written.
    """
    settings = replace(load_settings(), **changes)
    save_settings(settings)
    return settings


def migrate(table: Table, steps: Sequence[Callable[[Table], Table]] = MIGRATIONS) -> Table:
    """Bring a table of an older schema version up to the newest that ``steps`` reach."""
    for step in steps[max(int(table.get("schema_version", 1)), 1) - 1 :]:
        table = step(table)
    return table


def _from_table(table: Table, path: Path) -> Settings:
    version = table.get("schema_version", SCHEMA_VERSION)
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        aside = _set_aside(path, "newer", copy=True)
        log.warning("settings are of schema version %s; a copy is kept as %s", version, aside)
        table = {**table, "schema_version": SCHEMA_VERSION}
    table = {key: value for key, value in migrate(table).items() if key != "schema_version"}
    hints = get_type_hints(Settings)
    known: Table = {}
    for item in fields(Settings):
        if item.name == "unknown" or item.name not in table:
            continue
        value = table.pop(item.name)
        value = tuple(value) if isinstance(value, list) else value
        if _fits(value, hints[item.name]):
            known[item.name] = value
        else:
            log.warning("setting %s = %r is not valid; the default is used", item.name, value)
    return Settings(**known, unknown=table)


def _fits(value: Any, hint: Any) -> bool:
    """Tell whether a TOML value has the type ``hint``, as far as settings need it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is Literal:
        return value in arguments
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(v, arguments[0]) for v in value)
    if origin is not None:
        return isinstance(value, dict) and all(_fits(v, arguments[1]) for v in value.values())
    return isinstance(value, hint)


def _set_aside(path: Path, why: str, copy: bool = False) -> Path:
    """Keep a file under another name and return that name."""
    aside = path.with_name(f"{path.stem}.{why}-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
    try:
        if copy:
            aside.write_bytes(path.read_bytes())
        else:
            path.rename(aside)
    except OSError as error:
        log.warning("%s cannot be set aside: %s", path, error)
    return aside
