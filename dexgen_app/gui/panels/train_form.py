"""The form of a new training run: what is asked for, and the skill's own settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QSpinBox,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from dexgen_app.gui.training import Training, TrainRequest
from dexgen_app.gui.widgets import EmptyState, button, muted
from dexgen_app.learn.shipped import policy_file
from dexgen_app.plugins import PluginRegistry

_PATH = Qt.ItemDataRole.UserRole
_DEFAULT = Qt.ItemDataRole.UserRole + 1


class TrainForm(QWidget):
    """Asks for a run.

    Signals:
        wanted: A ``TrainRequest``.
        watch_wanted: Id of a skill and the policy that it ships.
    """

    wanted = pyqtSignal(object)
    watch_wanted = pyqtSignal(str, object)

    def __init__(self, registry: PluginRegistry, training: Training) -> None:
        super().__init__()
        self._registry, self._training = registry, training
        self._shown = ""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.skill = QComboBox()
        self.hand = QComboBox()
        self.engine = QComboBox()
        for title, engine, device in (
            ("mujoco", "mujoco", "cpu"),
            ("genesis", "genesis", "cpu"),
            ("genesis on a graphics card", "genesis", "cuda"),
        ):
            self.engine.addItem(title, (engine, device))
        self.steps = _spin(1, 2_000_000_000, 2_000_000, 100_000)
        self.environments = _spin(1, 65_536, 256, 32)
        self.processes = _spin(1, 256, 2, 1)
        self.seed = _spin(0, 2**31 - 1, 0, 1)
        self.name = QLineEdit(placeholderText="skill and time")
        self.settings = QTreeWidget()
        self.state = muted("", wrap=True)
        self.go = button("Start", "mdi6.play", role="primary")
        self.watch = button("Watch shipped", "mdi6.eye-outline")
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
        for spec in registry.skills.values():
            self.skill.addItem(spec.title, spec.id)
            self.skill.setItemData(self.skill.count() - 1, spec.help, Qt.ItemDataRole.ToolTipRole)
        self._build(layout)
        self.skill.currentIndexChanged.connect(self._on_skill)
        training.settings_read.connect(self._on_settings)
        self.go.clicked.connect(lambda: self.wanted.emit(self.request()))
        self.watch.clicked.connect(self._on_watch)
        self.hand.currentIndexChanged.connect(self._enable_watch)
        self._fill_hands()

    def _build(self, layout: QVBoxLayout) -> None:
        left, right = QFormLayout(), QFormLayout()
        for form, rows in (
            (
                left,
                (
                    ("Skill", self.skill),
                    ("Hand", self.hand),
                    ("Engine", self.engine),
                    ("Run name", self.name),
                ),
            ),
            (
                right,
                (
                    ("Steps", self.steps),
                    ("Environments", self.environments),
                    ("Processes", self.processes),
                    ("Seed", self.seed),
                ),
            ),
        ):
            form.setSpacing(5)
            form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
            for title, field in rows:
                form.addRow(title, field)
                field.setAccessibleName(title)
                field.setMinimumWidth(70)
        both = QHBoxLayout()
        both.setContentsMargins(12, 10, 12, 2)
        both.setSpacing(14)
        both.addLayout(left, 1)
        both.addLayout(right, 1)
        self.settings.setHeaderLabels(["setting of the skill", "value"])
        self.settings.setAccessibleName("Settings of the skill")
        self.settings.setEditTriggers(QTreeWidget.EditTrigger.NoEditTriggers)
        self.settings.itemDoubleClicked.connect(self._edit)
        self.settings.itemActivated.connect(self._edit)
        self.settings.itemChanged.connect(self._on_edited)
        header = self.settings.header()
        if header is not None:
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 4, 12, 8)
        foot.addWidget(self.state, 1)
        foot.addWidget(self.watch)
        foot.addWidget(self.go)
        layout.addLayout(both)
        layout.addWidget(self.settings, 1)
        layout.addLayout(foot)

    def request(self) -> TrainRequest:
        """Return what the form asks for."""
        engine, device = self.engine.currentData()
        return TrainRequest(
            skill=str(self.skill.currentData()),
            hand=str(self.hand.currentData()),
            engine=engine,
            device=device,
            steps=self.steps.value(),
            environments=self.environments.value(),
            processes=self.processes.value(),
            seed=self.seed.value(),
            name=self.name.text().strip(),
            settings=tuple(self._changed()),
        )

    def clear_name(self) -> None:
        """Let the next run have a name of its own."""
        self.name.clear()

    def showEvent(self, event: object) -> None:
        """Read the skill's settings when the form is first seen."""
        super().showEvent(event)  # type: ignore[arg-type]
        self._on_skill()

    def _on_skill(self, _index: int = 0) -> None:
        self._fill_hands()
        skill = str(self.skill.currentData() or "")
        if skill and skill != self._shown and self.isVisible():
            self._shown = skill
            self.settings.clear()
            self.state.setText("Reading the settings of the skill")
            self._training.read_settings(skill)

    def _fill_hands(self) -> None:
        spec = self._registry.skills.get(str(self.skill.currentData()))
        before = self.hand.currentData()
        self.hand.blockSignals(True)
        self.hand.clear()
        for id, hand in self._registry.hands.items():
            if spec is None or not spec.hands or id in spec.hands:
                self.hand.addItem(hand.title, id)
        self.hand.setCurrentIndex(max(0, self.hand.findData(before)))
        self.hand.blockSignals(False)
        self._enable_watch()

    def _shipped(self) -> Path | None:
        skill = self._registry.skills.get(str(self.skill.currentData()))
        hand = self._registry.hands.get(str(self.hand.currentData()))
        return policy_file(skill, hand) if skill and hand else None

    def _enable_watch(self, _index: int = 0) -> None:
        shipped = self._shipped() is not None
        self.watch.setEnabled(shipped)
        self.watch.setToolTip(
            "Show the policy that the skill ships for this hand at work"
            if shipped
            else "The skill ships no policy for this hand"
        )

    def _on_watch(self) -> None:
        path = self._shipped()
        if path is not None:
            self.watch_wanted.emit(str(self.skill.currentData()), path)

    def _on_settings(self, skill: str, values: object) -> None:
        if skill != self._shown:
            return
        self.settings.blockSignals(True)
        self.settings.clear()
        if isinstance(values, dict):
            self.state.setText("Double click or Enter changes a value")
            for name, value in values.items():
                self._add(None, name, name, value)
        else:
            self.state.setText(f"The settings cannot be read: {values}")
            self._shown = ""
        self.settings.blockSignals(False)

    def _add(self, parent: QTreeWidgetItem | None, path: str, name: str, value: Any) -> None:
        if isinstance(value, dict):
            item = QTreeWidgetItem([name.replace("_", " "), ""])
            for inner, content in value.items():
                self._add(item, f"{path}.{inner}", inner, content)
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            item = QTreeWidgetItem([name.replace("_", " "), text])
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            item.setData(0, _PATH, path)
            item.setData(0, _DEFAULT, text)
            item.setToolTip(1, path)
        if parent is None:
            self.settings.addTopLevelItem(item)
        else:
            parent.addChild(item)

    def _edit(self, item: QTreeWidgetItem, _column: int) -> None:
        if item.data(0, _PATH):
            self.settings.editItem(item, 1)

    def _on_edited(self, item: QTreeWidgetItem, column: int) -> None:
        if column == 1:
            font = item.font(1)
            font.setBold(item.text(1) != item.data(0, _DEFAULT))
            self.settings.blockSignals(True)
            item.setFont(1, font)
            self.settings.blockSignals(False)
            count = len(list(self._changed()))
            plural = "s differ" if count != 1 else " differs"
            self.state.setText(f"{count} setting{plural} from the skill's own" if count else "")

    def _changed(self) -> list[str]:
        found: list[str] = []
        items = [self.settings.topLevelItem(i) for i in range(self.settings.topLevelItemCount())]
        while items:
            item = items.pop(0)
            if item is None:
                continue
            items = [item.child(i) for i in range(item.childCount())] + items
            if item.data(0, _PATH) and item.text(1) != item.data(0, _DEFAULT):
                found.append(f"{item.data(0, _PATH)}={item.text(1).strip()}")
        return found


def _spin(low: int, high: int, value: int, step: int) -> QSpinBox:
    made = QSpinBox()
    made.setRange(low, high)
    made.setSingleStep(step)
    made.setValue(value)
    made.setGroupSeparatorShown(True)
    return made
