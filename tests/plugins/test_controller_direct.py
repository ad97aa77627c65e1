import numpy as np
import pytest

from dexgen_app.errors import DexgenError
from dexgen_app.spec import ControlInput, ControllerContext, HandCommand
from dexgen_controller_direct.controller import Direct
from dexgen_hand_allegro.spec import RIGHT

TARGET = np.zeros(4)
WANTED = np.ones(4)


@pytest.fixture
def direct():
    return Direct(ControllerContext(hand=RIGHT, rate_hz=60.0))


def step(direct, position=WANTED):
    command = None if position is None else HandCommand(born_ns=7, position=position)
    return direct.step(ControlInput(now_ns=0, state=None, command=command, target=TARGET))


def test_the_command_passes_as_it_is(direct):
    output = step(direct)
    assert output.position is WANTED and output.born_ns == 7


def test_no_command_is_a_hold(direct):
    assert step(direct, None) is None


def test_smoothing_comes_from_the_target_in_force_to_the_command(direct):
    direct.set_parameter("smoothing", 0.1)
    outputs = [step(direct).position[0] for _ in range(60)]
    assert 0 < outputs[0] < 0.2
    assert np.all(np.diff(outputs) > 0)
    assert outputs[5] == pytest.approx(1 - np.exp(-0.1 / 0.1), abs=0.01)
    step(direct, None)
    assert step(direct).position[0] == pytest.approx(outputs[0])


def test_there_is_no_other_parameter(direct):
    with pytest.raises(DexgenError):
        direct.set_parameter("gain", 1.0)
