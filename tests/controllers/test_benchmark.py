"""Collection and benchmark on four simulated hands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from dexgen_app.learn.environment import EnvironmentContext
from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.learn.policy import Policy
from dexgen_app.learn.transitions import TransitionFormat, TransitionStore, TransitionWriter
from dexgen_app.spec import ObjectSpec
from dexgen_controller_dexgen.benchmark import (
    Cell,
    format_seeds,
    format_table,
    pool_cells,
    run_cell,
)
from dexgen_controller_dexgen.collection import CollectionConfig, Collector
from dexgen_controller_dexgen.commanders import (
    CORRUPTIONS,
    ClipCommander,
    RandomCommander,
    SpoiledExpert,
)
from dexgen_controller_dexgen.optimisation import TrainingConfig
from dexgen_controller_dexgen.parameters import MODES
from dexgen_controller_dexgen.plot import plot_cells
from dexgen_controller_dexgen.policy import GuidedPolicy
from dexgen_controller_dexgen.training import Trainer
from dexgen_hand_allegro.spec import RIGHT
from dexgen_skill_anygrasp.config import AnyGraspConfig
from dexgen_skill_anygrasp.environment import AnyGraspEnvironment
from tests.policies import make_policy

N = 4


@pytest.fixture
def environment() -> AnyGraspEnvironment:
    joints = torch.tensor(RIGHT.grasp).repeat(12, 1)
    joints += 0.05 * torch.randn(joints.shape, generator=torch.Generator().manual_seed(0))
    lower, upper = torch.tensor(RIGHT.limits, dtype=torch.float32)
    joints = joints.clamp(lower, upper)
    pose = torch.zeros(12, 7)
    pose[:, :3] = torch.tensor(RIGHT.grasp_center) + 0.01 * torch.rand(12, 3)
    pose[:, 3] = 1.0
    grasps = GraspSet(
        hand=RIGHT.id,
        joint_names=RIGHT.joint_names,
        object=ObjectSpec(),
        joints=joints,
        targets=joints.clone(),
        object_pose=pose,
        holds=torch.ones(12, 6, dtype=torch.bool),
        info={},
    )
    context = EnvironmentContext(hand=RIGHT, engine="mujoco", environments=N, seed=1)
    return AnyGraspEnvironment(context, AnyGraspConfig(), grasps=[grasps])


@pytest.fixture
def expert(environment: AnyGraspEnvironment) -> Policy:
    """An expert that does nothing: it keeps the grasp."""
    size = environment.reset()["policy"].shape[1]
    return make_policy(size)


def test_corruptions_are_those_of_the_paper() -> None:
    random = torch.Generator().manual_seed(0)
    action = torch.full((4000, 16), 0.5)
    added = CORRUPTIONS["add1.5"](action, random)
    assert float(added.max()) == 1.0
    assert float(added.min()) == pytest.approx(-1.0, abs=0.01)
    scaled = CORRUPTIONS["mul0.5"](action, random)
    assert float(scaled.min()) >= 0.0 and float(scaled.max()) <= 0.25
    assert float(scaled.std(dim=1).max()) == 0.0
    assert float(scaled.mean()) == pytest.approx(0.125, abs=0.01)
    torch.testing.assert_close(CORRUPTIONS["none"](action, random), action)


def test_chance_drops_sooner_than_stillness(environment, expert: Policy) -> None:
    still = run_cell(
        environment, SpoiledExpert(expert, CORRUPTIONS["none"], 0), name="none", seconds=40.0
    )
    chance = run_cell(environment, RandomCommander(0), name="random", seconds=40.0)
    assert still.seconds == pytest.approx(40.0)
    assert chance.drops > still.drops
    assert chance.interval[0] < chance.time_to_drop < chance.interval[1]
    assert chance.cosine > 0.3
    assert chance.hands == N and chance.goals_interval is not None


def test_a_skill_that_does_not_tell_whose_goals_it_counts_has_no_interval(
    environment, expert: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add_goals(reached: torch.Tensor) -> None:
        environment.add("goals", 1.0)

    monkeypatch.setattr(environment, "add_goals", add_goals)
    cell = run_cell(environment, RandomCommander(0), name="random", seconds=8.0)
    assert cell.goals > 0 and cell.goals_interval is None


def test_the_controller_can_be_in_the_loop(environment, expert, store, tmp_path) -> None:
    trainer = Trainer(store, RIGHT, tmp_path / "run", TrainingConfig(steps=2, batch=16))
    cell = run_cell(
        environment,
        SpoiledExpert(expert, CORRUPTIONS["add1.5"], 0),
        name="add1.5",
        seconds=8.0,
        policy=GuidedPolicy(trainer.model, N),
        strength=300.0,
    )
    assert cell.controller == "dexgen"
    assert cell.seconds == pytest.approx(8.0)


def test_a_clip_is_followed(environment, expert: Policy) -> None:
    wanted = torch.tensor(RIGHT.home).repeat(5, 1)
    commander = ClipCommander(wanted, N, seed=0)
    observation = environment.reset()["policy"]
    before = (environment.target - wanted[0]).abs().sum()
    environment.apply_action(commander.act(environment, observation))
    assert (environment.target - wanted[0]).abs().sum() < before


def test_collected_rows_are_consistent(environment, expert, tmp_path: Path) -> None:
    writer = TransitionWriter(tmp_path, TransitionFormat.of(RIGHT, 0.1, ("default",)), {})
    config = CollectionConfig(burst_rate=0.2)
    Collector(environment, expert, writer, config).collect(400, lambda _: None, every=30)
    store = TransitionStore(tmp_path, verify=True)
    assert len(store) >= 400
    assert 0.3 < store.column("clean").mean() < 0.95
    rows = store.windows(1, 1, clean=False)
    following, next_target = store.gather("target", rows + 1), store.gather("next_target", rows)
    np.testing.assert_allclose(following, next_target, atol=1e-6)
    clean = store.windows(1, 1, clean=True)
    still = store.gather("next_target", clean) - store.gather("target", clean)
    np.testing.assert_allclose(still, 0.0, atol=1e-6)


def test_detours_are_taken_and_marked(
    environment, expert, store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(store, RIGHT, tmp_path / "run", TrainingConfig(steps=2, batch=16))
    writer = TransitionWriter(tmp_path / "d", TransitionFormat.of(RIGHT, 0.1, MODES), {})
    config = CollectionConfig(burst_rate=0.0, detour_rate=0.3, detour_steps=5)
    seen, sample = set(), trainer.model.sample_motion
    monkeypatch.setattr(
        trainer.model,
        "sample_motion",
        lambda state, mode, *more, **named: (
            seen.update(mode.tolist()) or sample(state, mode, *more, **named)
        ),
    )
    detour = GuidedPolicy(trainer.model, N)
    collector = Collector(environment, expert, writer, config, mode=1, detour=detour)
    collector.collect(200, print, every=30)
    assert seen == {1}
    made = TransitionStore(tmp_path / "d")
    moved = np.abs(made.column("next_target") - made.column("target")).max(axis=1)
    clean = made.column("clean")[:, 0] == 1
    assert 0.05 < clean.mean() < 0.95
    assert moved[clean].max() < 1e-6
    assert moved[~clean].max() > 1e-4


def test_tables_and_plots_are_written(tmp_path: Path) -> None:
    common = {"commander": "add1.5", "goals": 30, "cosine": 0.2}
    cells = [
        Cell(controller="raw", strength=0.0, seconds=1200.0, drops=300, **common),
        Cell(controller="dexgen", strength=0.0, seconds=1200.0, drops=4, **common),
        Cell(controller="dexgen", strength=1000.0, seconds=1200.0, drops=0, **common),
    ]
    table = format_table(cells)
    assert "| add1.5 | raw | - | 4.0 (3.6-4.5) | - | 300 | 1.5 | 0.20 |" in table
    assert "| 300.0 (117.2-1101.1) | 75.0 (29.0-277.1) |" in table.splitlines()[3]
    assert "| inf (325.3-inf) | inf (80.8-inf) | 0 |" in table
    assert json.loads(json.dumps(cells[2].as_dict()))["time_to_drop"] is None
    plot_cells(cells, tmp_path / "sweep.png")
    assert (tmp_path / "sweep.png").stat().st_size > 5000


def test_goals_have_an_interval_from_how_hands_differ() -> None:
    # Two runs of four hands, 60 s each hand, with 3, 5, 3, 5 and 11, 13, 11, 13 goals.
    common = {"commander": "add1.5", "controller": "raw", "strength": 0.0, "cosine": 0.2}
    common |= {"seconds": 240.0, "drops": 9, "hands": 4, "goals_variance": 4 * 4 / 3}
    (cell,) = pool_cells(
        [Cell(goals=16, seeds=(0,), **common), Cell(goals=48, seeds=(1,), **common)]
    )
    # 2.447: the 97.5 % quantile of Student's t with 6 degrees of freedom.
    reach = 2.447 * (8 * 4 / 3) ** 0.5 / 8.0
    assert cell.goals_interval == pytest.approx((8.0 - reach, 8.0 + reach), abs=1e-3)
    assert "| 18 | 8.0 (7.0-9.0) | 0.20 |" in format_table([cell])


def test_one_hand_tells_no_spread(tmp_path: Path) -> None:
    figures = {"seconds": 60.0, "drops": 1, "goals": 7, "cosine": 0.2, "strength": 0.0}
    cell = Cell(commander="add1.5", controller="dexgen", hands=1, **figures)
    assert cell.goals_interval is None
    assert "| 1 | 7.0 | 0.20 |" in format_table([cell])
    plot_cells([cell], tmp_path / "sweep.png")
    assert (tmp_path / "sweep.png").stat().st_size > 5000


def test_seeds_are_counted_together_and_told_apart() -> None:
    def cell(seed: int, controller: str, drops: int, cosine: float) -> Cell:
        return Cell(
            commander="add1.5",
            controller=controller,
            strength=0.0,
            seconds=600.0,
            drops=drops,
            goals=60,
            cosine=cosine,
            seeds=(seed,),
            measures={"turn_speed [rad/s]": 0.1 * drops},
        )

    cells = [
        cell(0, "raw", 100, 0.5),
        cell(0, "dexgen", 2, 0.1),
        cell(1, "raw", 140, 0.7),
        cell(1, "dexgen", 4, 0.3),
    ]
    raw, guided = pool_cells(cells)
    assert (raw.controller, raw.drops, raw.seconds, raw.seeds) == ("raw", 240, 1200.0, (0, 1))
    assert guided.time_to_drop == 200.0 and guided.cosine == pytest.approx(0.2)
    table = format_table([raw, guided])
    assert "| 200.0 (91.9-545.0) | 40.0" in table and table.splitlines()[0].endswith("[rad/s] |")
    assert guided.measures == {"turn_speed [rad/s]": pytest.approx(0.3)}
    lines = format_seeds(cells).splitlines()
    assert lines[2] == "| add1.5 | raw | - | 6.0, 6.0 | 4.3, 6.0 |"
    assert lines[3] == "| add1.5 | dexgen | 0 | 300.0, 6.0 | 150.0, 6.0 |"
