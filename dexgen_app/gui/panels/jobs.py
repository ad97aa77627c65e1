"""Train: the motion primitives that are installed, and the jobs that run."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from dexgen_app.gui import theme
from dexgen_app.gui.widgets import EmptyState, muted
from dexgen_app.plugins import PluginRegistry


class JobsPanel(QWidget):
    """Says which skills can be trained and shows the progress of jobs."""

    def __init__(self, registry: PluginRegistry) -> None:
        super().__init__()
        self._jobs: dict[str, tuple[QLabel, QProgressBar, QLabel]] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        if not registry.skills:
            layout.addWidget(
                EmptyState(
                    "mdi6.school-outline",
                    "No skill is installed",
                    "A skill is a plugin that teaches the hand a motion primitive.\n"
                    "dexgen-app new-plugin skill NAME starts one.",
                )
            )
            return
        self.list = QListWidget()
        self.list.setAccessibleName("Skills")
        for spec in registry.skills.values():
            item = QListWidgetItem(theme.icon("mdi6.school-outline", "accent"), spec.title)
            item.setToolTip(spec.help)
            item.setData(Qt.ItemDataRole.UserRole, spec.id)
            self.list.addItem(item)
        body = QVBoxLayout()
        body.setContentsMargins(12, 10, 12, 10)
        body.setSpacing(6)
        body.addWidget(QLabel("INSTALLED SKILLS", objectName="caption"))
        body.addWidget(self.list, 1)
        body.addWidget(QLabel("JOBS", objectName="caption"))
        self._stack = QStackedWidget()
        self._stack.addWidget(
            muted("No job runs. Start one with  dexgen-app train SKILL", wrap=True)
        )
        self._area = QWidget()
        self._area_layout = QVBoxLayout(self._area)
        self._area_layout.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(self._area)
        body.addWidget(self._stack)
        layout.addLayout(body)

    def show_job(self, id: str, title: str, fraction: float, text: str) -> None:
        """Show a job's progress, 0 to 1, and its line (rate, time left)."""
        if id not in self._jobs:
            parts = (QLabel(title), QProgressBar(), muted())
            parts[1].setRange(0, 1000)
            parts[1].setTextVisible(False)
            for part in parts:
                self._area_layout.addWidget(part)
            self._jobs[id] = parts
            self._stack.setCurrentWidget(self._area)
        _, bar, line = self._jobs[id]
        bar.setValue(int(fraction * 1000))
        line.setText(text)
