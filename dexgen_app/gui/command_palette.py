"""The command palette: type a few letters of what you want, press Enter."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, QSize, Qt
from PyQt6.QtGui import QKeyEvent, QKeySequence
from PyQt6.QtWidgets import (
    QFrame,
    QGraphicsDropShadowEffect,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from dexgen_app.gui import theme
from dexgen_app.gui.actions import ActionRegistry, match

_WIDTH = 620
_ROWS = 12


class CommandPalette(QFrame):
    """A card over the window; not a window of its own, so that nothing loses its focus for it."""

    def __init__(self, actions: ActionRegistry, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("palette")
        self._actions = actions
        self._before: QWidget | None = None
        self.edit = QLineEdit(placeholderText="Type a command")
        self.edit.setAccessibleName("Command")
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setIconSize(QSize(16, 16))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 8)
        layout.addWidget(self.edit)
        layout.addWidget(self.list)
        shadow = QGraphicsDropShadowEffect(self)
        shadow.setBlurRadius(40)
        shadow.setOffset(0, 8)
        self.setGraphicsEffect(shadow)
        self.edit.textChanged.connect(self._fill)
        self.edit.installEventFilter(self)
        self.list.itemClicked.connect(self._run)
        self.hide()

    def open(self) -> None:
        """Show the palette with every command."""
        parent = self.parentWidget()
        if parent is None:
            return
        self._before = parent.window().focusWidget()
        self.edit.clear()
        self._fill("")
        self.show()
        self.raise_()
        self.edit.setFocus()

    def dismiss(self) -> None:
        """Hide the palette and give the focus back."""
        self.hide()
        if self._before is not None:
            try:
                self._before.setFocus()
            except RuntimeError:
                self._before = None

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Handle the arrows, Enter, Escape and the loss of the focus."""
        if event is None:
            return False
        if event.type() == QEvent.Type.FocusOut:
            self.hide()
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            row, count = self.list.currentRow(), self.list.count()
            if event.key() == Qt.Key.Key_Escape:
                self.dismiss()
            elif event.key() == Qt.Key.Key_Down and count:
                self.list.setCurrentRow((row + 1) % count)
            elif event.key() == Qt.Key.Key_Up and count:
                self.list.setCurrentRow((row - 1) % count)
            elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run(self.list.currentItem())
            else:
                return False
            return True
        return False

    def _fill(self, query: str) -> None:
        found = []
        for info in self._actions:
            action = self._actions[info.id]
            if not action.isEnabled() or info.id == "tools.palette":
                continue
            score = match(query, f"{info.menu} {info.title}" if info.menu else info.title)
            if score is not None:
                found.append((score, info))
        found.sort(key=lambda pair: pair[0])
        self.list.clear()
        for _, info in found:
            action = self._actions[info.id]
            item = QListWidgetItem()
            item.setData(Qt.ItemDataRole.UserRole, info.id)
            item.setSizeHint(QSize(0, 28))
            self.list.addItem(item)
            self.list.setItemWidget(item, _row(info.menu, info.title, info.icon, action.shortcut()))
        self.list.setCurrentRow(0)
        self._fit()

    def _fit(self) -> None:
        """Be as tall as what was found."""
        parent = self.parentWidget()
        if parent is not None:
            width = min(_WIDTH, parent.width() - 40)
            rows = min(max(self.list.count(), 1), _ROWS)
            self.setGeometry((parent.width() - width) // 2, 78, width, 70 + rows * 28)

    def _run(self, item: QListWidgetItem | None) -> None:
        self.dismiss()
        if item is not None:
            self._actions[item.data(Qt.ItemDataRole.UserRole)].trigger()


def _row(menu: str, title: str, icon: str, keys: QKeySequence) -> QWidget:
    row = QWidget()
    row.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    layout = QHBoxLayout(row)
    layout.setContentsMargins(6, 0, 8, 0)
    layout.setSpacing(9)
    picture = QLabel()
    picture.setFixedWidth(18)
    picture.setPixmap(theme.pixmap(icon or "mdi6.chevron-right", "muted"))
    group = QLabel(menu or "Command", objectName="muted")
    group.setFixedWidth(68)
    layout.addWidget(picture)
    layout.addWidget(group)
    layout.addWidget(QLabel(title), 1)
    layout.addWidget(
        QLabel(keys.toString(QKeySequence.SequenceFormat.NativeText), objectName="muted")
    )
    return row
