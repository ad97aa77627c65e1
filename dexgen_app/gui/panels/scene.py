"""Scene: the simulated object, the direction of gravity, and a reset."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from dexgen_app.gui.widgets import button, muted
from dexgen_app.spec import GRAVITY_DIRECTIONS, ObjectSpec, SceneSpec, WristProgram

SHAPES = ("none", "cube", "box", "sphere", "cylinder", "capsule")
_AXES = {
    "z: wrist to fingers": (0.0, 0.0, 1.0),
    "y: to the thumb": (0.0, 1.0, 0.0),
    "x: out of the palm": (1.0, 0.0, 0.0),
}


class ScenePanel(QWidget):
    """Edits the scene of the simulated hand.

    Signals:
        scene_wanted: A scene whose object differs from the running one.
        wrist_wanted: A wrist program.
        reset_wanted: Back into the starting grasp.
    """

    scene_wanted = pyqtSignal(object)
    wrist_wanted = pyqtSignal(object)
    reset_wanted = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.shape = QComboBox()
        for name in SHAPES:
            self.shape.addItem(name.capitalize(), name)
        self.sizes = [_spin(10, 300, 60, " mm", 1) for _ in range(3)]
        self.mass = _spin(1, 5000, 50, " g", 5)
        self.friction = _spin(0.05, 5, 1.0, "", 0.1, 2)
        self.direction = QComboBox()
        for name in GRAVITY_DIRECTIONS:
            self.direction.addItem(name.replace("_", " ").capitalize(), name)
        self.period = _spin(0, 120, 0, " s", 1)
        self.period.setSpecialValueText("fixed")
        self.axis = QComboBox()
        for title, axis in _AXES.items():
            self.axis.addItem(title, axis)
        self.apply = button(
            "Apply", "mdi6.check", tip="Apply the object; another shape rebuilds the simulation"
        )
        self.reset = button("Reset grasp", "mdi6.restore", tip="Object back into the hand  (F4)")
        self.note = muted("", wrap=True)
        size = QHBoxLayout()
        size.setSpacing(4)
        for spin in self.sizes:
            size.addWidget(spin)
        form = QFormLayout()
        form.setContentsMargins(12, 10, 12, 8)
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(6)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(QLabel("OBJECT", objectName="caption"))
        form.addRow("Shape", self.shape)
        size_label = QLabel("Size")
        size_label.setFixedHeight(self.mass.sizeHint().height())
        form.addRow(size_label, size)
        form.addRow("Mass", self.mass)
        form.addRow("Friction", self.friction)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.apply)
        row.addWidget(self.reset)
        form.addRow(row)
        form.addRow(QLabel("WRIST", objectName="caption"))
        form.addRow("Pose", self.direction)
        form.addRow("Full turn", self.period)
        form.addRow("About", self.axis)
        for field in (self.shape, self.mass, self.friction, self.direction, self.period, self.axis):
            label = form.labelForField(field)
            if label is not None:
                label.setFixedHeight(field.sizeHint().height())
        body = QWidget(objectName="sheet")
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setFocusProxy(self.shape)
        layout.addLayout(form)
        foot = QVBoxLayout()
        foot.setContentsMargins(12, 0, 12, 10)
        foot.addWidget(self.note)
        layout.addLayout(foot)
        layout.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(body)
        scroll.setWidgetResizable(True)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)
        self.shape.currentIndexChanged.connect(self._on_shape)
        self.sizes[0].valueChanged.connect(self._on_shape)
        self.apply.clicked.connect(lambda: self.scene_wanted.emit(self.scene()))
        self.reset.clicked.connect(self.reset_wanted)
        for chooser in (self.direction, self.axis):
            chooser.activated.connect(lambda _index: self.wrist_wanted.emit(self.wrist()))
        self.period.editingFinished.connect(lambda: self.wrist_wanted.emit(self.wrist()))
        self.show_scene(SceneSpec())

    def show_scene(self, scene: SceneSpec, simulated: bool = True) -> None:
        """Show a scene; a real hand has none."""
        thing = scene.object
        self.shape.setCurrentIndex(self.shape.findData(thing.shape if thing else "none"))
        if thing is not None:
            for spin, value in zip(self.sizes, thing.size):
                spin.setValue(value * 1000)
            self.mass.setValue(thing.mass * 1000)
            self.friction.setValue(thing.friction)
        self.direction.setCurrentIndex(self.direction.findData(scene.wrist.direction))
        self.period.setValue(scene.wrist.sweep_period)
        for i, axis in enumerate(_AXES.values()):
            if axis == tuple(scene.wrist.sweep_axis):
                self.axis.setCurrentIndex(i)
        for widget in (
            self.shape,
            self.mass,
            self.friction,
            self.apply,
            self.reset,
            self.direction,
            self.period,
            self.axis,
        ):
            widget.setEnabled(simulated)
        self.note.setText("" if simulated else "A real hand has no simulated scene.")
        self._on_shape()

    def scene(self) -> SceneSpec:
        """Return the scene that the fields describe."""
        shape = self.shape.currentData()
        if shape == "none":
            return SceneSpec(object=None, wrist=self.wrist())
        x, y, z = (spin.value() / 1000 for spin in self.sizes)
        size = {"cube": (x, x, x), "sphere": (x, x, x), "box": (x, y, z)}.get(shape, (x, x, z))
        thing = ObjectSpec(
            shape=shape,
            size=size,
            mass=self.mass.value() / 1000,
            friction=self.friction.value(),
        )
        return SceneSpec(object=thing, wrist=self.wrist())

    def wrist(self) -> WristProgram:
        """Return the wrist program that the fields describe."""
        return WristProgram(
            direction=self.direction.currentData(),
            sweep_period=self.period.value(),
            sweep_axis=self.axis.currentData(),
        )

    def _on_shape(self) -> None:
        shape = self.shape.currentData()
        used = {"none": (), "cube": (0,), "sphere": (0,), "box": (0, 1, 2)}.get(shape, (0, 2))
        for i, spin in enumerate(self.sizes):
            spin.setVisible(i in used or (shape == "none" and i == 0))
            spin.setEnabled(i in used)


def _spin(
    low: float, high: float, value: float, suffix: str, step: float, digits: int = 0
) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setRange(low, high)
    spin.setDecimals(digits)
    spin.setSingleStep(step)
    spin.setSuffix(suffix)
    spin.setValue(value)
    spin.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
    spin.setKeyboardTracking(False)
    return spin
