"""The docks of the window and its three layouts, which are remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PyQt6.QtCore import QByteArray, QSettings, Qt, QTimer
from PyQt6.QtWidgets import QDockWidget, QMainWindow, QTabWidget, QVBoxLayout, QWidget

from dexgen_app import paths
from dexgen_app.gui.panels.host import PanelHost
from dexgen_app.gui.widgets import DockTitle

STATE_VERSION = 1
LAYOUTS = ("teleop", "train", "review")
_AREAS = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}


@dataclass(frozen=True)
class Place:
    """Where a dock stands in a layout: its column, its share of it, and whose tab it joins."""

    name: str
    area: str
    share: int = 1
    tab_of: str = ""


DEFAULTS: dict[str, tuple[Place, ...]] = {
    "teleop": (
        Place("joints", "left", 28),
        Place("keyboard", "left", 28, "joints"),
        Place("episodes", "left", 15),
        Place("plots", "right", 28),
        Place("scene", "right", 18),
        Place("train", "right", 18, "scene"),
        Place("log", "bottom", 1),
        Place("plugins", "bottom", 1, "log"),
    ),
    "train": (
        Place("joints", "left", 1),
        Place("train", "right", 1),
        Place("plots", "right", 1, "train"),
        Place("log", "bottom", 1),
        Place("plugins", "bottom", 1, "log"),
    ),
    "review": (
        Place("episodes", "left", 18),
        Place("joints", "left", 22),
        Place("plots", "right", 1),
        Place("log", "bottom", 1),
    ),
}
WIDTHS = {"teleop": (372, 408, 176), "train": (340, 640, 170), "review": (372, 440, 130)}


class PanelDock(QDockWidget):
    """A dock with a title bar of our own."""

    def __init__(self, name: str, title: str, icon: str, content: QWidget, parent: QWidget) -> None:
        super().__init__(title, parent)
        self.setObjectName(name)
        body = QWidget(objectName="dockBody")
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(content)
        self.setWidget(body)
        self.content = content
        self._title = DockTitle(self, icon)
        self._no_title = QWidget(self)
        self.setTitleBarWidget(self._title)

    def show_title(self, shown: bool) -> None:
        """Show the title bar, or leave the title to the tab."""
        wanted = self._title if shown else self._no_title
        if self.titleBarWidget() is not wanted:
            self.setTitleBarWidget(wanted)
            self._title.setVisible(shown)
            self._no_title.setVisible(not shown)


class Docks:
    """Creates docks, arranges them and remembers how the person left them."""

    def __init__(self, window: QMainWindow, settings: QSettings | None = None) -> None:
        self._window = window
        self.settings = settings or QSettings(
            str(paths.config_dir() / "window.ini"), QSettings.Format.IniFormat
        )
        self.docks: dict[str, PanelDock] = {}
        self._extra: dict[str, tuple[Place, tuple[str, ...]]] = {}
        self.layout = "teleop"
        self._timer = QTimer(window)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._show_titles)
        corner, area = Qt.Corner, Qt.DockWidgetArea
        window.setCorner(corner.BottomLeftCorner, area.LeftDockWidgetArea)
        window.setCorner(corner.BottomRightCorner, area.RightDockWidgetArea)
        window.setDockOptions(
            QMainWindow.DockOption.AllowNestedDocks
            | QMainWindow.DockOption.AllowTabbedDocks
            | QMainWindow.DockOption.AnimatedDocks
        )
        for side in _AREAS.values():
            window.setTabPosition(side, QTabWidget.TabPosition.North)

    def add(self, name: str, title: str, icon: str, content: QWidget) -> PanelDock:
        """Add one of the application's own docks; ``name`` appears in ``DEFAULTS``."""
        dock = PanelDock(name, title, icon, content, self._window)
        self.docks[name] = dock
        dock.dockLocationChanged.connect(self._later)
        dock.topLevelChanged.connect(self._later)
        dock.visibilityChanged.connect(self._later)
        return dock

    def _later(self, *_: object) -> None:
        self._timer.start(0)

    def _show_titles(self) -> None:
        """Tabs name their docks; the others have a title bar."""
        for dock in self.docks.values():
            others = self._window.tabifiedDockWidgets(dock)
            tabbed = any(not other.isHidden() for other in others)
            dock.show_title(dock.isFloating() or not tabbed)

    def add_plugin(
        self,
        name: str,
        title: str,
        icon: str,
        build: Callable[[], object],
        area: str,
        layouts: tuple[str, ...],
    ) -> PanelDock:
        """Add a plugin's dock, whose panel is built when it is first shown."""
        dock = self.add(name, title, icon, PanelHost(title, build))
        self._extra[name] = (Place(name, area), layouts)
        return dock

    def reset(self, layout: str | None = None) -> None:
        """Arrange the docks as they are delivered."""
        self.layout = layout or self.layout
        window = self._window
        window.setUpdatesEnabled(False)
        for dock in self.docks.values():
            dock.setFloating(False)
            window.removeDockWidget(dock)
        places = [*DEFAULTS[self.layout]]
        places += [place for place, layouts in self._extra.values() if self.layout in layouts]
        shown: dict[str, list[Place]] = {area: [] for area in _AREAS}
        for place in places:
            dock = self.docks.get(place.name)
            if dock is None:
                continue
            if place.tab_of in self.docks:
                window.addDockWidget(_AREAS[place.area], dock)
                window.tabifyDockWidget(self.docks[place.tab_of], dock)
            elif place.name in self._extra and shown[place.area]:
                window.addDockWidget(_AREAS[place.area], dock)
                window.tabifyDockWidget(self.docks[shown[place.area][-1].name], dock)
            else:
                window.addDockWidget(_AREAS[place.area], dock)
                shown[place.area].append(place)
            dock.show()
        for area in shown.values():
            for place in area:
                self.docks[place.name].raise_()
        for name, dock in self.docks.items():
            if name not in {place.name for place in places}:
                window.addDockWidget(_AREAS[self._home_area(name)], dock)
                dock.hide()
        self._resize(shown)
        window.setUpdatesEnabled(True)

    def _home_area(self, name: str) -> str:
        if name in self._extra:
            return self._extra[name][0].area
        places = (place for layout in DEFAULTS.values() for place in layout)
        return next((place.area for place in places if place.name == name), "right")

    def _resize(self, shown: dict[str, list[Place]]) -> None:
        left, right, bottom = WIDTHS[self.layout]
        narrow = self._window.width() < 1450
        if narrow:
            left, right, bottom = round(left * 0.9), round(right * 0.86), round(bottom * 0.9)
        horizontal, vertical = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        for area, size in (("left", left), ("right", right)):
            docks = [self.docks[place.name] for place in shown[area]]
            if docks:
                self._window.resizeDocks(docks, [size] * len(docks), horizontal)
                total = max(self._window.height() - 130, 400)
                whole = sum(place.share for place in shown[area])
                heights = [total * place.share // whole for place in shown[area]]
                self._window.resizeDocks(docks, heights, vertical)
        docks = [self.docks[place.name] for place in shown["bottom"]]
        if docks:
            self._window.resizeDocks(docks, [bottom] * len(docks), vertical)

    def switch(self, layout: str) -> None:
        """Change to another layout, remembering the present one."""
        if layout == self.layout:
            return
        self.save()
        self.layout = layout
        if not self._restore_state():
            self.reset(layout)

    def save(self) -> None:
        """Remember the window's place and the docks of the present layout."""
        self.settings.setValue("geometry", self._window.saveGeometry())
        self.settings.setValue("layout", self.layout)
        self.settings.setValue(f"state/{self.layout}", self._window.saveState(STATE_VERSION))
        self.settings.sync()

    def restore_geometry(self) -> bool:
        """Put the window where it was; call before it is shown."""
        geometry = self.settings.value("geometry", type=QByteArray)
        return bool(geometry) and self._window.restoreGeometry(geometry)

    def restore(self) -> None:
        """Arrange the docks as they were left; call after the window is shown."""
        layout = self.settings.value("layout", "teleop", type=str)
        self.layout = layout if layout in LAYOUTS else "teleop"
        if not self._restore_state():
            self.reset()

    def _restore_state(self) -> bool:
        state = self.settings.value(f"state/{self.layout}", type=QByteArray)
        return bool(state) and self._window.restoreState(state, STATE_VERSION)

    def show(self, name: str) -> None:
        """Show a dock, bring it to the front and give it the focus."""
        dock = self.docks[name]
        dock.show()
        dock.raise_()
        dock.content.setFocus()
