from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from live_fakes import GRASP, HAND, HOME, N, state

from dexgen_app.errors import DexgenError
from dexgen_app.live.row import Clip
from dexgen_app.live.safety import Gate, SafetyConfig, SafetyFilter

OPEN = Gate(armed=True, fresh=True, dead_man=True, heartbeat=True, stop=False)
DT = 1 / 60
LOWER, UPPER = HAND.limits
INSIDE = st.floats(0.0, 1.0).map(lambda s: LOWER + s * (UPPER - LOWER))
ANYTHING = arrays(float, N, elements=st.floats(allow_nan=True, allow_infinity=True, width=64))
WALKS = st.lists(ANYTHING, min_size=1, max_size=8)
GATES = st.builds(
    Gate,
    armed=st.booleans(),
    fresh=st.booleans(),
    dead_man=st.booleans(),
    heartbeat=st.booleans(),
    stop=st.booleans(),
)


def started(config=None, position=HOME, **changes):
    safety = SafetyFilter(HAND, config or SafetyConfig())
    safety.reset(state(position, **changes))
    return safety


def quick(**changes):
    return SafetyConfig(ramp_seconds=0.0, **changes)


def run(safety, candidate, ticks, gate=OPEN, now=None):
    for _ in range(ticks):
        result = safety.step(candidate, gate, now or state(), DT)
    return result


# Properties ---------------------------------------------------------------------------------


@given(start=INSIDE, walk=WALKS)
@settings(max_examples=80, deadline=None)
def test_targets_are_finite_inside_and_slow(start, walk):
    config = SafetyConfig()
    margin = config.position_margin
    start = np.clip(start, LOWER + margin, UPPER - margin)
    safety = started(config, start)
    before = safety.target
    for candidate in walk:
        target = safety.step(candidate, OPEN, state(), DT).target
        assert np.isfinite(target).all()
        assert (target >= LOWER + margin - 1e-12).all()
        assert (target <= UPPER - margin + 1e-12).all()
        assert (np.abs(target - before) <= np.array(HAND.max_speed) * DT + 1e-12).all()
        assert (np.abs(target - before) <= config.max_step + 1e-12).all()
        before = target


@given(start=arrays(float, N, elements=st.floats(-5, 5)), walk=WALKS)
@settings(max_examples=50, deadline=None)
def test_a_hand_outside_its_limits_only_comes_closer(start, walk):
    safety = started(position=start)
    before = safety.target
    for candidate in walk:
        target = safety.step(candidate, OPEN, state(), DT).target
        assert (np.maximum(LOWER - target, 0) <= np.maximum(LOWER - before, 0.0) + 1e-12).all()
        assert (np.maximum(target - UPPER, 0) <= np.maximum(target - UPPER, 0.0) + 1e-12).all()
        assert (np.abs(target - before) <= np.array(HAND.max_speed) * DT + 1e-12).all()
        before = target


@given(gate=GATES.filter(lambda g: g != OPEN), candidate=ANYTHING)
@settings(max_examples=60, deadline=None)
def test_a_hold_is_constant_and_says_why(gate, candidate):
    safety = started()
    moved = run(safety, GRASP, 5).target
    result = run(safety, candidate, 3, gate)
    assert (result.target == moved).all()
    expected = {
        Clip.STALE_INPUT: not gate.fresh,
        Clip.DEAD_MAN: not gate.dead_man,
        Clip.STOP: gate.stop,
        Clip.NOT_ARMED: not gate.armed,
        Clip.HEARTBEAT: not gate.heartbeat,
    }
    for flag, applies in expected.items():
        assert ((result.clip & flag > 0) == applies).all(), flag


@given(walk=WALKS, order=st.permutations(range(N)))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_joints_does_not_matter(walk, order):
    order = list(order)

    def pick(values):
        return tuple(np.array(values)[order])

    fingers = ()
    other = replace(
        HAND,
        joint_names=tuple(HAND.joint_names[i] for i in order),
        lower=pick(HAND.lower),
        upper=pick(HAND.upper),
        max_speed=pick(HAND.max_speed),
        max_effort=pick(HAND.max_effort),
        home=pick(HAND.home),
        grasp=pick(HAND.grasp),
        fingers=fingers,
    )
    one, two = started(), SafetyFilter(other, SafetyConfig())
    two.reset(state(HOME[order]))
    for candidate in walk:
        a = one.step(candidate, OPEN, state(), DT)
        b = two.step(candidate[order], OPEN, state(), DT)
        assert np.array_equal(a.target[order], b.target)
        assert np.array_equal(a.clip[order], b.clip)


@given(seconds=st.floats(allow_nan=False, min_value=-10, max_value=1e6))
@settings(max_examples=40, deadline=None)
def test_a_late_tick_does_not_buy_a_longer_step(seconds):
    safety = started(quick(max_step=1.0))
    before = safety.target
    target = safety.step(HOME + 0.4, OPEN, state(), seconds).target
    assert (np.abs(target - before) <= np.array(HAND.max_speed) * 0.05 + 1e-12).all()


# Single cases -------------------------------------------------------------------------------


def test_it_follows_a_reachable_target_and_says_nothing():
    safety = started()
    result = run(safety, GRASP, 120)
    assert np.allclose(result.target, np.clip(GRASP, LOWER + 0.01, UPPER - 0.01))
    assert result.ramp == 1.0
    assert not (result.clip & ~np.uint32(Clip.POSITION_LIMIT)).any()


def test_arming_starts_from_the_set_point_else_from_the_position():
    held = HOME.copy()
    held[:3] = np.nan
    safety = started(position=GRASP, target=held)
    assert np.array_equal(safety.target, np.where(np.isfinite(held), held, GRASP))


def test_a_hand_that_does_not_know_where_it_is_is_named():
    lost = HOME.copy()
    lost[2] = np.nan
    with pytest.raises(DexgenError, match=HAND.joint_names[2]):
        started(position=lost)


def test_nothing_passes_before_reset():
    with pytest.raises(DexgenError):
        SafetyFilter(HAND, SafetyConfig()).step(GRASP, OPEN, state(), DT)


def test_the_first_step_after_a_hold_is_slow():
    safety = started()
    first = np.abs(safety.step(GRASP, OPEN, state(), DT).target - HOME).max()
    assert first <= 0.1 * max(HAND.max_speed) * DT + 1e-12
    run(safety, GRASP, 100)
    run(safety, GRASP, 1, replace(OPEN, dead_man=False))
    before = safety.target
    result = safety.step(HOME, OPEN, state(), DT)
    assert np.abs(result.target - before).max() <= 0.1 * max(HAND.max_speed) * DT + 1e-12
    assert (result.clip & Clip.RAMP).any()


def test_joint_limits_are_kept_with_their_margin():
    result = run(started(quick(position_margin=0.05)), UPPER + 1.0, 200)
    assert np.allclose(result.target, UPPER - 0.05)
    assert (result.clip & Clip.POSITION_LIMIT).all()


def test_the_speed_scale_slows_everything_down():
    config = quick(speed_scale=0.25)
    target = run(started(config), HOME + 0.4, 1).target
    assert np.allclose(target - HOME, 0.25 * np.array(HAND.max_speed) * DT)


def test_the_step_limit_is_told_from_the_speed_limit():
    result = run(started(quick(max_step=0.01)), HOME + 0.05, 1)
    assert np.allclose(result.target, HOME + 0.01)
    assert (result.clip == Clip.STEP_LIMIT).all()
    result = run(started(quick(max_step=1.0)), HOME + 0.2, 1)
    assert (result.clip == Clip.SPEED_LIMIT).all()


def test_one_outlier_is_held():
    safety = started(quick())
    run(safety, HOME, 3)
    outlier = HOME.copy()
    outlier[1] += 1.0
    result = run(safety, outlier, 1)
    assert np.array_equal(result.target, HOME)
    assert result.clip[1] & Clip.JUMP and not result.clip[0] & Clip.JUMP
    result = run(safety, HOME, 1)
    assert np.array_equal(result.target, HOME) and not result.clip.any()


def test_a_new_place_that_lasts_is_followed_at_limited_speed():
    safety = started(quick())
    run(safety, HOME, 3)
    there = HOME.copy()
    there[1] += 1.0
    held = [bool(run(safety, there, 1).clip[1] & Clip.JUMP) for _ in range(8)]
    assert held[0] and not held[-1]
    assert held == sorted(held, reverse=True)
    before = safety.target[1]
    assert 0 < run(safety, there, 1).target[1] - before <= HAND.max_speed[1] * DT + 1e-12
    assert np.allclose(run(safety, there, 60).target, there)


def test_outliers_in_different_places_never_pass():
    safety = started(quick())
    run(safety, HOME, 3)
    for sign in (1, -1) * 20:
        result = run(safety, HOME + sign * 0.8, 1)
        assert np.array_equal(result.target, HOME)


def test_a_fast_but_steady_motion_is_no_jump():
    safety = started(quick())
    for step in range(4):
        result = run(safety, HOME + 0.4 * step, 1)
        assert not (result.clip & Clip.JUMP).any()


def test_a_pressing_joint_goes_no_further_but_may_give_way():
    effort = np.zeros(N)
    effort[5] = 2 * HAND.max_effort[5]
    pressing = state(effort=effort)
    safety = started(quick())
    result = run(safety, HOME + 0.1, 1, now=pressing)
    assert result.clip[5] == Clip.EFFORT_LIMIT and result.target[5] == HOME[5]
    assert result.target[4] > HOME[4]
    assert run(safety, HOME - 0.03, 1, now=pressing).target[5] < HOME[5]


def test_a_torque_that_is_not_measured_limits_nothing():
    result = run(started(quick()), HOME + 0.1, 1, now=state(effort=np.full(N, np.nan)))
    assert (result.target > HOME).all()


def test_a_warm_motor_holds_the_whole_hand():
    temperature = np.full(N, 30.0)
    temperature[7] = HAND.max_temperature
    result = run(started(quick()), GRASP, 1, now=state(temperature=temperature))
    assert result.hot == 7
    assert np.array_equal(result.target, HOME)
    assert result.clip[7] & Clip.TEMPERATURE and not result.clip[6] & Clip.TEMPERATURE


def test_a_joint_that_is_not_finite_holds_and_the_others_move():
    candidate = HOME + 0.1
    candidate[4] = np.nan
    result = run(started(quick()), candidate, 1)
    assert result.target[4] == HOME[4] and result.clip[4] == Clip.NOT_FINITE
    assert (np.delete(result.target, 4) > np.delete(HOME, 4)).all()


def test_no_candidate_is_stale_input():
    result = run(started(), None, 1)
    assert (result.clip == Clip.STALE_INPUT).all()


# Settings -----------------------------------------------------------------------------------


def test_every_setting_has_a_help_line():
    assert set(SafetyConfig.describe()) == {item.name for item in fields(SafetyConfig)}
    assert all(len(text) > 10 for text in SafetyConfig.describe().values())


def test_the_page_on_safety_has_every_setting_with_its_default():
    page = (Path(__file__).parents[2] / "docs" / "safety.md").read_text()
    for item in fields(SafetyConfig):
        row = next(line for line in page.splitlines() if line.startswith(f"| `{item.name}` |"))
        _, _, default, text, _ = (cell.strip() for cell in row.split("|"))
        assert float(default) == item.default
        assert text == item.metadata["help"]


@pytest.mark.parametrize("name", [item.name for item in fields(SafetyConfig)])
@pytest.mark.parametrize("value", [-1.0, 1e9, float("nan")])
def test_a_setting_out_of_its_range_is_refused(name, value):
    with pytest.raises(DexgenError, match=name):
        SafetyConfig.for_session({name: value}, real=False)


def test_an_unknown_setting_is_refused_with_the_known_ones():
    with pytest.raises(DexgenError, match="speed_scale"):
        SafetyConfig.for_session({"spede": 1.0}, real=False)


def test_a_real_hand_starts_slowly():
    real = SafetyConfig.for_session({}, real=True)
    assert real.speed_scale < SafetyConfig.for_session({}, real=False).speed_scale
    assert SafetyConfig.for_session({"speed_scale": 0.5}, real=True).speed_scale == 0.5
