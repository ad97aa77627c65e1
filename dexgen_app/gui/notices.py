"""Toasts for what happened, a banner for what is wrong, a hint for the first start."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PyQt6.QtCore import QEvent, QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import (
    QFrame,
    QGraphicsDropShadowEffect,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QWidget,
)

from dexgen_app.gui import theme
from dexgen_app.gui.widgets import button, muted, tool

_ICONS = {
    "info": "mdi6.information-outline",
    "ok": "mdi6.check-circle-outline",
    "warn": "mdi6.alert-outline",
    "bad": "mdi6.alert-octagon-outline",
}
_TINT = {"info": "accent", "ok": "ok", "warn": "warn", "bad": "bad"}
_EXPIRE_MS = 200


class Banner(QFrame):
    """A line under the bars that stays until it is dealt with; also shows progress."""

    action_clicked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self._icon = QLabel()
        self.label = QLabel()
        self.label.setWordWrap(False)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(220)
        self.action = button("")
        self.close_button = tool("mdi6.close", "Dismiss", flat=True)
        self.close_button.clicked.connect(self.clear)
        self.action.clicked.connect(self.action_clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 5, 8, 5)
        row.setSpacing(10)
        row.addWidget(self._icon)
        row.addWidget(self.label)
        row.addWidget(self.bar)
        row.addStretch(1)
        row.addWidget(self.action)
        row.addWidget(self.close_button)
        self.kind = ""
        self.hide()

    def show_progress(self, text: str, fraction: float | None) -> None:
        """Show slow work; a fraction of 1 hides it again. A fault is not overwritten."""
        if self.kind == "bad":
            return
        if fraction is not None and fraction >= 1.0:
            if self.kind == "progress":
                self.clear()
            return
        self._show("progress", "", text, "")
        self._icon.setPixmap(theme.pixmap("mdi6.progress-wrench", "accent"))
        self.bar.show()
        self.close_button.hide()
        if fraction is None:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, 1000)
            self.bar.setValue(int(fraction * 1000))

    def show_fault(self, text: str, action: str = "", tone: str = "bad") -> None:
        """Show what is wrong (``bad``) or odd (``warn``), and a button if ``action`` names one."""
        self._show(tone, tone, text, action)
        tint = "#ffffff" if tone == "bad" else "on_warn"
        self._icon.setPixmap(theme.pixmap(_ICONS[tone], tint))
        self.bar.hide()
        self.close_button.show()

    def clear(self) -> None:
        """Hide the banner."""
        self.kind = ""
        self.hide()

    def _show(self, kind: str, tone: str, text: str, action: str) -> None:
        self.kind = kind
        theme.set_property(self, "tone", tone)
        self.label.setText(text)
        self.label.setToolTip(text)
        self.label.style().polish(self.label)  # type: ignore[union-attr]
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self.show()


class Toasts(QObject):
    """Short messages in the lower right corner; they take no focus and go by themselves."""

    def __init__(self, parent: QWidget, seconds: float = 5.0) -> None:
        super().__init__(parent)
        self._parent = parent
        self._seconds = seconds
        self._shown: list[QFrame] = []
        # One timer with a bound method: a lambda a message can be freed while it runs.
        self._timer = QTimer(self)
        self._timer.setInterval(_EXPIRE_MS)
        self._timer.timeout.connect(self._expire)
        parent.installEventFilter(self)

    def show(self, text: str, tone: str = "info") -> None:
        """Show a message; ``tone`` is ``info``, ``ok``, ``warn`` or ``bad``."""
        if self._shown and self._shown[-1].property("message") == text:
            return
        frame = QFrame(self._parent, objectName="toast")
        frame.setProperty("tone", tone)
        frame.setProperty("message", text)
        icon = QLabel()
        icon.setPixmap(theme.pixmap(_ICONS[tone], _TINT[tone], 18))
        label = QLabel(text)
        label.setWordWrap(True)
        row = QHBoxLayout(frame)
        row.setContentsMargins(12, 9, 14, 9)
        row.setSpacing(10)
        row.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(label, 1)
        width = min(420, max(260, label.fontMetrics().horizontalAdvance(text) + 60))
        frame.setFixedWidth(width)
        frame.setFixedHeight(frame.layout().heightForWidth(width))  # type: ignore[union-attr]
        self._shown.append(frame)
        while len(self._shown) > 4:
            self._drop(self._shown[0])
        seconds = self._seconds * (2 if tone in ("bad", "warn") else 1)
        frame.setProperty("until", time.monotonic() + seconds)
        self._timer.start()
        frame.show()
        self._place()

    def clear(self) -> None:
        """Remove all messages."""
        for frame in list(self._shown):
            self._drop(frame)

    @property
    def texts(self) -> list[str]:
        """The messages on the screen, oldest first."""
        return [frame.property("message") for frame in self._shown]

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the window's size."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _expire(self) -> None:
        now = time.monotonic()
        for frame in [shown for shown in self._shown if shown.property("until") <= now]:
            self._drop(frame)
        if not self._shown:
            self._timer.stop()

    def _drop(self, frame: QFrame) -> None:
        if frame in self._shown:
            self._shown.remove(frame)
            frame.hide()
            frame.deleteLater()
            self._place()

    def _place(self) -> None:
        bottom = self._parent.height() - 42
        for frame in reversed(self._shown):
            bottom -= frame.height()
            frame.move(self._parent.width() - frame.width() - 16, bottom)
            frame.raise_()
            bottom -= 8


class HintCard(QFrame):
    """What to do first, step by step; each step is ticked when it is done.

    Args:
        parent: The view, in whose corner the card lies.
        title: Its heading.
        steps: Identifier and text of each step.
    """

    dismissed = pyqtSignal()

    def __init__(self, parent: QWidget, title: str, steps: Sequence[tuple[str, str]]) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        grid = QGridLayout(self)
        grid.setContentsMargins(16, 12, 12, 12)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(6)
        grid.addWidget(QLabel(title, objectName="heading"), 0, 0, 1, 2)
        self._marks: dict[str, QLabel] = {}
        self._done: set[str] = set()
        for row, (id, text) in enumerate(steps, start=1):
            mark = QLabel()
            self._marks[id] = mark
            grid.addWidget(mark, row, 0)
            grid.addWidget(QLabel(text), row, 1)
        foot = QHBoxLayout()
        foot.addWidget(muted("F12 stops.  Ctrl+K finds everything."))
        foot.addStretch(1)
        self.close_button: QPushButton = button("Got it")
        self.close_button.clicked.connect(self._dismiss)
        foot.addWidget(self.close_button)
        grid.addLayout(foot, len(self._marks) + 1, 0, 1, 2)
        shadow = QGraphicsDropShadowEffect(self)
        shadow.setBlurRadius(28)
        shadow.setOffset(0, 4)
        self.setGraphicsEffect(shadow)
        parent.installEventFilter(self)
        theme.follow(self, self._refresh)
        self.adjustSize()
        self._place()

    def done(self, step: str) -> None:
        """Tick a step; the card goes when all are ticked."""
        if step in self._done or step not in self._marks:
            return
        self._done.add(step)
        self._refresh()
        if len(self._done) == len(self._marks):
            QTimer.singleShot(2500, self._dismiss)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the view's size."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def _place(self) -> None:
        parent = self.parentWidget()
        if parent is not None:
            size = self.sizeHint()
            self.setGeometry(16, parent.height() - size.height() - 16, size.width(), size.height())
            self.raise_()

    def _dismiss(self) -> None:
        if self.isVisible():
            self.hide()
            self.dismissed.emit()

    def _refresh(self) -> None:
        for id, mark in self._marks.items():
            ticked = id in self._done
            name = "mdi6.check-circle" if ticked else "mdi6.circle-outline"
            mark.setPixmap(theme.pixmap(name, "ok" if ticked else "muted"))
