"""The compiled passes answer as the networks do."""

from __future__ import annotations

import pytest
import torch

from dexgen_controller_dexgen.compiled import compile_passes
from dexgen_controller_dexgen.mirror import load_for_hand
from dexgen_controller_dexgen.model import ControllerModel
from dexgen_controller_dexgen.shipped import weights_for
from dexgen_hand_allegro.spec import LEFT, RIGHT


@pytest.fixture(params=[RIGHT, LEFT], ids=["right", "left"])
def model(request: pytest.FixtureRequest) -> ControllerModel:
    return load_for_hand(weights_for(request.param), request.param)


@pytest.mark.parametrize(("states", "draws"), [(1, 2), (3, 1)])
def test_compiled_and_own_passes_agree(model: ControllerModel, states: int, draws: int) -> None:
    torch.manual_seed(0)
    spread = torch.randn(states, model.state_size)
    state = model.statistics["state_mean"] + model.statistics["state_std"] * spread
    mode = torch.arange(states) % len(model.info.modes)
    noise = torch.randn(states * draws, model.motion_size)
    command = 0.01 * torch.randn(states * draws, 2, 8, 3)

    def answers() -> tuple[torch.Tensor, ...]:
        motion = model.sample_motion(state, mode, noise, steps=8, command=command, strength=300.0)
        increment = model.increment(state, motion[::draws])
        return motion, increment, model.motion(state, increment)

    own = answers()
    before = model.passes
    compile_passes(model)
    assert model.passes is not before
    for expected, found in zip(own, answers()):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-3)


def test_what_is_not_finite_stays_so(model: ControllerModel) -> None:
    compile_passes(model)
    state = torch.full((1, model.state_size), torch.nan)
    motion = model.sample_motion(
        state, torch.zeros(1, dtype=torch.long), torch.zeros(1, model.motion_size), steps=2
    )
    assert bool(motion.isnan().all())
    assert bool(model.increment(state, motion).isnan().all())
