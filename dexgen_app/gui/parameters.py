"""Dials for the parameters of the running controller, generated from what it declares."""

from __future__ import annotations

import math
from collections.abc import Mapping

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSlider,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
    QWidgetAction,
)

from dexgen_app.gui.widgets import tool
from dexgen_app.spec import ControllerSpec, ParameterSpec

SWITCH_KEY = "Ctrl+G"
_STEPS = 1000
_SWITCH_WIDTH = 140


class Dial(QWidget):
    """One parameter: a switch, a slider with its value, or a chooser of words."""

    changed = pyqtSignal(str, object)

    def __init__(self, spec: ParameterSpec) -> None:
        super().__init__()
        self.spec = spec
        self.setToolTip(spec.help)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(7)
        self.slider: QSlider | None = None
        self.chooser: QComboBox | None = None
        self.switch: QPushButton | None = None
        self._value = QLabel()
        if spec.is_switch:
            self.switch = QPushButton()
            self.switch.setProperty("role", "switch")
            self.switch.setCheckable(True)
            self.switch.setMinimumWidth(_SWITCH_WIDTH)
            self.switch.setFixedHeight(34)
            # Enter presses what has the focus, and nobody should release the object by accident.
            self.switch.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.switch.setToolTip(f"{spec.help}  ({SWITCH_KEY})")
            self.switch.setCursor(Qt.CursorShape.PointingHandCursor)
            self.switch.clicked.connect(self._on_switch)
            row.addWidget(self.switch)
        elif spec.choices:
            row.addWidget(QLabel(spec.title, objectName="muted"))
            self.chooser = QComboBox()
            self.chooser.setAccessibleName(spec.title)
            self.chooser.addItems(spec.choices)
            self.chooser.activated.connect(self._on_choice)
            row.addWidget(self.chooser)
        else:
            row.addWidget(QLabel(spec.title, objectName="muted"))
            self.slider = QSlider(Qt.Orientation.Horizontal)
            self.slider.setAccessibleName(spec.title)
            self.slider.setRange(0, _STEPS)
            self.slider.setPageStep(_STEPS // 20)
            self.slider.setFixedWidth(130)
            self.slider.valueChanged.connect(self._on_slider)
            self._value.setMinimumWidth(58)
            row.addWidget(self.slider)
            row.addWidget(self._value)
        self.show_value(spec.default)

    @property
    def value(self) -> float | str:
        """The value that is shown."""
        if self.switch is not None:
            return "on" if self.switch.isChecked() else "off"
        if self.chooser is not None:
            return self.chooser.currentText()
        assert self.slider is not None
        return from_fraction(self.spec, self.slider.value() / _STEPS)

    def step(self, direction: int) -> str:
        """Change the value as a key does: the other word, or a twentieth of the range.

        Args:
            direction: 1 for more or the next word, -1 for less.

        Returns:
            The parameter's title and new value.
        """
        if self.switch is not None:
            self.switch.click()
        elif self.chooser is not None:
            index = (self.chooser.currentIndex() + direction) % self.chooser.count()
            self.chooser.setCurrentIndex(index)
            self._on_choice(index)
        elif self.slider is not None:
            self.slider.setValue(self.slider.value() + direction * self.slider.pageStep())
            return f"{self.spec.title} {self._value.text()}"
        return f"{self.spec.title} {self.value}"

    def show_value(self, value: float | str) -> None:
        """Show a value without announcing it."""
        if self.switch is not None:
            self.switch.setChecked(value == "on")
            self.switch.setText(f"{self.spec.title}  {str(value).upper()}")
        elif self.chooser is not None:
            self.chooser.setCurrentText(str(value))
        elif self.slider is not None and not self.slider.isSliderDown():
            self.slider.blockSignals(True)
            self.slider.setValue(round(to_fraction(self.spec, float(value)) * _STEPS))
            self.slider.blockSignals(False)
            self._value.setText(format_value(self.spec, float(value)))

    def _on_slider(self, step: int) -> None:
        value = from_fraction(self.spec, step / _STEPS)
        self._value.setText(format_value(self.spec, value))
        self.changed.emit(self.spec.name, value)

    def _on_switch(self, on: bool) -> None:
        value = "on" if on else "off"
        self.show_value(value)
        self.changed.emit(self.spec.name, value)

    def _on_choice(self, index: int) -> None:
        self.changed.emit(self.spec.name, self.spec.choices[index])


class ParameterBar(QToolBar):
    """The dials of the running controller and what it remarks; hidden while it has no dials."""

    changed = pyqtSignal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Controller parameters", parent)
        self.setObjectName("parameterBar")
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.toggleViewAction().setEnabled(False)  # type: ignore[union-attr]
        self.dials: dict[str, Dial] = {}
        self._remark = QLabel()
        self._controller = ""
        self.hide()

    def show_controller(self, spec: ControllerSpec | None) -> None:
        """Make the dials of a controller."""
        if spec is not None and spec.id == self._controller:
            return
        self._controller = spec.id if spec else ""
        self.clear()
        self.dials = {}
        if spec is not None and spec.parameters:
            body = QWidget()
            row = QHBoxLayout(body)
            row.setContentsMargins(10, 4, 10, 4)
            row.setSpacing(20)
            if not any(parameter.is_switch for parameter in spec.parameters):
                row.addWidget(QLabel(spec.title, objectName="heading"))
            rest = QVBoxLayout()
            for parameter in spec.parameters:
                dial = Dial(parameter)
                dial.changed.connect(self.changed)
                self.dials[parameter.name] = dial
                (rest if parameter.advanced else row).addWidget(dial)
            if rest.count():
                row.addWidget(_more(rest))
            self._remark = QLabel(objectName="remark")
            self._remark.setAccessibleName(f"{spec.title} says")
            self._remark.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            # A long one is cut off: it must not make the window wider.
            self._remark.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            row.addWidget(self._remark, 1)
            self.addWidget(body)
        self.setVisible(bool(self.dials))

    def find(self, kind: str) -> Dial | None:
        """Return the first ``switch``, ``slider`` or ``chooser`` of the running controller."""
        return next((d for d in self.dials.values() if getattr(d, kind) is not None), None)

    def show_remark(self, text: str) -> None:
        """Show what the controller tells the operator; empty shows nothing."""
        self._remark.setText(text)
        self._remark.setToolTip(text)

    def show_values(self, values: Mapping[str, float | str]) -> None:
        """Show the values that the controller uses."""
        for name, value in values.items():
            if name in self.dials:
                self.dials[name].show_value(value)


def _more(rest: QVBoxLayout) -> QToolButton:
    """Return a button that shows the parameters that few people change."""
    sheet = QWidget()
    rest.setContentsMargins(14, 10, 14, 10)
    rest.setSpacing(8)
    sheet.setLayout(rest)
    button = tool("mdi6.tune", "More of this controller's parameters")
    menu = QMenu(button)
    holder = QWidgetAction(menu)
    holder.setDefaultWidget(sheet)
    menu.addAction(holder)
    button.setMenu(menu)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    return button


def to_fraction(spec: ParameterSpec, value: float) -> float:
    """Return where ``value`` lies between the parameter's bounds, 0 to 1."""
    value = min(max(value, spec.lower), spec.upper)
    if spec.logarithmic and spec.lower > 0:
        return math.log(value / spec.lower) / math.log(spec.upper / spec.lower)
    return (value - spec.lower) / (spec.upper - spec.lower)


def from_fraction(spec: ParameterSpec, fraction: float) -> float:
    """Return the value at a place between the parameter's bounds, 0 to 1."""
    if spec.logarithmic and spec.lower > 0:
        return spec.lower * (spec.upper / spec.lower) ** fraction
    return spec.lower + (spec.upper - spec.lower) * fraction


def format_value(spec: ParameterSpec, value: float) -> str:
    """Return a value with as many digits as its range needs, and its unit."""
    span = abs(spec.upper - spec.lower)
    digits = 0 if span >= 100 else 1 if span >= 10 else 2
    text = f"{value:.3g}" if spec.logarithmic else f"{value:.{digits}f}"
    return f"{text} {spec.unit}".strip()
