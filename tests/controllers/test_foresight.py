"""Trials that ended in drops, and the risk that is learned from them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from dexgen_app.errors import InputError
from dexgen_app.learn.environment import Snapshot, StepResult
from dexgen_controller_dexgen.foresight import foresee, learn_risk, rank, risk_of
from dexgen_controller_dexgen.history import HistoryBuffer
from dexgen_controller_dexgen.mirror import _signs_of, mirror
from dexgen_controller_dexgen.model import FORESIGHT_S, ControllerModel
from dexgen_controller_dexgen.optimisation import TrainingConfig
from dexgen_controller_dexgen.policy import (
    LEAST_RISK,
    MOST_GAIN,
    MOST_RISK,
    USUAL_RISK,
    GuidedPolicy,
)
from dexgen_controller_dexgen.trials import TrialRecorder, Trials
from dexgen_hand_allegro.spec import RIGHT
from tests.controllers.conftest import see

JOINTS, FINGERS = 16, 4


def record(dropped: list[list[bool]], done: list[list[bool]], seed: int = 0) -> Trials:
    """Record steps of random joints; a row of each list is a step of all hands."""
    random = torch.Generator().manual_seed(seed)
    recorder = TrialRecorder(RIGHT.joint_names, 0.1)
    for lost, over in zip(dropped, done):
        hands = len(lost)
        joints = torch.randn(hands, JOINTS, generator=random)
        state = Snapshot(
            joints=joints,
            velocity=torch.zeros(hands, JOINTS),
            pose=torch.zeros(hands, 7),
            twist=torch.zeros(hands, 6),
            tips=torch.randn(hands, FINGERS, 3, generator=random),
        )
        result = StepResult(
            observations={},
            reward=torch.zeros(hands),
            done=torch.tensor(over),
            timed_out=torch.zeros(hands, dtype=torch.bool),
            dropped=torch.tensor(lost),
        )
        recorder(state, joints + 0.1, result)
    return recorder.trials()


@pytest.fixture
def model(weights: Path) -> ControllerModel:
    """A controller that says of itself that it foresees drops in its first mode."""
    found = ControllerModel.load(weights)
    found.info = replace(found.info, foreseen_modes=found.info.modes[:1])
    return found


def say(model: ControllerModel, risk: float) -> None:
    """Let a model foresee the same risk everywhere."""
    last = model.risk.body[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.fill_(math.log(risk / (1.0 - risk)))


def test_a_recorder_tells_how_long_each_hand_still_holds() -> None:
    no, yes = False, True
    trials = record(
        dropped=[[no, no], [yes, no], [no, no], [no, no]],
        done=[[no, no], [yes, no], [no, yes], [no, no]],
    )
    left = trials.left.view(2, 4)
    torch.testing.assert_close(left[0], torch.tensor([0.2, 0.1, math.inf, math.inf]))
    assert left[1].isinf().all(), "a trial that ended otherwise has no drop ahead"
    assert trials.age.view(2, 4).tolist() == [[0, 1, 0, 1], [0, 1, 2, 0]]


def test_recorded_states_are_those_of_the_controller() -> None:
    trials = record(
        [[False, False]] * 6, [[False, False]] * 2 + [[True, False]] + [[False] * 2] * 3
    )
    buffer = HistoryBuffer(2, JOINTS, FINGERS)
    for step in range(6):
        rows = torch.tensor([step, 6 + step])
        buffer.append(trials.tips[rows], trials.position[rows], trials.target[rows])
        torch.testing.assert_close(trials.states(rows), buffer.state())
        if step == 2:
            buffer.reset(torch.tensor([True, False]))


def test_trials_survive_their_file_and_other_files_are_refused(tmp_path: Path) -> None:
    trials = record([[False, True]] * 3, [[False, True]] * 3)
    trials.save(tmp_path / "one.safetensors")
    found = Trials.load(tmp_path / "one.safetensors")
    both = Trials.join([found, trials])
    assert found.joint_names == RIGHT.joint_names and len(both) == 2 * len(trials)
    torch.testing.assert_close(both.left[: len(trials)], trials.left)
    (tmp_path / "two.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="no trials"):
        Trials.load(tmp_path / "two.safetensors")
    with pytest.raises(InputError, match="cannot be written"):
        trials.save(tmp_path / "one.safetensors" / "no folder.safetensors")


def test_risk_falls_with_the_time_that_is_left() -> None:
    left = torch.tensor([0.0, FORESIGHT_S, math.inf])
    torch.testing.assert_close(risk_of(left), torch.tensor([1.0, math.exp(-1.0), 0.0]))


def test_rank_tells_risks_apart() -> None:
    near = torch.tensor([True, True, False, False])
    assert rank(torch.tensor([4.0, 3.0, 2.0, 1.0]), near) == 1.0
    assert rank(torch.tensor([1.0, 2.0, 3.0, 4.0]), near) == 0.0
    assert rank(torch.ones(4), near) == 0.5
    assert math.isnan(rank(torch.ones(4), torch.zeros(4, dtype=torch.bool)))


def test_what_comes_before_drops_is_learned_and_nothing_else_changes(
    model: ControllerModel, tmp_path: Path
) -> None:
    trials = record([[False] * 40] * 40, [[False] * 40] * 40)
    soon = trials.position[:, 0] > 0.8
    trials = replace(trials, left=torch.where(soon, 0.1, math.inf))
    trials.tips[39] = math.nan  # the last step of a simulation that diverged
    model.set_statistics({**model.statistics, "state_std": torch.ones(model.state_size)})
    before = {name: value.clone() for name, value in model.prior.state_dict().items()}
    config = TrainingConfig(steps=400, batch=256, learning_rate=1e-3, ema=0.9)
    loss = learn_risk(model, trials, tmp_path / "run", config, lambda line: None)
    fresh = record([[False] * 40] * 40, [[False] * 40] * 40, seed=1)
    assert rank(foresee(model, fresh), fresh.position[:, 0] > 0.8) > 0.9
    for name, value in model.prior.state_dict().items():
        torch.testing.assert_close(value, before[name])
    assert learn_risk(model, trials, tmp_path / "run", config, lambda line: None) == loss, (
        "a training that was done goes on from its end"
    )
    model.save(tmp_path / "model.safetensors")
    state, mode = fresh.states(torch.arange(9)), torch.zeros(9, dtype=torch.long)
    again = ControllerModel.load(tmp_path / "model.safetensors")
    torch.testing.assert_close(
        again.foresee(state, mode), model.foresee(state, mode), atol=2e-3, rtol=0.02
    )


def test_nothing_is_foreseen_where_it_was_not_learned(
    model: ControllerModel, weights: Path
) -> None:
    say(model, 0.5)
    state = torch.zeros(2, model.state_size)
    modes = torch.arange(2)
    torch.testing.assert_close(model.foresee(state, modes), torch.tensor([[0.5], [0.0]]))
    assert not ControllerModel.load(weights).foresee(state, modes).any()


def test_a_file_of_format_3_foresees_nothing(weights: Path) -> None:
    with safe_open(weights, "pt") as file:
        info = json.loads(file.metadata()["info"])
    del info["foreseen_modes"]
    save_file(load_file(weights), weights, {"info": json.dumps({**info, "format_version": 3})})
    assert ControllerModel.load(weights).info.foreseen_modes == ()


def test_a_mirrored_hand_is_in_the_same_danger(model: ControllerModel) -> None:
    signs = tuple(-1 if joint % 4 == 0 else 1 for joint in range(JOINTS))
    state = torch.randn(5, model.state_size, generator=torch.Generator().manual_seed(0))
    mode = torch.zeros(5, dtype=torch.long)
    before = model.foresee(state, mode)
    flipped = state * _signs_of(model, signs)[0]
    mirror(model, signs)
    torch.testing.assert_close(model.foresee(flipped, mode), before)


def rested(model: ControllerModel, risk: float, own: torch.Tensor, **changes) -> GuidedPolicy:
    """Return a policy whose own motion and risk never change, after four seconds of rest."""
    say(model, risk)
    model.increment = lambda state, motion: own.expand(len(state), -1)
    policy = GuidedPolicy(model, **{"smoothing": 0.0, "boost": 1.0, **changes})
    see(policy, 40, len(own))
    return policy


@pytest.mark.parametrize(
    ("risk", "factor"),
    [(0.5 * LEAST_RISK, 1.0), (0.5 * (LEAST_RISK + MOST_RISK), 0.5), (0.9, 0.0)],
)
def test_a_gentle_command_moves_the_hand_unless_a_drop_is_foreseen(
    model: ControllerModel, risk: float, factor: float
) -> None:
    own = torch.full((1, JOINTS), 0.01)
    found = {}
    for cautious in (True, False):
        policy = rested(model, risk, own)
        policy.cautious = cautious
        found[cautious] = policy.act(0.5 * own, 1e9)[0]
        waiting = 1.0 - factor if cautious else 0.0
        torch.testing.assert_close(policy.waiting, torch.tensor([waiting]), atol=1e-3, rtol=0.0)
    torch.testing.assert_close(found[True], factor * 0.5 * own, atol=1e-5, rtol=1e-3)
    torch.testing.assert_close(found[False], 0.5 * own, atol=1e-5, rtol=1e-3)


def test_where_drops_are_usual_more_of_a_risk_is_taken(model: ControllerModel) -> None:
    own, risk = torch.full((1, JOINTS), 0.01), 2.0 * MOST_RISK
    found = []
    for usual in (0.5, 1.0, 4.0):
        model.info = replace(model.info, usual_risk=usual * USUAL_RISK)
        found.append(rested(model, risk, own).act(0.5 * own, 1e9)[0])
    torch.testing.assert_close(found[0], found[1])
    assert not found[0].any()
    torch.testing.assert_close(found[2], 0.5 * own, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize(
    ("size", "boost", "moved"),
    [(0.005, 5.0, MOST_GAIN * 0.005), (0.02, 5.0, 0.025), (0.03, 5.0, 0.03), (0.005, 1.0, 0.005)],
)
def test_gentle_commands_are_raised_where_none_is_foreseen(
    model: ControllerModel, size: float, boost: float, moved: float
) -> None:
    own = torch.full((1, JOINTS), 0.02)
    command = torch.full((1, JOINTS), size)
    found = rested(model, 0.01, own, boost=boost).act(command, 1e9)[0]
    torch.testing.assert_close(found, torch.full_like(found, moved), atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.3])
def test_a_raise_does_not_let_a_hand_swing_about_a_commanded_position(
    model: ControllerModel, smoothing: float
) -> None:
    gap = torch.full((1, JOINTS), 0.006)
    policy = rested(model, 0.01, torch.zeros(1, JOINTS), smoothing=smoothing, boost=5.0)
    policy._intent.take = lambda wish, own, chosen: (
        wish.newest,
        torch.ones(1, 1),
        torch.ones(1, 1),
    )
    for _ in range(40):
        see(policy, 1, 1)
        gap = gap - policy.act(gap, 1e9)[0]
    assert float(gap.abs().max()) < 1e-4


def test_a_mode_in_which_nothing_is_foreseen_follows_gentle_commands(
    model: ControllerModel,
) -> None:
    own = torch.full((1, JOINTS), 0.01)
    policy = rested(model, 0.9, own, boost=5.0)
    policy.set_mode("precision")
    found = policy.act(0.5 * own, 1e9)[0]
    torch.testing.assert_close(found, 0.5 * own, atol=1e-5, rtol=1e-3)
    assert not policy.waiting.any()


def test_a_large_command_is_led_as_ever_where_a_drop_is_foreseen(model: ControllerModel) -> None:
    own = torch.full((1, JOINTS), 0.008)
    moved = [rested(model, risk, own).act(5.0 * own, 800.0)[0] for risk in (0.001, 0.9)]
    torch.testing.assert_close(moved[0], moved[1])
