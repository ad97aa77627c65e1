from dataclasses import replace

import pytest
from live_fakes import CONTROLLER, DEVICE, HAND

from dexgen_app.errors import DexgenError
from dexgen_app.live.client import LiveSession
from dexgen_app.live.preflight import check_session
from dexgen_app.live.protocol import SessionConfig
from dexgen_app.plugins import PluginRegistry
from dexgen_app.spec import ParameterSpec, WristProgram

GAIN = ParameterSpec(name="gain", title="Gain", default=0.5)


@pytest.fixture(scope="module")
def registry():
    made = PluginRegistry()
    made.hands["one"] = replace(HAND, id="one")
    made.teleop_devices["fake"] = DEVICE
    made.controllers["fake"] = replace(CONTROLLER, parameters=(GAIN,))
    made.controllers["other"] = replace(CONTROLLER, id="other", hands=("two",))
    return made


def config(**changes):
    values = {"hand": "one", "device": "fake:x", "controller": "fake", **changes}
    return SessionConfig(**values)


def test_a_sound_session_passes(registry):
    sound = config(driver="fake:can0", parameters={"gain": 1.0}, profile="ada")
    assert check_session(sound, registry).id == "one"


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"hand": "on"}, "one"),
        ({"device": "fak:x"}, "fake"),
        ({"driver": "can"}, "sim, fake, absent"),
        ({"controller": "fuke"}, "fake"),
        ({"controller": "other"}, "does not support"),
        ({"parameters": {"gian": 1.0}}, "Known: gain"),
        ({"parameters": {"gain": 2.0}}, "within"),
        ({"parameters": {"gain": "much"}}, "not a number"),
        ({"profile": "../x"}, "cannot name a profile"),
        ({"profile": ""}, "cannot name a profile"),
    ],
)
def test_what_does_not_exist_is_said_with_what_does(registry, changes, words):
    with pytest.raises(DexgenError) as told:
        check_session(config(**changes), registry)
    assert words in str(told.value)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_a_generator_refuses_is_refused_at_once(seed):
    with pytest.raises(DexgenError, match="seed"):
        LiveSession(SessionConfig(seed=seed), hand=HAND)


@pytest.mark.parametrize(
    "changes",
    [
        {"sweep_period": float("nan")},
        {"sweep_period": float("inf")},
        {"sweep_period": -1.0},
        {"sweep_axis": (0.0, 0.0, 0.0)},
        {"sweep_axis": (float("nan"), 0.0, 1.0)},
    ],
)
def test_a_wrist_that_cannot_turn_so_is_refused(changes):
    with pytest.raises(ValueError, match="sweep"):
        WristProgram(**changes)
