"""The simulated hand as the live loop sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from sim_worlds import ENGINES, SPHERE

from dexgen_app.errors import SimulationError
from dexgen_app.sim.driver import SimDriver
from dexgen_app.spec import (
    DriverContext,
    HandCommand,
    HandDriver,
    ObjectSpec,
    SceneSpec,
    WristProgram,
)
from dexgen_hand_allegro.spec import RIGHT

OPEN = HandCommand(born_ns=0, position=np.array(RIGHT.home))
DOWN = WristProgram(direction="palm_down")


def make(scene: SceneSpec | None = None, hand=RIGHT, **options: object) -> SimDriver:
    context = {"hand": hand, "scene": scene or SceneSpec()}
    return SimDriver(DriverContext(**context, options={"engine": "mujoco", **options}))


@pytest.fixture
def driver() -> Iterator[SimDriver]:
    made = make()
    made.connect()
    yield made
    made.disconnect()


def run(driver: SimDriver, seconds: float) -> None:
    for _ in range(round(60 * seconds)):
        driver.step(1 / 60)


@pytest.mark.parametrize("engine", ENGINES)
def test_it_starts_with_the_object_in_the_hand_and_keeps_it(engine: str) -> None:
    reports = []
    made = SimDriver(
        DriverContext(
            hand=RIGHT,
            options={"engine": engine},
            progress=lambda text, fraction=None: reports.append((text, fraction)),
        )
    )
    assert isinstance(made, HandDriver)
    made.connect()
    made.connect()  # once more does nothing
    assert reports[-1] == ("ready", 1.0) and reports.count(("ready", 1.0)) == 1
    assert "settling" in [text for text, _ in reports]
    before = made.read_state()
    run(made, 2.0)
    after = made.read_state()
    assert (made.held, made.drops, made.resets) == (True, 0, 1)
    assert np.linalg.norm((after.object_pose - before.object_pose)[:3]) < 0.002
    assert after.contacts.shape[1] == 6 and len(after.contacts) >= 2
    assert np.allclose(after.contacts[:, 3:].sum(axis=0), [0.4905, 0, 0], atol=0.03)
    assert after.stamp_ns > before.stamp_ns
    for name in ("position", "velocity", "effort", "target", "temperature"):
        assert getattr(after, name).shape == (16,) and getattr(after, name).dtype == np.float64
    assert np.isfinite(after.effort).all() and np.isnan(after.temperature).all()
    made.disconnect()
    made.disconnect()


def test_ticks_of_60_hz_become_steps_without_drift(
    driver: SimDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    monkeypatch.setattr(driver.world, "step", counts.append)
    run(driver, 100.0)
    assert sum(counts) == 10_000
    assert set(counts) == {1, 2}


def test_commands_move_the_hand(driver: SimDriver) -> None:
    driver.send_command(OPEN)
    assert np.allclose(driver.read_state().target, RIGHT.home, atol=1e-6)
    run(driver, 1.0)
    assert np.abs(driver.read_state().position - np.array(RIGHT.home)).mean() < 0.05


@pytest.mark.parametrize("position", [np.zeros(15), np.full(16, np.nan)])
def test_bad_commands_are_refused(driver: SimDriver, position: np.ndarray) -> None:
    target = driver.read_state().target
    with pytest.raises(ValueError, match="not a set of joint targets"):
        driver.send_command(HandCommand(born_ns=0, position=position))
    assert np.array_equal(driver.read_state().target, target)


def test_a_drop_is_counted_once_and_the_object_comes_back(driver: SimDriver) -> None:
    grasp = driver.read_state().position
    driver.set_wrist(DOWN)
    driver.send_command(OPEN)
    run(driver, 1.0)
    assert (driver.held, driver.drops, driver.resets) == (False, 1, 1)
    run(driver, 1.2)
    assert (driver.held, driver.drops, driver.resets) == (True, 1, 2)
    assert np.abs(driver.read_state().target - grasp).mean() < 0.3
    assert driver.read_state().gravity.tolist() == [1.0, 0.0, 0.0]
    run(driver, 1.0)
    assert (driver.held, driver.drops) == (True, 1)


def test_a_stopped_hand_is_not_moved_to_put_the_object_back(driver: SimDriver) -> None:
    driver.set_wrist(DOWN)
    driver.send_command(OPEN)
    driver.stop()
    run(driver, 4.0)
    assert (driver.held, driver.drops, driver.resets) == (False, 1, 1)
    driver.send_command(OPEN)
    run(driver, 0.1)
    assert (driver.held, driver.resets) == (True, 2)


def test_without_auto_reset_the_object_stays_away() -> None:
    made = make(auto_reset=False)
    made.connect()
    made.set_wrist(DOWN)
    made.send_command(OPEN)
    run(made, 4.0)
    assert (made.held, made.drops, made.resets) == (False, 1, 1)
    made.reset_scene()
    run(made, 0.5)
    assert (made.held, made.drops, made.resets) == (True, 1, 2)


def test_a_sweep_turns_gravity_in_the_world(driver: SimDriver) -> None:
    driver.set_wrist(WristProgram(sweep_period=4.0))
    run(driver, 1.0)
    assert np.allclose(driver.read_state().gravity, [0.0, -1.0, 0.0], atol=0.05)
    applied = driver.world._models[0].opt.gravity / 9.81
    assert np.allclose(applied, driver.read_state().gravity, atol=0.05)
    run(driver, 3.0)
    assert driver.held


def test_another_object_is_built_and_an_impossible_one_is_not(driver: SimDriver) -> None:
    driver.reset_scene(SPHERE)
    run(driver, 1.0)
    assert driver.held
    assert float(driver.world._models[0].body("object").mass[0]) == pytest.approx(0.08)
    with pytest.raises(SimulationError, match="grasps found"):
        driver.reset_scene(ObjectSpec(size=(0.3, 0.3, 0.3)))
    run(driver, 0.5)
    assert driver.held and driver.read_state().object_pose is not None


def test_an_empty_hand() -> None:
    made = make(SceneSpec(object=None))
    made.connect()
    run(made, 3.0)
    state = made.read_state()
    assert state.object_pose is None and state.contacts.shape == (0, 6)
    assert (made.held, made.drops) == (False, 0)
    assert np.allclose(state.position, RIGHT.home, atol=0.05)


def test_a_diverged_state_is_reported_and_left(driver: SimDriver) -> None:
    run(driver, 0.1)
    driver.world.reset(torch.full((1, 16), float("nan")))
    with pytest.raises(SimulationError, match="environment 0; its last sound state"):
        run(driver, 0.1)
    run(driver, 0.5)
    assert driver.held and np.isfinite(driver.read_state().position).all()


def test_stop_holds_or_goes_limp(driver: SimDriver) -> None:
    target = driver.read_state().target
    driver.stop()
    driver.stop()
    run(driver, 0.5)
    assert np.array_equal(driver.read_state().target, target) and driver.held
    limp = make(hand=replace(RIGHT, stop_behaviour="limp"))
    limp.stop()  # before the connection
    limp.connect()
    limp.stop()
    limp.stop()
    state = limp.read_state()
    assert np.isnan(state.target).all() and not state.effort.any()
    assert not limp.world.gains()[0].any()
    limp.send_command(OPEN)
    assert limp.world.gains()[0].min() > 0.0
    assert np.allclose(limp.read_state().target, RIGHT.home, atol=1e-6)


def test_a_wrong_engine_and_a_missing_connection_are_named() -> None:
    with pytest.raises(SimulationError, match="bullet"):
        make(engine="bullet")
    made = make()
    with pytest.raises(SimulationError, match="not connected"):
        made.read_state()
    with pytest.raises(SimulationError, match="not connected"):
        made.step(0.1)
    made.stop()
    made.disconnect()
