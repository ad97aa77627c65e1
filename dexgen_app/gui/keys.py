"""STOP, the dead-man switch and the keys of manual devices, for the whole application.

A shortcut does not fire while a modal dialog is open, a held key repeats, and a release is lost
when another window takes the focus. So one event filter on the application sees every key first.
"""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

STOP_KEYS = (Qt.Key.Key_F12, Qt.Key.Key_Pause)
DEBOUNCE_MS = 60
NAMED_KEYS = {
    Qt.Key.Key_Up: "up",
    Qt.Key.Key_Down: "down",
    Qt.Key.Key_Left: "left",
    Qt.Key.Key_Right: "right",
    Qt.Key.Key_Tab: "tab",
    Qt.Key.Key_Backtab: "tab",
    Qt.Key.Key_Home: "home",
    Qt.Key.Key_End: "end",
    Qt.Key.Key_PageUp: "page_up",
    Qt.Key.Key_PageDown: "page_down",
    Qt.Key.Key_Backspace: "backspace",
    Qt.Key.Key_Return: "enter",
    Qt.Key.Key_Enter: "enter",
    Qt.Key.Key_Shift: "shift",
}
_TEXT = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)
_MODIFIERS = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)


class KeyGuard(QObject):
    """Watches every key of the application.

    Signals:
        stop_pressed: A STOP key went down, wherever the focus is.
        dead_man_changed: The dead-man switch (Space) went down or up.
        device_key: A key of the manual device went down or up.
        keys_released: All keys count as released, because the focus was lost.
    """

    stop_pressed = pyqtSignal()
    dead_man_changed = pyqtSignal(bool)
    device_key = pyqtSignal(str, bool)
    keys_released = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._enabled = True
        self._held = False
        self._stop_seen = False
        self._by_pointer = False
        self._down: set[str] = set()
        self._device_keys: frozenset[str] = frozenset()
        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(DEBOUNCE_MS)
        self._debounce.timeout.connect(self._let_go)

    def install(self, app: QApplication) -> None:
        """Start watching."""
        app.installEventFilter(self)
        app.applicationStateChanged.connect(self._on_application_state)
        app.focusChanged.connect(self._on_focus)

    def remove(self, app: QApplication) -> None:
        """Stop watching."""
        app.removeEventFilter(self)
        app.applicationStateChanged.disconnect(self._on_application_state)
        app.focusChanged.disconnect(self._on_focus)

    @property
    def held(self) -> bool:
        """Whether the dead-man switch is held."""
        return self._held

    def set_enabled(self, enabled: bool) -> None:
        """Let Space and the device's keys act, or leave them to the review; STOP always acts."""
        self.release()
        self._enabled = enabled

    def set_device_keys(self, keys: frozenset[str]) -> None:
        """Choose which keys go to the manual device; none stops forwarding."""
        self.release()
        self._device_keys = keys

    def hold_by_pointer(self, held: bool) -> None:
        """Hold or release the dead-man switch with the mouse or a touch screen."""
        self._by_pointer = held
        self._set_held(held)

    def release(self) -> None:
        """Count every key as released."""
        self._debounce.stop()
        self._by_pointer = False
        self._set_held(False)
        if self._down:
            self._down.clear()
            self.keys_released.emit()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """See every event of the application first."""
        if event is None:
            return False
        kind = event.type()
        if kind == QEvent.Type.WindowDeactivate:
            self.release()
            return False
        if kind not in (
            QEvent.Type.ShortcutOverride,
            QEvent.Type.KeyPress,
            QEvent.Type.KeyRelease,
        ) or not isinstance(event, QKeyEvent):
            return False
        if event.key() in STOP_KEYS:  # with any modifier: nothing may stand in the way
            if kind == QEvent.Type.ShortcutOverride:
                self._stop_seen = True
                self.stop_pressed.emit()
                event.accept()
            elif kind == QEvent.Type.KeyPress and not self._stop_seen:
                self.stop_pressed.emit()
            elif kind == QEvent.Type.KeyRelease:
                self._stop_seen = False
            return True
        name = _key_name(event)
        if kind == QEvent.Type.KeyRelease and self._take_release(name, event):
            return True
        if not self._enabled or not _free_focus():
            return False
        if event.key() == Qt.Key.Key_Space and not _modified(event):
            return self._on_space(kind, event)
        if name and name in self._device_keys and not _modified(event):
            return self._on_device_key(kind, name, event)
        if kind == QEvent.Type.KeyPress and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # Space is the dead-man switch, so Enter presses buttons.
            focus = QApplication.focusWidget()
            if isinstance(focus, QAbstractButton) and focus.isEnabled():
                focus.click()
                return True
        return False

    def _take_release(self, name: str, event: QKeyEvent) -> bool:
        """End what a key began, whatever has the focus or which modifiers are down by now."""
        if event.key() == Qt.Key.Key_Space and self._held and not self._by_pointer:
            return self._on_space(QEvent.Type.KeyRelease, event)
        if name in self._down:
            return self._on_device_key(QEvent.Type.KeyRelease, name, event)
        return False

    def _on_space(self, kind: QEvent.Type, event: QKeyEvent) -> bool:
        if kind == QEvent.Type.ShortcutOverride:
            event.accept()
        elif not event.isAutoRepeat():
            if kind == QEvent.Type.KeyPress:
                self._debounce.stop()
                self._set_held(True)
            else:
                self._debounce.start()
        return True

    def _on_device_key(self, kind: QEvent.Type, name: str, event: QKeyEvent) -> bool:
        if kind == QEvent.Type.ShortcutOverride:
            event.accept()
        elif not event.isAutoRepeat():
            down = kind == QEvent.Type.KeyPress
            (self._down.add if down else self._down.discard)(name)
            self.device_key.emit(name, down)
        return True

    def _set_held(self, held: bool) -> None:
        if held != self._held:
            self._held = held
            self.dead_man_changed.emit(held)

    def _let_go(self) -> None:
        if not self._by_pointer:
            self._set_held(False)

    def _on_application_state(self, state: Qt.ApplicationState) -> None:
        if state != Qt.ApplicationState.ApplicationActive:
            self.release()

    def _on_focus(self, _old: QWidget | None, new: QWidget | None) -> None:
        if isinstance(new, _TEXT):
            self.release()


def _modified(event: QKeyEvent) -> bool:
    return bool(event.modifiers() & _MODIFIERS)


def _free_focus() -> bool:
    """Return whether keys belong to the hand: no text field, dialog, menu or list is open."""
    if QApplication.activePopupWidget() is not None:
        return False
    if QApplication.activeModalWidget() is not None:
        return False
    focus = QApplication.focusWidget()
    if isinstance(focus, QComboBox):
        return not focus.isEditable()
    if focus is not None and isinstance(focus.window(), QDialog):
        return False
    return not isinstance(focus, _TEXT)


def _key_name(event: QKeyEvent) -> str:
    named = NAMED_KEYS.get(Qt.Key(event.key()))
    if named:
        return named
    code = event.key()
    return chr(code).lower() if 32 < code < 127 else ""
