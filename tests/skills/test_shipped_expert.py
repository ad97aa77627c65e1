"""The shipped AnyGrasp expert loads, fits its environment and holds on to the object."""

from __future__ import annotations

import pytest
import torch

from dexgen_app.errors import InputError
from dexgen_app.learn.config import from_plain
from dexgen_app.learn.environment import EnvironmentContext
from dexgen_app.learn.evaluate import EvaluationOptions, evaluate_policy
from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.learn.policy import shipped_policy
from dexgen_app.sim.world import PhysicsOptions
from dexgen_hand_allegro.spec import LEFT, RIGHT
from dexgen_skill_anygrasp.config import AnyGraspConfig
from dexgen_skill_anygrasp.environment import AnyGraspEnvironment
from dexgen_skill_anygrasp.grasps.make import MakeOptions, make_grasps
from dexgen_skill_anygrasp.grasps.settle import SettleOptions
from dexgen_skill_anygrasp.plugin import register_skills


@pytest.fixture(scope="module")
def grasps() -> GraspSet:
    settle = SettleOptions(settle_seconds=1.5, shake_seconds=0.5)
    options = MakeOptions(count=200, batch=128, physics=PhysicsOptions(substeps=1), settle=settle)
    return make_grasps(RIGHT, AnyGraspConfig().objects[0], options, seed=7)


def test_it_holds_where_an_idle_and_a_random_hand_drop(grasps: GraspSet) -> None:
    policy = shipped_policy(register_skills()[0], RIGHT)
    settings = from_plain(AnyGraspConfig, policy.config)

    def factory(context: EnvironmentContext, config: AnyGraspConfig) -> AnyGraspEnvironment:
        return AnyGraspEnvironment(context, config, grasps=[grasps])

    options = EvaluationOptions(
        engine="mujoco", environments=16, seconds=10.0, gravity=("palm_up",)
    )
    (expert,) = evaluate_policy(policy, RIGHT, settings, factory, options)
    noise = torch.Generator().manual_seed(0)
    (random,) = evaluate_policy(
        lambda o: 2.0 * torch.rand(16, 16, generator=noise) - 1.0,
        RIGHT,
        settings,
        factory,
        options,
    )
    assert expert.drops <= 2
    assert random.drops >= 10 * max(expert.drops, 1)
    assert expert.goals > random.goals


def test_other_hands_are_told_to_train() -> None:
    with pytest.raises(InputError, match="dexgen-app train anygrasp --hand allegro_left"):
        shipped_policy(register_skills()[0], LEFT)
