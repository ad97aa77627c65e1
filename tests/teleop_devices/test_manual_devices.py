from dataclasses import replace

import numpy as np
import pytest

from dexgen_app.errors import InputError
from dexgen_app.kinematics.model import HandModel
from dexgen_app.spec import HandState, InputKind, TeleopContext
from dexgen_hand_allegro.spec import LEFT, RIGHT
from dexgen_teleop_keyboard.device import JOINT_SPEED, LEAD, Keyboard
from dexgen_teleop_keyboard.keys import BINDINGS, MODES, key_specs
from dexgen_teleop_keyboard.synergies import Synergies
from dexgen_teleop_sliders.device import Sliders

N = RIGHT.joint_count
HOME = np.array(RIGHT.home)
STEP = 16_666_667


def state(target=HOME):
    nothing = np.full(N, np.nan)
    return HandState(
        stamp_ns=0,
        position=HOME,
        velocity=np.zeros(N),
        effort=np.zeros(N),
        target=np.array(target, dtype=float),
        temperature=nothing,
    )


def hold(device, key, ticks=60, follow=True, target=HOME):
    """Hold a key for some ticks; the hand follows, or does not."""
    device.handle_input({"key": key, "down": True})
    now = state(target)
    for tick in range(1, ticks + 1):
        sample = device.read(tick * STEP, now)
        if follow and sample.kind == InputKind.JOINTS:
            now = state(sample.values)
    device.handle_input({"key": key, "down": False})
    return sample


# Sliders --------------------------------------------------------------------------------------


@pytest.fixture
def sliders():
    device = Sliders(TeleopContext(hand=RIGHT))
    device.connect()
    return device


def test_sliders_start_from_what_the_hand_holds(sliders):
    target = HOME + 0.05
    assert np.allclose(sliders.read(1, state(target)).values, np.clip(target, *RIGHT.limits))


def test_sliders_wait_for_a_hand_that_says_where_it_is(sliders):
    lost = replace(state(np.full(N, np.nan)), position=np.full(N, np.nan))
    assert sliders.read(1, lost) is None


def test_sliders_set_one_joint_or_all(sliders):
    sliders.handle_input({"joint": RIGHT.joint_names[5], "value": 0.7})
    values = sliders.read(1, state()).values
    assert values[5] == 0.7 and np.array_equal(np.delete(values, 5), np.delete(HOME, 5))
    sliders.handle_input({"positions": list(RIGHT.grasp)})
    assert np.allclose(sliders.read(2, state()).values, RIGHT.grasp)
    sliders.handle_input({"reset": True})
    assert np.allclose(sliders.read(3, state()).values, HOME)


def test_sliders_stay_inside_the_limits(sliders):
    sliders.handle_input({"positions": [99.0] * N})
    assert np.array_equal(sliders.read(1, state()).values, RIGHT.limits[1])


def test_resting_sliders_are_fresh(sliders):
    assert sliders.read(1, state()).sequence != sliders.read(2, state()).sequence


@pytest.mark.parametrize(
    "payload",
    [
        {"joint": "nose", "value": 1.0},
        {"joint": "ffj0", "value": float("nan")},
        {"joint": "ffj0", "value": "up"},
        {"joint": "ffj0"},
        {"positions": [1.0]},
    ],
)
def test_sliders_refuse_nonsense_and_keep_their_place(sliders, payload):
    with pytest.raises(InputError):
        sliders.handle_input(payload)
    assert np.array_equal(sliders.read(1, state()).values, HOME)


# Keyboard -------------------------------------------------------------------------------------


@pytest.fixture
def keyboard():
    device = Keyboard(TeleopContext(hand=RIGHT))
    device.connect()
    return device


def test_no_key_means_no_motion(keyboard):
    for tick in range(1, 20):
        assert np.array_equal(keyboard.read(tick * STEP, state()).values, HOME)


def test_a_joint_moves_at_its_speed_while_its_key_is_down(keyboard):
    keyboard.handle_input({"mode": "joint"})
    keyboard.handle_input({"key": "2", "down": True})
    sample = hold(keyboard, "w", ticks=31)
    moved = sample.values - HOME
    index = RIGHT.joint_index(RIGHT.fingers[1].joints[1])
    assert np.isclose(moved[index], 0.5 * JOINT_SPEED, atol=1e-3)
    assert np.array_equal(np.delete(moved, index), np.zeros(N - 1))


def test_released_keys_stop(keyboard):
    hold(keyboard, "q", 10)
    first = keyboard.read(STEP * 100, state()).values
    assert np.array_equal(keyboard.read(STEP * 130, state()).values, first)
    keyboard.handle_input({"key": "q", "down": True})
    keyboard.handle_input({"release_all": True})
    assert np.array_equal(keyboard.read(STEP * 160, state()).values, first)


def test_a_hand_that_holds_is_not_left_behind(keyboard):
    sample = hold(keyboard, "q", ticks=600, follow=False)
    assert np.abs(sample.values - HOME).max() <= LEAD + 1e-9


def test_the_targets_stay_inside_the_limits(keyboard):
    for key in "qweasd":
        values = hold(keyboard, key, ticks=600).values
        assert (values >= RIGHT.limits[0]).all() and (values <= RIGHT.limits[1]).all()


def test_power_grasp_and_open(keyboard):
    closed = hold(keyboard, "q", ticks=125).values
    assert np.allclose(closed, RIGHT.grasp, atol=0.05)
    opened = hold(keyboard, "a", ticks=600, target=closed).values
    assert np.allclose(opened, HOME, atol=0.02)


@pytest.mark.parametrize("hand", [RIGHT, LEFT])
def test_pinch_brings_thumb_and_index_together(hand):
    device, model = Keyboard(TeleopContext(hand=hand)), HandModel(hand)
    device.connect()
    names = [finger.name for finger in hand.fingers]
    thumb, index = names.index("thumb"), names.index("index")

    def gap(q):
        tips = model.tips(q)
        return np.linalg.norm(tips[thumb] - tips[index])

    start = np.array(hand.grasp)
    values = hold(device, "w", ticks=300, target=start).values
    assert gap(values) < 0.02 < gap(start)
    assert gap(hold(device, "s", ticks=300, target=values).values) > 0.06


def test_twist_turns_the_tips_about_the_palm_axis():
    model = HandModel(RIGHT)
    synergies = Synergies(RIGHT, model)
    q = np.array(RIGHT.grasp)
    arms = model.tips(q) - np.array(RIGHT.grasp_center)
    velocity = synergies.velocity("twist", 1.0, q)
    moved = (synergies.jacobian(q, model.tips(q)) @ velocity).reshape(-1, 3)
    turned = np.cross(arms, moved)[:, 0]
    assert (turned > 0).all()
    assert np.allclose(synergies.velocity("twist", -1.0, q), -velocity)


def test_fingertips_move_one_at_a_time(keyboard):
    keyboard.handle_input({"mode": "fingertip", "finger": 1})
    sample = hold(keyboard, "e", ticks=31)
    moved = sample.values - HandModel(RIGHT).tips(HOME)
    assert sample.kind == InputKind.FINGERTIPS
    assert np.allclose(moved[1], [0, 0, 0.02], atol=1e-3)
    assert np.allclose(np.delete(moved, 1, axis=0), 0.0)


def test_the_mode_key_goes_round(keyboard):
    seen = []
    for _ in MODES:
        keyboard.handle_input({"key": "m", "down": True})
        keyboard.handle_input({"key": "m", "down": False})
        seen.append(keyboard.mode)
    assert seen == ["joint", "fingertip", "synergy"]
    assert "synergy" in keyboard.description


def test_a_new_mode_starts_from_the_hand(keyboard):
    hold(keyboard, "q", ticks=30, follow=False)
    keyboard.handle_input({"mode": "joint"})
    assert np.array_equal(keyboard.read(STEP, state()).values, HOME)


@pytest.mark.parametrize("payload", [{"mode": "dance"}, {"finger": 7}])
def test_unknown_choices_are_refused(keyboard, payload):
    with pytest.raises(InputError):
        keyboard.handle_input(payload)


def test_an_unknown_mode_as_argument_is_refused():
    with pytest.raises(InputError, match="synergy"):
        Keyboard(TeleopContext(hand=RIGHT, argument="dance"))


def test_every_binding_is_on_the_key_map_for_the_window():
    shown = {(spec.group, spec.key) for spec in key_specs()}
    for mode in MODES:
        keys = [binding.key for binding in BINDINGS[mode]]
        assert len(keys) == len(set(keys))
        assert {(f"Mode {mode}", key) for key in keys} <= shown
