from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from dexgen_app.live.protocol import ControllerStatus, SetParameter
from dexgen_app.live.row import row_dtype
from dexgen_controller_dexgen.panel import DeparturePanel
from dexgen_hand_allegro.spec import RIGHT


class App(QObject):
    rows = pyqtSignal(object)
    happened = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.hand = RIGHT
        self.sent: list[object] = []

    def send(self, command: object) -> bool:
        self.sent.append(command)
        return True


def row(command: np.ndarray, output: np.ndarray) -> np.ndarray:
    rows = np.zeros(1, row_dtype(16))
    rows["command"], rows["controller"] = command, output
    return rows


def test_the_farthest_finger_is_named(qtbot) -> None:
    app = App()
    panel = DeparturePanel(app)
    qtbot.addWidget(panel)
    panel.show()
    grasp, opened = np.array(RIGHT.grasp), np.array(RIGHT.grasp)
    opened[RIGHT.joint_index("mfj1")] -= 0.5
    app.rows.emit(row(opened, grasp))
    assert "middle" in panel._summary.text()
    values = [bar.value() for bar in panel._bars]
    assert values[1] > 20
    assert values[0] == values[2] == values[3] == 0
    app.rows.emit(row(np.full(16, np.nan), grasp))
    assert [bar.value() for bar in panel._bars] == [0, 0, 0, 0]


def test_release_switches_the_controller_off_and_on(qtbot) -> None:
    app = App()
    panel = DeparturePanel(app)
    qtbot.addWidget(panel)
    assert not panel.release.isEnabled()
    app.happened.emit(ControllerStatus(controller="dexgen", parameters={"active": "on"}))
    panel.release.click()
    panel.release.click()
    assert app.sent == [SetParameter("active", "off"), SetParameter("active", "on")]
    app.happened.emit(ControllerStatus(controller="direct"))
    assert not panel.release.isEnabled()
