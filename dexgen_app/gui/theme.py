"""Colours, palette, style sheet and icons of the window, dark and light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PyQt6.QtCore import QObject, QSize, pyqtSignal
from PyQt6.QtGui import QColor, QFont, QIcon, QPalette, QPixmap
from PyQt6.QtWidgets import QApplication, QWidget

from dexgen_app import paths
from dexgen_app.gui.style_sheet import STYLE_SHEET


@dataclass(frozen=True, kw_only=True)
class Colors:
    """One theme as ``#RRGGBB`` words; ``curves`` are the colours of a finger's joints."""

    dark: bool
    window: str
    panel: str
    raised: str
    hover: str
    sunken: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    ok: str
    on_ok: str
    warn: str
    on_warn: str
    bad: str
    stop: str
    sim: str
    real: str
    grid: str
    curves: tuple[str, ...]


DARK = Colors(
    dark=True,
    window="#101317",
    panel="#171b21",
    raised="#222831",
    hover="#2c343f",
    sunken="#0c0f12",
    border="#2a313b",
    text="#e8ecf1",
    muted="#8d97a5",
    accent="#4c9dff",
    on_accent="#06121f",
    ok="#3cc283",
    on_ok="#07160e",
    warn="#f0a83c",
    on_warn="#14110a",
    bad="#ff6166",
    stop="#e0262e",
    sim="#2f7fd6",
    real="#ff8a1f",
    grid="#252c35",
    curves=("#5aa9ff", "#f5a742", "#46cc8d", "#e77fc3", "#b09bff", "#e8e36a"),
)

LIGHT = Colors(
    dark=False,
    window="#e9edf2",
    panel="#ffffff",
    raised="#f4f6f9",
    hover="#e6ebf2",
    sunken="#f7f9fb",
    border="#cdd5df",
    text="#17202b",
    muted="#5d6978",
    accent="#1669c9",
    on_accent="#ffffff",
    ok="#12804c",
    on_ok="#ffffff",
    warn="#a86200",
    on_warn="#ffffff",
    bad="#c8242b",
    stop="#d3202a",
    sim="#3b86d8",
    real="#e06c00",
    grid="#e3e8ee",
    curves=("#1f6fd0", "#c97500", "#13864f", "#b33a8c", "#6b4fd0", "#807a00"),
)


class _Notifier(QObject):
    """Says that the theme changed."""

    changed = pyqtSignal()


_current = DARK
_notifier: _Notifier | None = None


def notifier() -> _Notifier:
    """Return the object whose ``changed`` signal follows a change of the theme."""
    global _notifier
    if _notifier is None:
        _notifier = _Notifier()
    return _notifier


def colors() -> Colors:
    """Return the theme in force."""
    return _current


def apply(app: QApplication, *, dark: bool, point_size: float = 9.5) -> Colors:
    """Give the application a theme.

    Args:
        app: The application.
        dark: Dark or light.
        point_size: Size of the text [pt].

    Returns:
        The theme's colours.
    """
    global _current
    _current = DARK if dark else LIGHT
    app.setStyle("Fusion")
    font = QFont()
    font.setFamilies(["Inter", "Segoe UI", "SF Pro Text", "Ubuntu", "Noto Sans", "DejaVu Sans"])
    font.setPointSizeF(point_size)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    app.setFont(font)
    app.setPalette(_palette(_current))
    values = {k: v for k, v in vars(_current).items() if isinstance(v, str)}
    values["arrow_icon"] = _arrow_file()
    sheet = STYLE_SHEET
    for name in sorted(values, key=len, reverse=True):
        sheet = sheet.replace(f"@{name}", values[name])
    app.setStyleSheet(sheet)
    notifier().changed.emit()
    return _current


def _arrow_file() -> str:
    """Draw the arrow of the choosers into the cache, because a style sheet needs a file."""
    try:
        path = paths.cache_dir() / "gui" / f"arrow-{_current.muted[1:]}.png"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            pixmap("mdi6.chevron-down", "muted", 24).save(str(path))
    except OSError:
        return "none"
    return path.as_posix()


def _palette(c: Colors) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for key, value in {
        role.Window: c.window,
        role.WindowText: c.text,
        role.Base: c.panel,
        role.AlternateBase: c.raised,
        role.ToolTipBase: c.raised,
        role.ToolTipText: c.text,
        role.Text: c.text,
        role.Button: c.raised,
        role.ButtonText: c.text,
        role.BrightText: c.bad,
        role.Highlight: c.accent,
        role.HighlightedText: c.on_accent,
        role.Link: c.accent,
        role.PlaceholderText: c.muted,
        role.Mid: c.border,
        role.Dark: c.border,
        role.Light: c.hover,
    }.items():
        palette.setColor(key, QColor(value))
    for key in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, QColor(blend(c.muted, c.panel, 0.35)))
    return palette


def blend(first: str, second: str, amount: float) -> str:
    """Mix two colours.

    Args:
        first: Colour at ``amount`` 0.
        second: Colour at ``amount`` 1.
        amount: 0 to 1.

    Returns:
        The mixture as ``#rrggbb``.
    """
    a, b = QColor(first), QColor(second)
    parts = (
        round(x + (y - x) * amount)
        for x, y in zip((a.red(), a.green(), a.blue()), (b.red(), b.green(), b.blue()))
    )
    return "#{:02x}{:02x}{:02x}".format(*parts)


def icon(name: str, color: str = "") -> QIcon:
    """Return a qtawesome icon in a theme colour's name (default ``text``) or a hex colour."""
    import qtawesome

    tint = color if color.startswith("#") else getattr(_current, color or "text")
    try:
        return qtawesome.icon(
            name, color=tint, color_disabled=blend(_current.muted, _current.panel, 0.5)
        )
    except Exception:  # an unknown name in a plugin's spec must not take the window down
        return qtawesome.icon("mdi6.puzzle-outline", color=tint)


def pixmap(name: str, color: str = "", size: int = 16) -> QPixmap:
    """Return an icon as a picture of ``size`` pixels."""
    return icon(name, color).pixmap(QSize(size, size))


class _IconKeeper(QObject):
    """Gives its parent, a button or an action, its icon anew when the theme changes."""

    def __init__(self, target: Any) -> None:
        super().__init__(target)
        self.name, self.color = "", ""
        notifier().changed.connect(self.refresh)

    def refresh(self) -> None:
        """Draw the icon in the theme's colours."""
        target: Any = self.parent()
        if target is not None:
            target.setIcon(icon(self.name, self.color))


def set_icon(target: Any, name: str, color: str = "") -> None:
    """Give a button or action an icon that follows the theme."""
    keeper = target.findChild(_IconKeeper)
    if keeper is None:
        keeper = _IconKeeper(target)
    if (keeper.name, keeper.color) != (name, color):
        keeper.name, keeper.color = name, color
        keeper.refresh()


def follow(widget: QWidget, update: Callable[[], None]) -> None:
    """Call ``update``, a bound method of ``widget``, now and at every change of the theme."""
    update()
    notifier().changed.connect(update)


def set_property(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet looks at, and restyle the widget if it changed."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    style = widget.style()
    if style is not None:
        style.unpolish(widget)
        style.polish(widget)
    widget.update()
