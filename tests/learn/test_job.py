"""Training jobs: two worker processes, checkpoints, resume, requests, the command line."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dexgen_app.__main__ import main
from dexgen_app.errors import DexgenError, InputError
from dexgen_app.learn.checkpoint import load_checkpoint
from dexgen_app.learn.config import to_plain
from dexgen_app.learn.environment import EnvironmentContext
from dexgen_app.learn.grasp_set import grasp_path, save_grasps
from dexgen_app.learn.job import JobConfig, run_job
from dexgen_app.learn.policy import load_policy, save_policy
from dexgen_app.learn.ppo import PpoConfig, PpoLearner
from dexgen_app.learn.run_folder import RunFolder, list_runs
from dexgen_app.learn.vector import make_batch
from dexgen_app.plugins import PluginRegistry
from dexgen_app.spec import ObjectSpec
from dexgen_hand_allegro.spec import RIGHT
from dexgen_skill_anygrasp.config import AnyGraspConfig
from dexgen_skill_anygrasp.environment import AnyGraspEnvironment
from tests.learn.conftest import make_grasp_set

SMALL = PpoConfig(horizon=2, epochs=1, batches=2, hidden=(8,))
CONFIG = JobConfig(
    skill="anygrasp",
    hand="allegro",
    engine="mujoco",
    steps=16,
    environments=4,
    processes=1,
    checkpoint_steps=8,
    ppo=SMALL,
    environment=to_plain(AnyGraspConfig()),
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the tests a cache of their own, with grasps in it."""
    monkeypatch.setenv("DEXGEN_HOME", str(tmp_path))
    save_grasps(grasp_path(RIGHT, ObjectSpec()), make_grasp_set())
    return tmp_path


@pytest.fixture(scope="module")
def registry() -> PluginRegistry:
    return PluginRegistry.load(safe_mode=True)


def _train(
    name: str, registry: PluginRegistry, config: JobConfig, resume: bool = False
) -> RunFolder:
    folder = RunFolder.named(name)
    if not resume:
        folder.create(to_plain(config))
    run_job(folder, config, registry, resume=resume, report=lambda line: None)
    return folder


def test_a_run_leaves_checkpoints_policies_metrics_and_progress(registry: PluginRegistry) -> None:
    folder = _train("first", registry, CONFIG)
    assert [p.stem for p in folder.checkpoints()] == ["step_00000000008", "step_00000000016"]
    rows = folder.rows("metrics.jsonl")
    assert [row["steps"] for row in rows] == [8, 16]
    assert {"reward", "goals_per_minute", "time_to_drop", "divergence"} <= set(rows[0])
    progress = folder.read_json("progress.json")
    assert progress is not None
    assert (progress["state"], progress["done"], progress["total"]) == ("done", 16, 16)
    assert list(folder.path.glob("events.out.tfevents.*"))
    policy = load_policy(folder.policies()[-1], hand=RIGHT, skill="anygrasp")
    assert policy.info["steps"] == 16
    assert [run.path.name for run in list_runs()] == ["first"]


def test_resume_goes_on_from_the_last_readable_checkpoint(registry: PluginRegistry) -> None:
    folder = _train("second", registry, CONFIG)
    folder.checkpoints()[-1].write_bytes(b"cut short by a kill")
    with (folder.path / "metrics.jsonl").open("a") as file:
        file.write('{"steps": 24, "rew')
    _train("second", registry, replace(CONFIG, steps=24), resume=True)
    assert load_checkpoint(folder.checkpoints()[-1])["steps"] == 24
    assert [row["steps"] for row in folder.rows("metrics.jsonl")][-1] == 24


def test_a_run_that_starts_from_a_policy_teaches_the_critic_first(
    registry: PluginRegistry,
) -> None:
    start = _train("teacher", registry, CONFIG).policies()[-1]
    ppo = replace(SMALL, critic_iterations=1)
    config = replace(CONFIG, start_from=str(start), ppo=ppo, seed=3)
    policies = _train("pupil", registry, config).policies()
    teacher, early, late = (load_policy(path) for path in (start, *policies))
    for old, kept, learned in zip(teacher.weights, early.weights, late.weights):
        assert torch.equal(old, kept) and not torch.equal(old, learned)
    # On the same skill its view of the observations stays too, or it would act differently.
    for policy in (early, late):
        assert torch.equal(policy.mean, teacher.mean)
        assert torch.allclose(policy.std, teacher.std)


@pytest.mark.parametrize("keep", [False, True])
def test_the_view_of_another_skills_policy_stays_if_it_is_told_to(
    registry: PluginRegistry, tmp_path: Path, keep: bool
) -> None:
    teacher = load_policy(_train("teacher", registry, CONFIG).policies()[-1])
    start = tmp_path / "another_skill.safetensors"
    save_policy(start, replace(teacher, skill="rotate"))
    ppo = replace(SMALL, critic_iterations=1, keep_statistics=keep)
    config = replace(CONFIG, start_from=str(start), ppo=ppo, seed=3)
    pupil = load_policy(_train("pupil", registry, config).policies()[-1])
    assert torch.equal(pupil.mean, teacher.mean) == keep


def test_a_policy_with_other_layers_is_refused(registry: PluginRegistry) -> None:
    start = _train("teacher", registry, CONFIG).policies()[-1]
    config = replace(CONFIG, start_from=str(start), ppo=replace(SMALL, hidden=(16,)))
    with pytest.raises(InputError, match="other layers"):
        _train("pupil", registry, config)


def test_a_resumed_learner_equals_the_one_that_was_saved() -> None:
    context = EnvironmentContext(hand=RIGHT, engine="mujoco", environments=4, seed=1)

    def build() -> PpoLearner:
        torch.manual_seed(5)
        config = replace(SMALL, bound_epochs=1)
        return PpoLearner(AnyGraspEnvironment(context, AnyGraspConfig()), config)

    first = build()
    first.iterate()
    state = first.state()
    second = build()
    second.load_state(state)
    again = second.state()
    assert again["learning_rate"] == state["learning_rate"]
    for part in ("actor_state_dict", "critic_state_dict"):
        for name, value in state["algorithm"][part].items():
            assert torch.equal(value, again["algorithm"][part][name]), name
    moments = state["algorithm"]["optimizer_state_dict"]["state"]
    for index, entry in again["algorithm"]["optimizer_state_dict"]["state"].items():
        assert torch.equal(entry["exp_avg_sq"], moments[index]["exp_avg_sq"])
    bounding = state["bound_optimizer"]["state"]
    assert bounding
    for index, entry in again["bound_optimizer"]["state"].items():
        assert torch.equal(entry["exp_avg_sq"], bounding[index]["exp_avg_sq"])
    # From the same state, the same data teaches the same: the next iteration agrees.
    reports = []
    for _ in range(2):
        learner = build()
        learner.load_state(state)
        reports.append(learner.iterate())
    assert reports[0].losses == reports[1].losses


@pytest.mark.parametrize("epochs", [0, 40])
def test_means_beyond_the_range_are_drawn_into_it(epochs: int) -> None:
    context = EnvironmentContext(hand=RIGHT, engine="mujoco", environments=4, seed=1)
    # With these rates PPO itself changes next to nothing.
    rates = {"learning_rate": 1e-9, "critic_learning_rate": 1e-9, "target_divergence": 1e-9}
    learner = PpoLearner(
        AnyGraspEnvironment(context, AnyGraspConfig()),
        replace(SMALL, bound_epochs=epochs, **rates),
    )
    state = learner.state()
    bias = state["algorithm"]["actor_state_dict"]["mlp.2.bias"]
    bias[0], bias[1] = 1.2, 0.5
    learner.load_state(state, weights_only=True)
    for _ in range(4):
        learner.iterate()
    high, within = learner.actor_state["mlp.2.bias"][:2].tolist()
    assert within == pytest.approx(0.5, abs=0.02)
    assert high < 1.19 if epochs else high == pytest.approx(1.2, abs=1e-3)


def test_two_processes_step_as_one_batch() -> None:
    context = EnvironmentContext(hand=RIGHT, engine="mujoco", environments=4, seed=1)
    batch = make_batch(AnyGraspEnvironment, context, AnyGraspConfig(), 2)
    try:
        observations = batch.reset()
        halves = observations["policy"][:2], observations["policy"][2:]
        assert not torch.equal(*halves)
        result = batch.step(torch.zeros(4, 16))
        assert result.observations["policy"].shape == observations["policy"].shape
        assert result.reward.shape == (4,) and result.done.dtype == torch.bool
        assert batch.drain_counts()["steps"] == 4
        alone = AnyGraspEnvironment(replace(context, environments=2), AnyGraspConfig())
        alone.reset()  # a worker resets once to tell the sizes of its observations
        assert torch.allclose(alone.reset()["policy"], halves[0])
    finally:
        batch.close()
    batch.close()


def test_workers_that_cannot_start_or_die_are_reported(home: Path) -> None:
    context = EnvironmentContext(hand=RIGHT, engine="mujoco", environments=4, seed=1)
    with pytest.raises(InputError, match="shared by 3 processes"):
        make_batch(AnyGraspEnvironment, context, AnyGraspConfig(), 3)
    batch = make_batch(AnyGraspEnvironment, context, AnyGraspConfig(), 2)
    try:
        batch.reset()
        batch._workers[1].kill()
        with pytest.raises(DexgenError, match="worker died"):
            for _ in range(3):
                batch.step(torch.zeros(4, 16))
    finally:
        batch.close()
    grasp_path(RIGHT, ObjectSpec()).unlink()
    with pytest.raises(InputError, match="no such grasp set"):
        make_batch(AnyGraspEnvironment, context, AnyGraspConfig(), 2)


def test_a_requested_stop_saves_and_ends(registry: PluginRegistry) -> None:
    folder = RunFolder.named("third")
    folder.create(to_plain(CONFIG))
    folder.set_request("stop")
    run_job(folder, CONFIG, registry, report=lambda line: None)
    progress = folder.read_json("progress.json")
    assert progress is not None and (progress["state"], progress["done"]) == ("stopped", 0)


def test_a_pause_saves_and_waits(registry: PluginRegistry) -> None:
    folder = RunFolder.named("paused")
    folder.create(to_plain(CONFIG))
    folder.set_request("pause")
    told: list[str] = []

    def report(line: str) -> None:
        told.append(line)
        if line.startswith("paused"):
            progress = folder.read_json("progress.json")
            assert progress is not None and progress["state"] == "paused"
            folder.set_request("")

    run_job(folder, CONFIG, registry, report=report)
    assert sum(line.startswith("paused") for line in told) == 1
    assert told[-1].startswith("done")


def test_checkpoints_are_evaluated_on_request(registry: PluginRegistry) -> None:
    config = replace(CONFIG, steps=8, evaluate_seconds=0.2)
    rows = _train("evaluated", registry, config).rows("evaluations.jsonl")
    assert [(row["steps"], row["gravity"]) for row in rows] == [(8, "palm_up")]
    assert rows[0]["seconds"] == pytest.approx(64 * 0.2)


def test_a_full_disk_is_told_and_nothing_is_lost(
    registry: PluginRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _train("full", registry, CONFIG)

    def fail(descriptor: int) -> None:
        if "step_" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("dexgen_app.files.os.fsync", fail)
    with pytest.raises(
        InputError, match=r"No space left on device.*checkpoint before it is intact"
    ):
        _train("full", registry, replace(CONFIG, steps=24), resume=True)
    names = [p.name for p in (folder.path / "checkpoints").iterdir()]
    assert sorted(names) == ["step_00000000008.safetensors", "step_00000000016.safetensors"]
    assert load_checkpoint(folder.checkpoints()[-1])["steps"] == 16


def test_a_run_is_not_overwritten() -> None:
    folder = RunFolder.named("fourth")
    folder.create({})
    with pytest.raises(InputError, match="such a run already"):
        folder.create({})
    with pytest.raises(InputError, match="no such run"):
        RunFolder.named("fifth").config()


def test_command_line(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["dexgen-app", "train", "--set", "reward.drop=7"])
    common = ["--safe-mode", "train", "anygrasp", "--run", "sixth"]
    small = ["--environments", "4", "--processes", "1", "--set", "ppo.horizon=2"]
    assert main([*common, *small, "--steps", "8", "--set", "reward.drop=7"]) == 0
    config = json.loads((home / "data" / "runs" / "sixth" / "config.json").read_text())
    assert config["environment"]["reward"]["drop"] == 7.0
    assert config["ppo"]["horizon"] == 2
    assert "--set reward.drop=7" in config["command"]
    assert main([*common, *small, "--steps", "8"]) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*common, "--resume"]) == 0
    assert main(["--safe-mode", "train", "--status"]) == 0
    assert "sixth" in capsys.readouterr().out
    evaluate = ["--evaluate", "--seconds", "0.5", "--environments", "2", "--gravity", "palm_up"]
    assert main([*common, *evaluate]) == 0
    assert "goals a minute" in capsys.readouterr().out
    assert main(["--safe-mode", "train", "anygrasp", "--set", "colour=red"]) == 2
    assert "no field colour" in capsys.readouterr().err
