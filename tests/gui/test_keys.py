from __future__ import annotations

import pytest
from fake_session import FakeSession
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QApplication, QDialog, QLineEdit, QVBoxLayout

from dexgen_app.gui.keys import DEBOUNCE_MS
from dexgen_app.gui.window import MainWindow
from dexgen_app.live import protocol as p


def send(
    widget,
    kind: QEvent.Type,
    key: Qt.Key,
    repeat: bool = False,
    modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    QApplication.sendEvent(widget, QKeyEvent(kind, key, modifier, "", repeat))


@pytest.mark.parametrize("key", [Qt.Key.Key_F12, Qt.Key.Key_Pause])
def test_stop_keys_stop_once(window: MainWindow, session: FakeSession, qtbot, key) -> None:
    qtbot.keyClick(window, key)
    assert session.stops == 1
    qtbot.waitUntil(lambda: window.safety.state.text.startswith("STOPPED"))
    assert window.banner.isVisible()


def test_stop_acts_in_a_modal_dialog(window: MainWindow, session: FakeSession, qtbot) -> None:
    dialog = QDialog(window)
    dialog.setModal(True)
    edit = QLineEdit()
    QVBoxLayout(dialog).addWidget(edit)
    dialog.show()
    edit.setFocus()
    qtbot.keyClick(edit, Qt.Key.Key_F12)
    assert session.stops == 1
    dialog.close()


def test_space_holds_and_releases_the_dead_man(window: MainWindow, session, qtbot) -> None:
    send(window, QEvent.Type.KeyPress, Qt.Key.Key_Space)
    assert session.dead_man and window.safety.dead_man.text == "HELD"
    send(window, QEvent.Type.KeyRelease, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not session.dead_man)
    assert window.safety.dead_man.text == "hold Space"


def test_auto_repeat_does_not_release(window: MainWindow, session, qtbot) -> None:
    send(window, QEvent.Type.KeyPress, Qt.Key.Key_Space)
    for _ in range(3):
        send(window, QEvent.Type.KeyRelease, Qt.Key.Key_Space, repeat=True)
        send(window, QEvent.Type.KeyPress, Qt.Key.Key_Space, repeat=True)
        # Some systems do not flag the repeated events.
        send(window, QEvent.Type.KeyRelease, Qt.Key.Key_Space)
        send(window, QEvent.Type.KeyPress, Qt.Key.Key_Space)
    qtbot.wait(3 * DEBOUNCE_MS)
    assert session.dead_man


def test_a_release_counts_with_a_modifier_and_under_an_open_menu(
    window: MainWindow, session, qtbot
) -> None:
    send(window, QEvent.Type.KeyPress, Qt.Key.Key_Space)
    control = Qt.KeyboardModifier.ControlModifier
    send(window, QEvent.Type.KeyRelease, Qt.Key.Key_Space, modifier=control)
    qtbot.waitUntil(lambda: not session.dead_man)
    send(window, QEvent.Type.KeyPress, Qt.Key.Key_Space)
    window.safety.controller.showPopup()
    send(window, QEvent.Type.KeyRelease, Qt.Key.Key_Space)
    window.safety.controller.hidePopup()
    qtbot.waitUntil(lambda: not session.dead_man)


def test_losing_the_focus_releases_at_once(window: MainWindow, session) -> None:
    send(window, QEvent.Type.KeyPress, Qt.Key.Key_Space)
    QApplication.sendEvent(window, QEvent(QEvent.Type.WindowDeactivate))
    assert not session.dead_man and not window.keys.held


def test_space_in_a_text_field_is_a_space(window: MainWindow, session, qtbot) -> None:
    window.docks.show("log")
    window.log.search.setFocus()
    qtbot.keyClicks(window.log.search, "a b")
    assert window.log.search.text() == "a b"
    assert not session.dead_man


def test_going_into_a_text_field_releases(window: MainWindow, session) -> None:
    send(window, QEvent.Type.KeyPress, Qt.Key.Key_Space)
    window.docks.show("log")
    window.log.search.setFocus()
    assert not session.dead_man


def test_space_does_not_press_buttons_but_enter_does(window: MainWindow, session, qtbot) -> None:
    window.safety.arm.setFocus()
    qtbot.keyClick(window.safety.arm, Qt.Key.Key_Space)
    assert not any(isinstance(c, p.Arm) for c in session.sent)
    qtbot.keyClick(window.safety.arm, Qt.Key.Key_Return)
    assert any(isinstance(c, p.Arm) for c in session.sent)


def test_device_keys_are_forwarded_and_released(window: MainWindow, session, qtbot) -> None:
    window.operator.choose_device("keyboard")
    key = window.operator.device.keys[0].key
    assert len(key) == 1
    code = Qt.Key(ord(key.upper()))
    send(window, QEvent.Type.KeyPress, code)
    send(window, QEvent.Type.KeyPress, code, repeat=True)
    window.keys.release()
    payloads = [c.payload for c in session.sent if isinstance(c, p.DeviceInput)]
    assert payloads[-2:] == [{"key": key, "down": True}, {"release_all": True}]


def test_stop_is_the_only_key_left_to_the_window_in_a_review(window: MainWindow, session, qtbot):
    window.keys.set_enabled(False)
    send(window, QEvent.Type.KeyPress, Qt.Key.Key_Space)
    assert not session.dead_man
    qtbot.keyClick(window, Qt.Key.Key_F12)
    assert session.stops == 1
