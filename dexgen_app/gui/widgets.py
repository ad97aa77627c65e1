"""Small widgets that the bars and panels share."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QMouseEvent, QResizeEvent
from PyQt6.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dexgen_app.gui import theme

_TONE_COLOR = {
    "neutral": "muted",
    "info": "accent",
    "ok": "ok",
    "warn": "warn",
    "bad": "bad",
    "solid": "on_ok",
    "alarm": "#ffffff",
}


class Pill(QFrame):
    """A rounded label with an icon and a word whose tone says how things stand."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pill")
        self.setFixedHeight(30)
        self._icon = QLabel()
        self._text = QLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 0, 10, 0)
        layout.setSpacing(5)
        layout.addWidget(self._icon)
        layout.addWidget(self._text, 1)
        self._state: tuple[str, str, str] = ("", "", "")
        theme.follow(self, self._refresh)

    def set(self, tone: str, icon: str, text: str) -> None:
        """Show a tone (``neutral info ok warn bad solid alarm``), an icon and a text."""
        if self._state == (tone, icon, text):
            return
        self._state = (tone, icon, text)
        self._refresh()

    @property
    def text(self) -> str:
        """The word that is shown."""
        return self._state[2]

    def _refresh(self) -> None:
        tone, icon, text = self._state
        if not tone:
            return
        theme.set_property(self, "tone", tone)
        self._text.setText(text)
        self._text.style().polish(self._text)  # type: ignore[union-attr]
        self._icon.setPixmap(theme.pixmap(icon, _TONE_COLOR[tone]))
        self.setAccessibleName(text)


def button(
    text: str, icon: str = "", *, role: str = "", tip: str = "", checkable: bool = False
) -> QPushButton:
    """Return a push button.

    Args:
        text: Its label.
        icon: qtawesome name.
        role: ``primary``, ``stop``, ``link`` or empty.
        tip: Tooltip.
        checkable: Whether it stays down.
    """
    made = QPushButton(text)
    made.setCheckable(checkable)
    if role:
        made.setProperty("role", role)
    if icon:
        theme.set_icon(made, icon, "on_accent" if role == "primary" else "")
    made.setToolTip(tip)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    return made


def tool(icon: str, tip: str, *, flat: bool = False, checkable: bool = False) -> QToolButton:
    """Return a button that is only an icon; ``tip`` is also its accessible name."""
    made = QToolButton()
    made.setObjectName("flat" if flat else "tool")
    made.setCheckable(checkable)
    theme.set_icon(made, icon, "muted" if flat else "")
    made.setToolTip(tip)
    made.setAccessibleName(tip)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    return made


def captioned(caption: str, *widgets: QWidget) -> QWidget:
    """Return widgets in a row under a small caption."""
    box = QWidget()
    layout = QVBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    label = QLabel(caption.upper(), objectName="caption")
    layout.addWidget(label)
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(4)
    for widget in widgets:
        row.addWidget(widget)
    layout.addLayout(row)
    box.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    return box


def muted(text: str = "", *, wrap: bool = False) -> QLabel:
    """Return a label in the quiet colour."""
    label = QLabel(text, objectName="muted")
    label.setWordWrap(wrap)
    return label


def vertical_line() -> QFrame:
    """Return a thin vertical line."""
    line = QFrame(objectName="barLine")
    line.setFixedWidth(1)
    line.setFixedHeight(38)
    return line


class EmptyState(QWidget):
    """What a panel shows while it has nothing: an icon, a sentence, perhaps a button."""

    clicked = pyqtSignal()

    def __init__(self, icon: str, title: str, text: str = "", action: str = "") -> None:
        super().__init__()
        self.setObjectName("sheet")
        self._name = icon
        self._picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.title = QLabel(title, objectName="heading", alignment=Qt.AlignmentFlag.AlignCenter)
        self.text = muted(text, wrap=True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 8, 16, 8)
        layout.setSpacing(7)
        layout.addStretch(1)
        layout.addWidget(self._picture)
        layout.addWidget(self.title)
        layout.addWidget(self.text)
        if action:
            self.button = button(action)
            self.button.clicked.connect(self.clicked)
            layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignCenter)
        layout.addStretch(2)
        theme.follow(self, self._refresh)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Leave the picture out where the words need the room."""
        super().resizeEvent(event)
        self._picture.setVisible(self.height() > 150)

    def _refresh(self) -> None:
        self._picture.setPixmap(theme.pixmap(self._name, "muted", 34))


class DockTitle(QFrame):
    """Title bar of a dock: a name, then float and close."""

    def __init__(self, dock: QDockWidget, icon: str) -> None:
        super().__init__(dock)
        self.setObjectName("dockTitle")
        self._dock = dock
        self._icon_name = icon
        self._icon = QLabel()
        self._float = tool("mdi6.dock-window", "Detach or dock this panel", flat=True)
        self._close = tool("mdi6.close", "Close this panel", flat=True)
        for item in (self._float, self._close):
            item.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 3, 5, 3)
        layout.setSpacing(7)
        layout.addWidget(self._icon)
        layout.addWidget(QLabel(dock.windowTitle()), 1)
        layout.addWidget(self._float)
        layout.addWidget(self._close)
        self._float.clicked.connect(self._toggle_floating)
        self._close.clicked.connect(dock.close)
        theme.follow(self, self._refresh)

    def _toggle_floating(self) -> None:
        self._dock.setFloating(not self._dock.isFloating())

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Detach or dock the panel."""
        self._toggle_floating()

    def _refresh(self) -> None:
        self._icon.setPixmap(theme.pixmap(self._icon_name, "muted", 15))
