"""Train: the runs with their progress and curves, and a form that starts a new one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QItemSelectionModel, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QBrush, QColor, QShowEvent
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from dexgen_app.errors import DexgenError
from dexgen_app.gui import theme
from dexgen_app.gui.background import Background
from dexgen_app.gui.panels.train_curves import TrainCurves
from dexgen_app.gui.panels.train_form import TrainForm
from dexgen_app.gui.rollout import RolloutWindow
from dexgen_app.gui.runs import RunReader, RunStatus, Snapshot
from dexgen_app.gui.training import Training, TrainRequest
from dexgen_app.gui.widgets import EmptyState, button, muted
from dexgen_app.learn.run_folder import RunFolder
from dexgen_app.plugins import PluginRegistry

MOST_CURVES = 6
_KEEP_SELECTION = QItemSelectionModel.SelectionFlag.NoUpdate
_REFRESH_MS = 1000
_TONE = {
    "starting": "accent",
    "running": "ok",
    "paused": "warn",
    "failed": "bad",
    "killed": "bad",
    "done": "text",
}
_NAME = Qt.ItemDataRole.UserRole


class TrainPanel(QWidget):
    """Lists training runs, draws their curves, and starts, pauses, resumes and stops them.

    Signals:
        message: A text and its tone for the person.
    """

    message = pyqtSignal(str, str)

    def __init__(self, registry: PluginRegistry) -> None:
        super().__init__()
        self._registry = registry
        self.training = Training(self)
        self._reader, self._background = RunReader(), Background(self)
        self._reading = False
        self.statuses: dict[str, RunStatus] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.form = TrainForm(registry, self.training)
        self.form.wanted.connect(self.start)
        self.form.watch_wanted.connect(self._on_watch_shipped)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self._runs_page(), "Runs")
        self.tabs.addTab(self.form, "New run")
        layout.addWidget(self.tabs)
        self.setFocusProxy(self.tree)
        self._timer = QTimer(self)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        theme.notifier().changed.connect(self._recolor)

    def _runs_page(self) -> QWidget:
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(["run", "state", "done", "left"])
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        self.tree.setSelectionMode(QTreeWidget.SelectionMode.ExtendedSelection)
        self.tree.setAccessibleName("Training runs")
        self.tree.setToolTip("Choose several runs to compare their curves")
        header = self.tree.header()
        if header is not None:
            header.setStretchLastSection(False)
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            for column, width in ((1, 84), (2, 56), (3, 86)):
                header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
                header.resizeSection(column, width)
        self.tree.itemSelectionChanged.connect(self._on_selection)
        empty = EmptyState(
            "mdi6.school-outline",
            "Nothing was trained yet",
            "A run teaches the hand a motion primitive.",
            "New run",
        )
        empty.clicked.connect(lambda: self.tabs.setCurrentIndex(1))
        self.stack = QStackedWidget()
        self.stack.addWidget(empty)
        self.curves = TrainCurves()
        self.line = muted("")
        self.line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.pause = self._button("Pause", "mdi6.pause", self._on_pause)
        self.resume = self._button("Resume", "mdi6.play", self._on_resume)
        self.stop = self._button("Stop", "mdi6.stop", self._on_stop)
        row = QHBoxLayout()
        row.setContentsMargins(8, 5, 8, 5)
        row.setSpacing(5)
        row.addWidget(self.line, 1)
        self.play = self._button("Watch", "mdi6.eye-outline", self._on_play)
        self.play.setToolTip("Show the newest policy, or any before it, at work")
        for item in (self.play, self.pause, self.resume, self.stop):
            row.addWidget(item)
        top = QWidget()
        column = QVBoxLayout(top)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tree, 1)
        column.addLayout(row)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(top)
        split.addWidget(self.curves)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 4)
        split.setSizes([210, 480])
        self.stack.addWidget(split)
        self._enable()
        return self.stack

    def _button(self, text: str, icon: str, slot: Callable[[], None]) -> QWidget:
        made = button(text, icon)
        made.clicked.connect(lambda: slot())
        return made

    # What a person does ---------------------------------------------------------------------

    def start(self, request: TrainRequest) -> None:
        """Start a run, show it among the others and choose it."""
        try:
            name = self.training.start(request)
        except DexgenError as error:
            self.message.emit(str(error), "bad")
            return
        self.message.emit(f"The run {name} starts; it goes on if the window is closed", "ok")
        self.form.clear_name()
        self.statuses = {name: RunStatus(name=name, state="starting"), **self.statuses}
        self._fill(chosen={name})
        self.tabs.setCurrentIndex(0)
        self.refresh()

    def _on_pause(self) -> None:
        self._each(lambda s: s.state == "running", lambda s: self.training.pause(s.name))

    def _on_resume(self) -> None:
        self._each(
            lambda s: s.resumable or s.asked != "",
            lambda s: self.training.resume(s.name, alive=s.alive),
        )

    def _on_stop(self) -> None:
        self._each(lambda s: s.alive, lambda s: self.training.stop(s.name))

    def _on_play(self) -> None:
        name = self.chosen()[0]
        policies = RunFolder.named(name).policies()
        if not policies:
            self.message.emit(f"The run {name} has saved no policy yet", "warn")
            return
        self._watch(name, {f"{steps_of(path):,} steps": path for path in reversed(policies)})

    def _on_watch_shipped(self, skill: str, path: Path) -> None:
        self._watch(self._registry.find_skill(skill).title, {"shipped": path})

    def _watch(self, name: str, policies: dict[str, Path]) -> None:
        window = RolloutWindow(self._registry, name, policies, self)
        window.show()
        window.start()

    def stop_processes(self) -> None:
        """End what plays and reads for this panel; runs go on."""
        for window in self.findChildren(RolloutWindow):
            window.close()
        self.training.close()

    def _each(self, fits: Callable[[RunStatus], bool], act: Callable[[RunStatus], None]) -> None:
        for name in self.chosen():
            status = self.statuses.get(name)
            if status is None or not fits(status):
                continue
            try:
                act(status)
            except DexgenError as error:
                self.message.emit(str(error), "bad")
        self.refresh()

    def chosen(self) -> list[str]:
        """Return the names of the chosen runs, as they stand in the list."""
        return [str(item.data(0, _NAME)) for item in self._items() if item.isSelected()]

    # What is shown --------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent | None) -> None:
        """Read the runs when the panel appears."""
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Read the runs in the background, unless nobody can see them."""
        if self._reading or not self.isVisible():
            return
        self._reading = True
        chosen, started = tuple(self.chosen()[:MOST_CURVES]), dict(self.training.started)
        self._background.submit(lambda: self._reader.read(chosen, started), self._on_read)

    def _on_read(self, snapshot: Snapshot | Exception) -> None:
        self._reading = False
        if isinstance(snapshot, Exception):
            self.line.setText(f"The runs cannot be read: {snapshot}")
            return
        statuses, curves = snapshot
        before = self.statuses
        self.statuses = {status.name: status for status in statuses}
        for name, status in self.statuses.items():
            if status.state == "failed" and name in before and before[name].alive:
                self._tell_failure(name)
        if not before and self.statuses:
            self._fill(chosen={next(iter(self.statuses))})
        elif list(before) != list(self.statuses):
            self._fill()
        self._show()
        self.curves.show_curves(curves)

    def _tell_failure(self, name: str) -> None:
        last = self.training.output(name, 1)
        self.message.emit(f"The run {name} failed. {last}".strip(), "bad")

    def _fill(self, chosen: set[str] | None = None) -> None:
        chosen = set(self.chosen()) if chosen is None else chosen
        self.tree.blockSignals(True)
        self.tree.clear()
        for name in self.statuses:
            item = QTreeWidgetItem([name])
            item.setData(0, _NAME, name)
            self.tree.addTopLevelItem(item)
            item.setSelected(name in chosen)
        first = next((item for item in self._items() if item.isSelected()), None)
        if first is not None:
            self.tree.setCurrentItem(first, 0, _KEEP_SELECTION)
        self.tree.blockSignals(False)
        self.stack.setCurrentIndex(1 if self.statuses else 0)
        self._recolor()

    def _items(self) -> list[QTreeWidgetItem]:
        items = (self.tree.topLevelItem(i) for i in range(self.tree.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _show(self) -> None:
        c = theme.colors()
        for item in self._items():
            status = self.statuses.get(str(item.data(0, _NAME)))
            if status is None:
                continue
            running = status.state == "running" and status.seconds_left > 0.0
            asked = {"pause": "pausing", "stop": "stopping"}.get(status.asked, "")
            word = asked if asked and not (asked == "pausing" and status.state == "paused") else ""
            item.setText(1, word or status.state)
            item.setText(2, f"{100.0 * status.fraction:.0f} %")
            item.setText(3, short_time(status.seconds_left) if running else "")
            tint = getattr(c, _TONE.get(status.state, "muted"))
            item.setForeground(1, QBrush(QColor(tint)))
            item.setToolTip(0, f"{name_of(status)}\n{status.line()}")
        self._enable()

    def _enable(self) -> None:
        picked = [self.statuses[name] for name in self.chosen() if name in self.statuses]
        self.pause.setEnabled(any(s.state == "running" and not s.asked for s in picked))
        self.resume.setEnabled(any(s.resumable or s.asked for s in picked))
        self.stop.setEnabled(any(s.alive for s in picked))
        self.play.setEnabled(len(picked) == 1)
        if len(picked) == 1:
            self.line.setText(picked[0].line())
        else:
            self.line.setText(f"{len(picked)} runs are compared" if picked else "")

    def _on_selection(self) -> None:
        self._recolor()
        self._enable()
        self.refresh()

    def _recolor(self) -> None:
        """Give each chosen run the colour of its curve."""
        names = self.chosen()[:MOST_CURVES]
        for item in self._items():
            name = str(item.data(0, _NAME))
            tint = self.curves.color(names.index(name)) if name in names else "muted"
            icon = "mdi6.circle" if name in names else "mdi6.circle-outline"
            item.setIcon(0, theme.icon(icon, tint))
        self.curves.set_runs(names)


def steps_of(policy: Path) -> int:
    """Return after how many steps a run saved a policy."""
    return int(policy.stem.split("_")[1])


def name_of(status: RunStatus) -> str:
    """Return a run's name with its skill."""
    return f"{status.name} ({status.skill})" if status.skill else status.name


def short_time(seconds: float) -> str:
    """Return a duration for a narrow column: ``45 s``, ``12 min``, ``3:05 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60}:{minutes % 60:02d} h"
