"""The bar that is always visible: what is connected, what drives it, Arm, REC and STOP."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QMouseEvent, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from dexgen_app.gui import theme
from dexgen_app.gui.widgets import Pill, button, captioned, tool, vertical_line
from dexgen_app.live.row import SessionState
from dexgen_app.plugins import PluginRegistry

STATE_LOOK = {
    SessionState.DISCONNECTED: ("neutral", "mdi6.lan-disconnect"),
    SessionState.CONNECTING: ("info", "mdi6.progress-clock"),
    SessionState.CONNECTED: ("ok", "mdi6.lan-connect"),
    SessionState.ARMED: ("warn", "mdi6.shield-alert-outline"),
    SessionState.ACTIVE: ("solid", "mdi6.hand-back-right"),
    SessionState.STOPPED: ("alarm", "mdi6.hand-back-right-off"),
    SessionState.FAULT: ("alarm", "mdi6.alert-octagon"),
}
STOP_TIP = (
    "Software stop of this application: the hand goes into its safe state within one tick and "
    "stays there until Reset.\nIt is not a safety function: a real hand needs a hardware cut-off "
    "of its own.  (F12 or Pause)"
)


_WIDTHS = {
    "hand": (106, 190),
    "driver": (92, 112),
    "connect": (114, 122),
    "state": (172, 186),
    "device": (108, 164),
    "controller": (94, 124),
    "dead_man": (126, 132),
    "arm": (84, 92),
    "record": (118, 128),
    "reset": (56, 70),
    "stop": (106, 140),
}
"""Narrow and wide width of the bar's parts [px]."""
_REST = 122
"""Width of what lies between them [px]."""
_ICON_WIDTH = 40
_CHOOSER_FRAME = 40
"""Width of a chooser's padding and arrow [px]."""


class DeadManPill(Pill):
    """Shows the dead-man switch; pressing it with the mouse holds it."""

    held = pyqtSignal(bool)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Hold the switch."""
        self.held.emit(True)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Release the switch."""
        self.held.emit(False)


class SafetyBar(QToolBar):
    """Not movable, not hideable.

    Signals:
        hand_chosen, driver_chosen, device_chosen, controller_chosen: The person chose an id; a
            driver is ``sim:ENGINE`` or the id of a hand's driver.
        argument_wanted: The device's argument (a file) should be chosen.
        connect_clicked, arm_clicked, record_clicked, stop_clicked, reset_clicked: Buttons.
        dead_man_pressed: The dead-man pill is held with the mouse.
    """

    hand_chosen = pyqtSignal(str)
    driver_chosen = pyqtSignal(str)
    device_chosen = pyqtSignal(str)
    controller_chosen = pyqtSignal(str)
    argument_wanted = pyqtSignal()
    connect_clicked = pyqtSignal()
    arm_clicked = pyqtSignal()
    record_clicked = pyqtSignal()
    stop_clicked = pyqtSignal()
    reset_clicked = pyqtSignal()
    dead_man_pressed = pyqtSignal(bool)

    def __init__(self, registry: PluginRegistry, parent: QWidget | None = None) -> None:
        super().__init__("Safety bar", parent)
        self.setObjectName("safetyBar")
        self.setMovable(False)
        self.setFloatable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.toggleViewAction().setEnabled(False)  # type: ignore[union-attr]
        self._registry = registry
        self._idle = True
        self.hand = _chooser("Hand")
        self.driver = _chooser("What the hand is")
        self.connect = button("Connect", "mdi6.connection", tip="Connect or disconnect  (F2)")
        self.state = Pill()
        self.device = _chooser("Teleoperation device")
        self.argument = tool("mdi6.folder-open-outline", "Choose the device's file")
        self.controller = _chooser("Controller")
        self.dead_man = DeadManPill()
        self.dead_man.setToolTip(
            "Dead-man switch: the hand moves only while you hold Space, or this with the mouse"
        )
        self.arm = button("Arm", "mdi6.shield-outline", tip="Allow or forbid motion  (F3)")
        self.record = button("REC", "mdi6.record-circle-outline", tip="Record the session  (F10)")
        self.stop = button("STOP", role="stop", tip=STOP_TIP)
        self.stop.setFixedHeight(48)
        self.stop.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.reset = button(
            "Reset", tip="Release the latch of STOP or of a fault  (Ctrl+Backspace)"
        )
        self.addWidget(self._lay_out())
        self._fill()
        self._wire()
        self.show_state(SessionState.DISCONNECTED, real=False)
        self.show_dead_man(False)
        self.show_recording(False, 0.0, -1)

    def _lay_out(self) -> QWidget:
        body = QWidget()
        body.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(body)
        row.setContentsMargins(10, 6, 8, 7)
        row.setSpacing(7)
        bottom = Qt.AlignmentFlag.AlignBottom
        for item in (
            captioned("Hand", self.hand),
            captioned("Runs on", self.driver),
            self.connect,
            self.state,
            None,
            captioned("Device", self.device, self.argument),
            captioned("Controller", self.controller),
            None,
            captioned("Dead-man", self.dead_man),
            self.arm,
        ):
            if item is None:
                row.addWidget(vertical_line(), 0, bottom)
            else:
                row.addWidget(item, 0, bottom)
        row.addStretch(1)
        row.addWidget(self.record, 0, bottom)
        row.addWidget(self.reset, 0, bottom)
        stop = QVBoxLayout()
        stop.addWidget(self.stop)
        row.addLayout(stop)
        for small in (self.connect, self.arm, self.record, self.reset):
            small.setFixedHeight(30)
        self.argument.setFixedSize(32, 30)
        return body

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Give the parts as much room as there is."""
        super().resizeEvent(event)
        self._share_out()

    def _share_out(self) -> None:
        widths = dict(_WIDTHS)
        spare = self.width() - sum(narrow for narrow, _ in widths.values()) - _REST
        spare -= 0 if self.argument.isHidden() else self.argument.width() + 4
        if spare < 0:  # the icon says enough where there is no room for the word
            widths["connect"] = (_ICON_WIDTH, _ICON_WIDTH)
            spare += _WIDTHS["connect"][0] - _ICON_WIDTH
        wanted = sum(wide - narrow for narrow, wide in widths.values())
        part = min(max(spare / wanted, 0.0), 1.0)
        for name, (narrow, wide) in widths.items():
            getattr(self, name).setFixedWidth(round(narrow + part * (wide - narrow)))
        self._name_connection()

    def _name_connection(self) -> None:
        word = "Connect" if self._idle else "Disconnect"
        self.connect.setAccessibleName(word)
        self.connect.setText(word if self.connect.width() > _ICON_WIDTH else "")

    def _fill(self) -> None:
        for spec in self._registry.hands.values():
            self.hand.addItem(spec.title, spec.id)
        for device in self._registry.teleop_devices.values():
            self.device.addItem(device.title, device.id)
            self.device.setItemData(
                self.device.count() - 1, device.help, Qt.ItemDataRole.ToolTipRole
            )
        self.fill_hand(self.hand.currentData() or "")

    def fill_hand(self, hand: str) -> None:
        """Offer the drivers and controllers that fit a hand."""
        driver, controller = self.driver.currentData(), self.controller.currentData()
        for chooser in (self.driver, self.controller):
            chooser.blockSignals(True)
            chooser.clear()
        self.driver.addItem("Genesis", "sim:genesis")
        self.driver.addItem("MuJoCo", "sim:mujoco")
        spec = self._registry.hands.get(hand)
        for item in spec.drivers if spec else ():
            self.driver.addItem(item.title, item.id)
        for known in self._registry.controllers.values():
            if not known.hands or hand in known.hands:
                self.controller.addItem(known.title, known.id)
        select(self.driver, driver)
        select(self.controller, controller)
        for chooser in (self.driver, self.controller):
            chooser.blockSignals(False)

    def _wire(self) -> None:
        for chooser, chosen in (
            (self.hand, self.hand_chosen),
            (self.driver, self.driver_chosen),
            (self.device, self.device_chosen),
            (self.controller, self.controller_chosen),
        ):
            chooser.activated.connect(
                lambda _index, c=chooser, s=chosen: s.emit(c.currentData() or "")
            )
        for source, target in (
            (self.connect, self.connect_clicked),
            (self.arm, self.arm_clicked),
            (self.record, self.record_clicked),
            (self.stop, self.stop_clicked),
            (self.reset, self.reset_clicked),
            (self.argument, self.argument_wanted),
        ):
            source.clicked.connect(target)
        self.dead_man.held.connect(self.dead_man_pressed)

    def show_state(self, state: SessionState, *, real: bool, reason: str = "") -> None:
        """Show a state of the session, and enable what it allows."""
        tone, icon = STATE_LOOK[state]
        word = state.name
        if state not in (SessionState.DISCONNECTED, SessionState.CONNECTING, SessionState.FAULT):
            word += " · " + ("REAL" if real else "SIM")
        self.state.set(tone, icon, word)
        self.state.setToolTip(reason)
        idle = state in (SessionState.DISCONNECTED, SessionState.FAULT)
        linked = not idle and state != SessionState.CONNECTING
        moving = state in (SessionState.ARMED, SessionState.ACTIVE)
        self.hand.setEnabled(idle)
        self.driver.setEnabled(idle)
        self.device.setEnabled(not moving)
        self.argument.setEnabled(not moving)
        self.connect.setEnabled(not moving)
        self._idle = idle
        self._name_connection()
        theme.set_property(self.connect, "role", "primary" if idle else "")
        theme.set_icon(
            self.connect,
            "mdi6.connection" if idle else "mdi6.power-plug-off-outline",
            "on_accent" if idle else "",
        )
        self.arm.setEnabled(linked and state != SessionState.STOPPED)
        self.arm.setText("Disarm" if moving else "Arm")
        theme.set_property(self.arm, "role", "armed" if moving else "")
        theme.set_icon(
            self.arm,
            "mdi6.shield-alert" if moving else "mdi6.shield-outline",
            "on_warn" if moving else "",
        )
        self.record.setEnabled(linked)
        latched = state in (SessionState.STOPPED, SessionState.FAULT)
        self.reset.setVisible(True)
        self.reset.setEnabled(latched)
        theme.set_property(self.stop, "latched", "true" if latched else "false")

    def show_dead_man(self, held: bool) -> None:
        """Show whether the dead-man switch is held."""
        if held:
            self.dead_man.set("solid", "mdi6.hand-back-right", "HELD")
        else:
            self.dead_man.set("neutral", "mdi6.hand-back-right-outline", "hold Space")

    def show_recording(self, active: bool, seconds: float, episode: int) -> None:
        """Show the recorder: its time and the running episode (-1 outside of one)."""
        theme.set_property(self.record, "role", "recording" if active else "")
        theme.set_icon(
            self.record,
            "mdi6.record-circle" if active else "mdi6.record-circle-outline",
            "bad" if active else "",
        )
        text = "REC"
        if active:
            text = f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
            text += f" · ep {episode + 1}" if episode >= 0 else ""
        if self.record.text() != text:
            self.record.setText(text)

    def show_device(self, device: str) -> None:
        """Select ``id`` or ``id:argument`` and say whether it takes an argument."""
        id, _, argument = device.partition(":")
        select(self.device, id)
        spec = self._registry.teleop_devices.get(id)
        self.argument.setVisible(bool(spec and spec.argument_help))
        self._share_out()
        if spec:
            self.argument.setToolTip(
                f"{spec.argument_help}\nNow: {argument or 'none'}" if spec.argument_help else ""
            )
            self.device.setToolTip(spec.help)


class _Chooser(QComboBox):
    """A chooser that ends a text that does not fit with dots."""

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the frame, the arrow and as much of the text as there is room for."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.fontMetrics().elidedText(
            option.currentText, Qt.TextElideMode.ElideMiddle, self.width() - _CHOOSER_FRAME
        )
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


def _chooser(name: str) -> QComboBox:
    chooser = _Chooser()
    chooser.setAccessibleName(name)
    chooser.setToolTip(name)
    chooser.setFixedHeight(30)
    chooser.view().setMinimumWidth(210)  # type: ignore[union-attr]
    return chooser


def select(chooser: QComboBox, data: object) -> bool:
    """Select the item that carries ``data``; return whether there is one."""
    index = chooser.findData(data)
    if index >= 0:
        chooser.setCurrentIndex(index)
    return index >= 0
