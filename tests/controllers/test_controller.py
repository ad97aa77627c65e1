from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dexgen_app.errors import DexgenError, InputError
from dexgen_app.spec import ControlInput, ControllerContext, HandCommand, HandState
from dexgen_controller_dexgen import compiled
from dexgen_controller_dexgen.commands.build import parse_budget
from dexgen_controller_dexgen.controller import WAITING, DexGenController
from dexgen_controller_dexgen.policy import GuidedPolicy
from dexgen_hand_allegro.spec import LEFT, RIGHT

GRASP = np.array(RIGHT.grasp)


def make(weights: Path, **more) -> DexGenController:
    context = ControllerContext(hand=RIGHT, options={"weights": weights}, **more)
    controller = DexGenController(context)
    while controller.compiling:
        time.sleep(0.01)
    return controller


def control(command: np.ndarray | None, position: np.ndarray = GRASP) -> ControlInput:
    nothing = np.full(16, np.nan)
    state = HandState(
        stamp_ns=0,
        position=position,
        velocity=np.zeros(16),
        effort=nothing,
        target=position,
        temperature=nothing,
    )
    wanted = None if command is None else HandCommand(born_ns=7, position=command)
    return ControlInput(now_ns=0, state=state, command=wanted, target=position)


def test_targets_stay_within_limits(weights: Path) -> None:
    controller = make(weights)
    command = controller.step(control(np.array(RIGHT.upper), np.array(RIGHT.upper)))
    assert command is not None
    assert command.born_ns == 7
    assert np.all(command.position <= np.array(RIGHT.upper))
    assert np.all(command.position >= np.array(RIGHT.lower))


def test_the_same_seed_gives_the_same_targets(weights: Path) -> None:
    first, second, other = (make(weights, seed=seed) for seed in (3, 3, 4))
    outputs = [c.step(control(GRASP + 0.1)).position for c in (first, second, other)]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert np.abs(outputs[0] - outputs[2]).max() > 0


def test_a_controller_that_cannot_be_compiled_steps_all_the_same(
    weights: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = make(weights).step(control(GRASP + 0.1)).position

    def refuse(_model: object) -> None:
        raise RuntimeError("there is no place for the cache")

    monkeypatch.setattr(compiled, "compile_passes", refuse)
    with caplog.at_level(logging.WARNING):
        found = make(weights).step(control(GRASP + 0.1)).position
    assert "no place for the cache" in caplog.text
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_without_a_command_the_prior_moves_alone(weights: Path) -> None:
    assert make(weights).step(control(None)) is not None


def test_guidance_changes_what_is_done(weights: Path) -> None:
    outputs = []
    for guidance in (0.0, 3000.0):
        controller = make(weights)
        controller.set_parameter("guidance", guidance)
        outputs.append(controller.step(control(GRASP + 0.3)).position)
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-4


def test_it_tells_for_a_second_that_the_hand_waits(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller, policy = make(weights), GuidedPolicy.act
    waiting = iter((0.2, 0.9, 0.0, 0.0))

    def act(self: GuidedPolicy, *args):
        found = policy(self, *args)
        self.waiting = torch.tensor([next(waiting)])
        return found

    monkeypatch.setattr(GuidedPolicy, "act", act)
    seconds = (0.0, 0.1, 1.0, 1.2)
    told = [controller.step(replace(control(GRASP), now_ns=int(1e9 * s))).remark for s in seconds]
    assert told == ["", WAITING, WAITING, ""]


def test_off_lets_the_command_through(weights: Path) -> None:
    controller = make(weights)
    controller.set_parameter("active", "off")
    wanted = GRASP - 0.2
    np.testing.assert_array_equal(controller.step(control(wanted)).position, wanted)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("guidance", 1e9, "within 0.0 to 3000.0"),
        ("mode", "juggle", "not a choice"),
        ("speed", 1.0, "no parameter"),
    ],
)
def test_bad_parameters_are_explained(weights: Path, name: str, value, text: str) -> None:
    with pytest.raises(DexgenError, match=text):
        make(weights).set_parameter(name, value)


def test_a_hand_without_weights_is_told_how_to_make_them(weights: Path) -> None:
    with pytest.raises(InputError, match="build-controller"):
        DexGenController(ControllerContext(hand=LEFT, options={"weights": weights.parent / "no"}))
    with pytest.raises(InputError, match=r"the model's joint order is ffj0.*that of allegro_right"):
        DexGenController(ControllerContext(hand=_renamed(), options={"weights": weights}))


def _renamed():
    from dataclasses import replace

    names = tuple(f"x{name}" for name in RIGHT.joint_names)
    fingers = tuple(replace(f, joints=tuple(f"x{j}" for j in f.joints)) for f in RIGHT.fingers)
    return replace(RIGHT, joint_names=names, fingers=fingers)


def test_budgets_are_times() -> None:
    assert parse_budget("90m") == 5400.0
    assert parse_budget("1.5h") == 5400.0
    for text in ("", "h", "3 weeks", "-1h"):
        with pytest.raises(InputError):
            parse_budget(text)
