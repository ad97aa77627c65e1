"""Plugins: what is installed, what became of it, and a switch for each."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QBrush, QColor
from PyQt6.QtWidgets import (
    QHeaderView,
    QPlainTextEdit,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from dexgen_app.errors import DexgenError
from dexgen_app.gui import theme
from dexgen_app.plugins import PluginRecord, PluginRegistry, PluginState
from dexgen_app.settings import load_settings, update_settings

_LOOK = {
    PluginState.LOADED: ("mdi6.check-circle-outline", "ok"),
    PluginState.FAILED: ("mdi6.alert-circle-outline", "bad"),
    PluginState.INCOMPATIBLE: ("mdi6.swap-horizontal-circle-outline", "warn"),
    PluginState.DISABLED: ("mdi6.minus-circle-outline", "muted"),
    PluginState.SUSPENDED: ("mdi6.pause-circle-outline", "warn"),
}
_KINDS = {
    "hands": "hand",
    "teleop_devices": "device",
    "controllers": "controller",
    "skills": "skill",
    "panels": "panel",
    "actions": "action",
    "commands": "command",
}


class PluginsPanel(QWidget):
    """Lists every installed plugin.

    Signals:
        message: Text and tone for the person.
    """

    message = pyqtSignal(str, str)

    def __init__(self, registry: PluginRegistry) -> None:
        super().__init__()
        self._registry = registry
        self.tree = QTreeWidget()
        self.tree.setRootIsDecorated(False)
        self.tree.setHeaderLabels(["plugin", "state", "provides", "version", "import"])
        self.tree.setAccessibleName("Plugins")
        header = self.tree.header()
        if header is not None:
            header.setStretchLastSection(False)
            header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
            for column, width in ((0, 150), (1, 116), (3, 76), (4, 70)):
                header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
                header.resizeSection(column, width)
        self.details = QPlainTextEdit()
        self.details.setObjectName("mono")
        self.details.setReadOnly(True)
        self.details.hide()
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.tree)
        split.addWidget(self.details)
        split.setStretchFactor(0, 3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setFocusProxy(self.tree)
        layout.addWidget(split)
        self.tree.currentItemChanged.connect(self._on_current)
        self.tree.itemChanged.connect(self._on_changed)
        theme.notifier().changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the records as they are now."""
        off = load_settings().disabled_plugins
        self.tree.blockSignals(True)
        self.tree.clear()
        for record in self._registry.records:
            self.tree.addTopLevelItem(_item(record, record.answers_to(off)))
        self.tree.blockSignals(False)

    def _record(self, item: QTreeWidgetItem | None) -> PluginRecord | None:
        return item.data(0, Qt.ItemDataRole.UserRole) if item is not None else None

    def _on_current(self) -> None:
        record = self._record(self.tree.currentItem())
        parts = []
        if record is not None:
            parts = [record.reason, *record.problems, record.traceback]
        text = "\n".join(part for part in parts if part)
        self.details.setPlainText(text)
        self.details.setVisible(bool(text))

    def _on_changed(self, item: QTreeWidgetItem, _column: int) -> None:
        record = self._record(item)
        if record is None:
            return
        on = item.checkState(0) == Qt.CheckState.Checked
        off = [n for n in load_settings().disabled_plugins if not record.answers_to((n,))]
        try:
            update_settings(disabled_plugins=tuple(off if on else [*off, record.name]))
        except DexgenError as error:
            self.message.emit(str(error), "bad")
            return
        word = "enabled" if on else "disabled"
        self.message.emit(f"{record.name} is {word} from the next start on", "info")


def _item(record: PluginRecord, off: bool) -> QTreeWidgetItem:
    c = theme.colors()
    provides = ", ".join(
        f"{_KINDS.get(kind, kind)} {id}" for kind, ids in record.provides.items() for id in ids
    )
    item = QTreeWidgetItem(
        [
            record.name,
            str(record.state),
            provides or record.reason or "\N{EN DASH}",
            record.version,
            f"{record.import_ms:.1f} ms" if record.import_ms else "\N{EN DASH}",
        ]
    )
    icon, tint = _LOOK[record.state]
    item.setData(0, Qt.ItemDataRole.UserRole, record)
    item.setIcon(1, theme.icon(icon, tint))
    item.setForeground(1, QBrush(QColor(getattr(c, tint))))
    item.setForeground(2, QBrush(QColor(c.muted)))
    item.setToolTip(0, f"{record.distribution} {record.version}\n{record.module}")
    item.setToolTip(2, provides or record.reason)
    item.setCheckState(0, Qt.CheckState.Unchecked if off else Qt.CheckState.Checked)
    if record.problems:
        item.setText(1, f"{record.state} !")
        item.setForeground(1, QBrush(QColor(c.warn)))
    return item
