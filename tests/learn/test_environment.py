"""The AnyGrasp environment on MuJoCo: control, drops, goals, episodes, randomisation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dexgen_app.errors import InputError
from dexgen_app.learn.environment import EnvironmentContext
from dexgen_app.learn.evaluate import EvaluationOptions, evaluate_policy, roll_out
from dexgen_app.learn.goals import GoalOptions
from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.learn.randomisation import Randomisation
from dexgen_hand_allegro.spec import RIGHT
from dexgen_skill_anygrasp.config import AnyGraspConfig, RewardWeights
from dexgen_skill_anygrasp.environment import AnyGraspEnvironment
from dexgen_skill_anygrasp.reward import RewardInput, reward_terms
from tests.policies import make_policy

N = 4


def _build(grasps: GraspSet, folder: Path | None = None, **config: object) -> AnyGraspEnvironment:
    context = EnvironmentContext(hand=RIGHT, engine="mujoco", environments=N, seed=3, folder=folder)
    return AnyGraspEnvironment(context, AnyGraspConfig(**config), grasps=[grasps])


def _zeros(environment: AnyGraspEnvironment) -> torch.Tensor:
    return torch.zeros(environment.count, environment.action_size)


def test_an_action_moves_the_targets_by_its_scale_within_the_limits(grasp_set: GraspSet) -> None:
    environment = _build(grasp_set)
    environment.reset()
    before = environment.target.clone()
    action = _zeros(environment)
    action[0, 3], action[1, 3] = 0.5, 7.0
    environment.step(action)
    moved = environment.target - before
    assert float(moved[0, 3]) == pytest.approx(0.05, abs=1e-6)
    assert float(moved[1, 3]) == pytest.approx(0.1, abs=1e-6)
    assert float(moved[2:].abs().max()) == 0.0
    for _ in range(60):
        environment.apply_action(torch.ones_like(action))
    assert torch.allclose(environment.target, environment.upper.expand(N, -1))


def test_an_opened_hand_drops_and_starts_anew(grasp_set: GraspSet) -> None:
    environment = _build(grasp_set, gravity=("palm_down",))
    environment.reset()
    dropped = torch.zeros(N, dtype=torch.bool)
    for _ in range(15):
        result = environment.step(-torch.ones(N, 16))
        dropped |= result.dropped
        assert torch.equal(result.done, result.dropped)
        if bool(result.dropped.any()):
            assert float(result.reward[result.dropped].max()) < -3.0
            assert int(environment.age[result.dropped].max()) == 0
    assert bool(dropped.all())
    counts = environment.drain_counts()
    assert counts["drops"] >= N
    assert counts["steps"] == 15 * N
    assert counts["seconds"] == pytest.approx(15 * N * 0.1)
    assert environment.drain_counts() == {}


@pytest.mark.parametrize(("seconds", "retried"), [(3.0, True), (0.0, False)])
def test_an_episode_that_drops_early_starts_again_as_it_did(
    grasp_set: GraspSet, seconds: float, retried: bool
) -> None:
    environment = _build(
        grasp_set,
        gravity=("palm_down",),
        gravity_tilt=0.6,
        retry_share=1.0,
        retry_seconds=seconds,
    )
    environment.reset()
    first, dropped = environment.gravity.clone(), torch.zeros(N, dtype=torch.bool)
    for _ in range(15):
        dropped |= environment.step(-torch.ones(N, 16)).dropped
    assert bool(dropped.all())
    assert bool((environment.gravity == first).all(-1).all()) == retried
    assert bool((environment.gravity == first).all(-1).any()) == retried


def test_a_trial_has_nothing_of_what_only_training_does() -> None:
    training = AnyGraspConfig(
        stall_seconds=8.0,
        retry_share=0.5,
        disturbance=0.5,
        stuck_share=0.5,
        episode_seconds=20.0,
    )
    trial = training.for_trials(episode_seconds=120.0)
    assert trial == AnyGraspConfig(episode_seconds=120.0)


def test_disturbed_actions_are_what_the_hand_does_and_the_policy_sees(grasp_set: GraspSet) -> None:
    environment = _build(grasp_set, disturbance=0.5, drop_distance=9.0, lowest=-9.0)
    environment.reset()
    largest = []
    for _ in range(100):
        before = environment.target.clone()
        going_on = ~environment.step(_zeros(environment)).done
        moved = environment.target - before
        free = (environment.target > environment.lower) & (environment.target < environment.upper)
        free &= going_on[:, None]
        scale = environment.config.action_scale
        assert torch.allclose(moved[free], scale * environment.last_action[free], atol=1e-6)
        largest.append(environment.last_action.abs().amax(-1))
    assert float(torch.stack(largest).max()) <= 0.5
    # The half width of a hand changes.
    spread = torch.stack(largest).unflatten(0, (4, 25)).amax(1)
    assert bool((spread.amax(0) > 1.5 * spread.amin(0)).any())


def test_episodes_are_cut_without_counting_as_drops(grasp_set: GraspSet) -> None:
    environment = _build(grasp_set, episode_seconds=0.3, drop_distance=9.0)
    environment.reset()
    results = [environment.step(_zeros(environment)) for _ in range(3)]
    assert not results[1].done.any()
    assert results[2].timed_out.all() and not results[2].dropped.any()


def test_reaching_the_goal_pays_and_draws_another(grasp_set: GraspSet) -> None:
    easy = GoalOptions(position_tolerance=9.0, angle_tolerance=9.0)
    reward = RewardWeights(progress=0.0)
    environment = _build(grasp_set, drop_distance=9.0, goals=easy, reward=reward)
    environment.reset()
    environment.drain_counts()
    rows = []
    for _ in range(4):
        rows.append(environment.goal_row.clone())
        assert float(environment.step(_zeros(environment)).reward.min()) > 0.5 * 5.0 * 0.3
    assert environment.drain_counts()["goals"] == 4 * N
    assert environment.goals_reached.tolist() == [4] * N
    assert len(torch.unique(torch.stack(rows), dim=0)) > 1


def test_a_goal_that_takes_too_long_is_replaced(grasp_set: GraspSet) -> None:
    hard = GoalOptions(position_tolerance=1e-9)
    environment = _build(grasp_set, drop_distance=9.0, goals=hard, goal_seconds=0.3)
    environment.reset()
    first = environment.goal_row.clone()
    for _ in range(2):
        environment.step(_zeros(environment))
    assert torch.equal(environment.goal_row, first)
    seen = [first]
    for _ in range(6):
        environment.step(_zeros(environment))
        seen.append(environment.goal_row.clone())
    assert len(torch.unique(torch.stack(seen), dim=0)) > 1
    assert environment.drain_counts()["goals"] == 0


def test_progress_adds_up_to_the_way_to_the_goal(
    grasp_set: GraspSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    hard = GoalOptions(position_tolerance=1e-9)
    environment = _build(grasp_set, drop_distance=9.0, goals=hard)
    environment.reset()
    paid = torch.zeros(N)
    module = "dexgen_skill_anygrasp.environment.reward_terms"

    def watch(step: RewardInput, weights: RewardWeights) -> dict[str, torch.Tensor]:
        paid.add_(step.progress)
        return reward_terms(step, weights)

    monkeypatch.setattr(module, watch)
    start = environment._remaining.clone()
    for _ in range(3):
        environment.step(0.2 * torch.randn(N, 16))
    distance, angle = environment.goal_error()
    assert torch.allclose(paid, start - 15.0 * distance - 0.7 * angle, atol=1e-4)


def test_observations_are_finite_and_of_fixed_size(grasp_set: GraspSet) -> None:
    environment = _build(grasp_set, randomisation=Randomisation(enabled=True), wrist_speed=1.0)
    first = environment.reset()
    gravity = environment.gravity.clone()
    for _ in range(5):
        result = environment.step(0.3 * torch.randn(N, 16))
        for name, value in result.observations.items():
            assert value.shape == first[name].shape
            assert bool(torch.isfinite(value).all())
    assert float((environment.gravity - gravity).abs().max()) > 0.01
    length = torch.linalg.vector_norm(environment.gravity, dim=-1)
    assert torch.allclose(length, torch.ones(N), atol=1e-4)


def test_randomised_values_stay_in_their_ranges(grasp_set: GraspSet) -> None:
    options = Randomisation(enabled=True)
    environment = _build(grasp_set, randomisation=options)
    environment.reset()
    mass = environment.randomiser.mass
    assert bool(((mass >= options.mass[0]) & (mass <= options.mass[1])).all())
    assert len(set(mass.tolist())) == N
    factors = environment.randomiser.gain_factors
    assert bool(((factors >= 0.7) & (factors <= 1.2)).all())
    clean = _build(grasp_set)
    clean.reset()
    assert torch.allclose(clean.randomiser.mass, torch.full((N,), 0.05))


def test_the_same_seed_gives_the_same_episode(grasp_set: GraspSet) -> None:
    runs = []
    for _ in range(2):
        environment = _build(grasp_set)
        environment.reset()
        noise = torch.Generator().manual_seed(0)
        runs.append(
            [environment.step(torch.randn(N, 16, generator=noise)).reward for _ in range(5)]
        )
    assert torch.equal(torch.stack(runs[0]), torch.stack(runs[1]))


def test_a_diverged_environment_is_written_down_and_restarted(
    grasp_set: GraspSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = _build(grasp_set, tmp_path)
    environment.reset()
    read = environment.world.joint_velocity

    def broken() -> torch.Tensor:
        velocity = read()
        velocity[2] = float("nan")
        return velocity

    monkeypatch.setattr(environment.world, "joint_velocity", broken)
    result = environment.step(_zeros(environment))
    assert result.done.tolist() == [False, False, True, False]
    assert not result.dropped.any() and bool(torch.isfinite(result.reward).all())
    monkeypatch.undo()
    assert len(list(tmp_path.glob("non_finite_*.npz"))) == 1
    assert bool(torch.isfinite(environment.step(_zeros(environment)).reward).all())


def test_objects_are_dealt_out_in_blocks(grasp_set: GraspSet) -> None:
    small = replace(grasp_set.object, size=(0.05, 0.05, 0.05))
    context = EnvironmentContext(hand=RIGHT, engine="mujoco", environments=N)
    config = AnyGraspConfig(objects=(grasp_set.object, small))
    environment = AnyGraspEnvironment(
        context, config, grasps=[grasp_set, replace(grasp_set, object=small)]
    )
    environment.reset()
    assert environment.owners.tolist() == [0, 0, 1, 1]
    assert environment.object_size[:, 0].tolist() == pytest.approx([0.06, 0.06, 0.05, 0.05])
    assert environment.goal_row[:2].max() < len(grasp_set) <= environment.goal_row[2:].min()


def test_unknown_or_hopeless_gravity_is_refused(grasp_set: GraspSet) -> None:
    with pytest.raises(InputError, match="no gravity 'sideways'"):
        _build(grasp_set, gravity=("sideways",))
    grasp_set.holds[:, 1] = False
    with pytest.raises(InputError, match="survives gravity palm_down"):
        _build(grasp_set, gravity=("palm_down",))


def test_roll_out_counts_and_corruption(grasp_set: GraspSet) -> None:
    environment = _build(grasp_set)
    seen: list[torch.Tensor] = []

    def corrupt(action: torch.Tensor) -> torch.Tensor:
        seen.append(action)
        return action * 0.0

    counts = roll_out(
        environment, lambda observation: 9.0 * torch.ones(N, 16), 1.0, corrupt=corrupt
    )
    assert counts["seconds"] == pytest.approx(1.0 * N)
    assert len(seen) == 10 and float(seen[0].max()) == 1.0


def test_evaluation_goes_through_the_directions(grasp_set: GraspSet) -> None:
    def factory(context: EnvironmentContext, config: AnyGraspConfig) -> AnyGraspEnvironment:
        return AnyGraspEnvironment(context, config, grasps=[grasp_set])

    options = EvaluationOptions(
        engine="mujoco",
        environments=N,
        seconds=2.0,
        episode_seconds=1.0,
        gravity=("palm_up", "palm_down"),
    )
    open_hand = lambda observation: -torch.ones(N, 16)  # noqa: E731
    up, down = evaluate_policy(open_hand, RIGHT, AnyGraspConfig(), factory, options)
    assert (up.gravity, down.gravity) == ("palm_up", "palm_down")
    assert down.drops > 0
    assert down.shortest < down.time_to_drop < down.longest
    assert down.time_to_drop == pytest.approx(down.seconds / down.drops)
    assert down.trials >= down.drops
    assert down.dropped_share == pytest.approx(down.drops / down.trials)
    assert down.measures == {}


def test_a_policy_for_other_observations_is_refused(grasp_set: GraspSet) -> None:
    environment = _build(grasp_set)
    policy = make_policy(observations=7, skill="other")
    with pytest.raises(InputError, match="weights for 7 observations; this skill has 149"):
        roll_out(environment, policy, 1.0)
