"""Builds whose commands are played: budget, gates, kills at every point, the model card."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from dexgen_app.__main__ import main
from dexgen_app.errors import DexgenError, InputError
from dexgen_app.learn.evaluate import EvaluationResult
from dexgen_app.learn.policy import save_policy
from dexgen_app.learn.run_folder import RunFolder
from dexgen_controller_dexgen.benchmark import Cell
from dexgen_controller_dexgen.benchmark_folder import BenchmarkFolder
from dexgen_controller_dexgen.building import ledger as ledger_module
from dexgen_controller_dexgen.building import stages
from dexgen_controller_dexgen.building.commands import run_command
from dexgen_controller_dexgen.building.gates import (
    GateError,
    find_faults,
    require_data,
    require_expert,
)
from dexgen_controller_dexgen.building.ledger import Ledger
from dexgen_controller_dexgen.commands.learn_risk import CORRUPTIONS
from dexgen_controller_dexgen.model import ControllerModel
from dexgen_controller_dexgen.optimisation import TrainingConfig
from dexgen_controller_dexgen.training import Trainer
from dexgen_hand_allegro.spec import RIGHT
from tests.controllers.conftest import sway
from tests.policies import make_policy
from tests.recording.recording_samples import wait_until


def judged(seconds: float = 100.0, goals: float = 10.0) -> list[EvaluationResult]:
    return [
        EvaluationResult(
            gravity=name,
            seconds=960.0,
            drops=3,
            goals=100,
            time_to_drop=seconds - place,
            shortest=50.0,
            longest=200.0,
            goals_per_minute=goals + place,
        )
        for place, name in enumerate(("palm_up", "palm_down"))
    ]


def cells(name: str, times: tuple[float, ...], cosines: tuple[float, ...]) -> list[Cell]:
    common = {"commander": name, "seconds": 600.0, "goals": 50}
    guided = [
        Cell(controller="dexgen", strength=1000.0 * i, drops=int(600 / t), cosine=c, **common)
        for i, (t, c) in enumerate(zip(times[1:], cosines[1:]))
    ]
    raw = Cell(
        controller="raw", strength=0.0, drops=int(600 / times[0]), cosine=cosines[0], **common
    )
    return [raw, *guided]


SECONDS = {"grasps": 60.0, "train": 400.0, "dataset": 400.0, "distill": 400.0}
SECONDS |= {"learn-risk": 100.0, "bench": 50.0}


class Player:
    """Plays the commands of a build: writes what they would write, while time passes."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.limits: dict[str, float] = {}
        self.killed_at = -1
        self.good = True
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def __call__(
        self,
        words: list[str],
        *,
        tick: Callable[[], None],
        seconds: float = float("inf"),
        overtime: Callable[[], None] = lambda: None,
    ) -> float:
        if len(self.commands) == self.killed_at:
            self.killed_at = -1
            raise KeyboardInterrupt
        self.commands.append(words)
        self.limits[words[0]] = seconds
        self.now += SECONDS[words[0]]
        tick()
        getattr(self, words[0].replace("-", "_"))(words)
        return SECONDS[words[0]]

    def grasps(self, words: list[str]) -> None:
        pass

    def train(self, words: list[str]) -> None:
        run = RunFolder.named(words[words.index("--run") + 1])
        if "--resume" not in words:
            run.create({"skill": "anygrasp"})
        # Only a phase that starts from a policy keeps the statistics of the observations.
        early = 0.0 if "--start-from" in words or "--resume" in words else 1.0
        save_policy(run.policy_path(50), make_policy(mean=torch.full((3,), early)))
        save_policy(run.policy_path(100), make_policy())
        run.checkpoint_path(100).write_text("")
        run.append("metrics.jsonl", {"steps": 100, "reward": 1.0, "time_to_drop": 3.0})

    def dataset(self, words: list[str]) -> None:
        part = Path(words[2]) / "part-0"
        have = len(list(part.glob("*.arrow")))
        sway(part, episodes=80, seed=have)

    def distill(self, words: list[str]) -> None:
        from dexgen_app.learn.transitions import TransitionStore

        data, work = Path(words[1]), Path(words[words.index("--work") + 1])
        trainer = Trainer(TransitionStore(data), RIGHT, work, TrainingConfig(steps=1, batch=16))
        trainer.model.save(Path(words[words.index("--out") + 1]))
        rows = [{"stage": s, "step": i, "loss": 0.5} for s in ("prior", "inverse") for i in (1, 2)]
        (work / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def learn_risk(self, words: list[str]) -> None:
        notes = {f"risk_rank_{name}": "0.900 (1 s before)" for name in CORRUPTIONS}
        model = ControllerModel.load(Path(words[1]))
        model.save(Path(words[words.index("--out") + 1]), notes)

    def bench(self, words: list[str]) -> None:
        out = BenchmarkFolder(Path(words[words.index("--out") + 1]), {})
        measured = cells("add1.5", (3.0, 60.0, 30.0), (0.9, 0.1, 0.3 if self.good else 0.05))
        for cell in measured:
            out.add(cell, "bench")
        out.finish(measured, "bench")


@pytest.fixture
def player(monkeypatch: pytest.MonkeyPatch) -> Player:
    made = Player()
    clock = argparse.Namespace(monotonic=made.monotonic)
    monkeypatch.setattr(stages, "time", clock)
    monkeypatch.setattr(ledger_module, "time", clock)
    monkeypatch.setattr(stages, "run_command", made)
    plan = {"prior": 300, "inverse": 200, "bfloat16": 1}
    monkeypatch.setattr(stages.Stages, "_plan_steps", lambda self, seconds: plan)
    return made


@pytest.fixture
def expert_holds(monkeypatch: pytest.MonkeyPatch) -> list[EvaluationResult]:
    found = judged()
    monkeypatch.setattr("dexgen_app.learn.evaluate.evaluate_policy", lambda *_, **__: iter(found))
    return found


BUILD = ["--safe-mode", "build-controller", "--run", "mine", "--budget", "1h"]


def test_a_build_leaves_weights_card_and_plots(
    player: Player, expert_holds, dexgen_home: Path, capsys
) -> None:
    assert main(BUILD) == 0
    folder = RunFolder.named("mine").path
    kinds = [words[0] for words in player.commands]
    order = ["grasps", "train", "dataset", "distill", "learn-risk", "bench"]
    assert list(dict.fromkeys(kinds)) == order
    assert kinds.count("train") == 5 and kinds.count("distill") == 2 and kinds.count("bench") == 1
    first, *later = (words for words in player.commands if words[0] == "train")
    assert "--start-from" not in first
    for words, before in zip(later, ("mine-palm-up", "mine-all-round", "mine-lively")):
        start = Path(words[words.index("--start-from") + 1])
        assert start.is_relative_to(RunFolder.named(before).path)
    wanted = ("ppo.largest_std=0.25", "reward=lively", "ppo.bound_epochs=1")
    assert all(setting in words for setting, words in zip(wanted, later))
    assert 0 < player.limits["train"] < 3600.0
    data, last = folder / "data", [words for words in player.commands if words[0] == "distill"][-1]
    assert last[1] == str(data) and "--bfloat16" in last
    assert last[last.index("--dynamics-data") + 1] == str(data / "bursts")
    assert sorted(path.name for path in data.iterdir()) == ["bursts", "detours-1"]
    taught, measured = player.commands[-2:]
    assert taught[1] == last[last.index("--out") + 1] != str(folder / "controller.safetensors")
    assert measured[measured.index("--weights") + 1] == taught[taught.index("--out") + 1]
    card = (folder / "card.md").read_text()
    assert "- mul1.0: 0.900 (1 s before)" in card
    assert "none by the benchmark" in card and "| palm_down | 3 | 99 (50-200) | 11.0 |" in card
    assert "| add1.5 | raw | - | 3.0" in card
    for name in ("controller.safetensors", "expert.png", "losses.png", "bench/sweep.png"):
        assert (folder / name).stat().st_size > 1000, name
    assert main(BUILD) == 0  # nothing is done twice
    assert [words[0] for words in player.commands] == kinds
    assert "[dataset] done before" in capsys.readouterr().out


def test_a_build_that_is_killed_before_any_command_goes_on(
    player: Player, expert_holds, dexgen_home: Path, tmp_path: Path
) -> None:
    save_policy(tmp_path / "expert.safetensors", make_policy())
    words = [*BUILD, "--rounds", "0", "--expert", str(tmp_path / "expert.safetensors")]
    assert main([*words, "--run", "whole"]) == 0
    whole = [command[0] for command in player.commands]
    player.commands.clear()
    number = 0
    player.killed_at = 0
    while main(words) == 130:
        assert len(player.commands) == number
        number += 1
        player.killed_at = number
    done = [command[0] for command in player.commands]
    # Nothing is done twice, except that what is left of the rows is collected in other parts.
    once = ("grasps", "distill", "learn-risk", "bench")
    assert [c for c in done if c in once] == [c for c in whole if c in once]
    assert list(dict.fromkeys(done)) == list(dict.fromkeys(whole))
    assert done.count("dataset") <= whole.count("dataset") + 1


def test_a_training_that_was_killed_is_resumed_not_begun_anew(
    player: Player, expert_holds, dexgen_home: Path
) -> None:
    RunFolder.named("mine-palm-up").create({"skill": "anygrasp"})
    assert main(BUILD) == 0
    first = next(words for words in player.commands if words[0] == "train")
    assert "--resume" in first


def test_an_expert_that_drops_stops_the_build_and_a_longer_one_goes_on(
    player: Player, expert_holds, dexgen_home: Path, capsys
) -> None:
    good, expert_holds[:] = list(expert_holds), judged(seconds=20.0)
    assert main(BUILD) == 2
    told = capsys.readouterr().err
    assert "holds the object for 19 s with gravity palm_down" in told and "--budget" in told
    assert not any(words[0] == "dataset" for words in player.commands)
    expert_holds[:] = judged(goals=2.0)
    assert main(BUILD) == 2
    assert "reaches 2.0 goals a minute with gravity palm_up, not 5" in capsys.readouterr().err
    expert_holds[:] = good
    trained = sum(words[0] == "train" for words in player.commands)
    assert main([*BUILD, "--budget", "2h"]) == 0
    again = sum(words[0] == "train" for words in player.commands)
    assert again == trained + 1, "the longer budget trains the expert on"


def test_a_controller_that_does_not_follow_is_a_failure_with_a_card(
    player: Player, expert_holds, dexgen_home: Path, capsys
) -> None:
    player.good = False
    assert main(BUILD) == 2
    assert "does not follow" in capsys.readouterr().err
    assert "- add1.5: it does not follow" in (RunFolder.named("mine").path / "card.md").read_text()


def test_a_build_goes_on_only_as_it_was_begun(
    player: Player, expert_holds, dexgen_home: Path, capsys
) -> None:
    assert main(BUILD) == 0
    assert main([*BUILD, "--seed", "3"]) == 2
    assert "begun with seed 0, not 3" in capsys.readouterr().err
    (RunFolder.named("mine").path / "build.json").write_text("{")
    assert main(BUILD) == 2
    assert "books are damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--budget=-3h"], "must be positive"),
        (["--object", "cone:60"], "unknown shape 'cone'"),
        (["--gravity", "up"], "there is no gravity 'up'"),
        (["--processes", "0"], "no number of processes"),
        (["--environments", "7"], "cannot be shared by 2"),
        (["--expert", "none.safetensors"], "cannot read the weights"),
    ],
)
def test_impossible_builds(dexgen_home: Path, capsys, words: list[str], told: str) -> None:
    assert main([*BUILD, *words]) == 2
    assert told in capsys.readouterr().err
    assert not RunFolder.named("mine").path.exists()


def test_what_is_left_is_shared_out_anew(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "build.json", {"seed": 1})
    shares = {"a": 0.5, "b": 0.25, "c": 0.25}
    assert ledger.allot("a", shares, 1000.0) == 500.0
    ledger._data["spent"] = {"a": 800.0}  # it took longer than planned
    shares.pop("a")
    assert ledger.allot("b", shares, 1000.0) == 100.0
    ledger._data["spent"]["b"] = 60.0  # killed in its middle
    assert ledger.allot("b", shares, 1000.0) == pytest.approx(40.0)
    ledger._data["spent"]["b"] = 500.0
    assert ledger.allot("b", shares, 1000.0) == 0.0


def test_time_is_written_down_as_it_passes(tmp_path: Path) -> None:
    path = tmp_path / "build.json"
    ledger = Ledger(path, {"seed": 1})
    ledger.begin("a")
    ledger.tick()
    before = Ledger(path, {"seed": 1}).spent["a"]
    ledger.tick()
    assert Ledger(path, {"seed": 1}).spent["a"] > before > 0.0
    ledger.finish()
    assert Ledger(path, {"seed": 1}).is_done("a")
    assert ledger.plan("a", {"steps": 5}) == Ledger(path, {"seed": 1}).plan("a") == {"steps": 5}
    assert ledger.plan("a", {"steps": 7}) == {"steps": 5}
    with pytest.raises(InputError, match="begun with seed 1, not 2"):
        Ledger(path, {"seed": 2})


def test_gates(tmp_path: Path) -> None:
    require_expert(judged(), 60.0, 5.0)
    sway(tmp_path / "few", episodes=3)
    with pytest.raises(GateError, match="114 undisturbed windows, fewer than 2,000"):
        require_data(tmp_path / "few")
    good = cells("add1.5", (3.0, 60.0, 30.0), (0.9, 0.1, 0.3))
    assert find_faults(good) == []
    short = cells("add1.5", (30.0, 20.0, 10.0), (0.9, 0.1, 0.3))
    assert "it holds for 20.0 s at best, the command alone for 30.0 s" in find_faults(short)[0]


def test_a_command_that_fails_is_told(capfd) -> None:
    with pytest.raises(DexgenError, match="dexgen-app docter: it ended with status 2"):
        run_command(["docter"], tick=lambda: None)
    assert "Did you mean doctor?" in capfd.readouterr().err


def test_overtime_is_told_again_and_again_until_the_command_ends(tmp_path: Path) -> None:
    told: list[float] = []
    taken = run_command(
        ["plugins", "--json"], tick=lambda: None, seconds=-1.0, overtime=lambda: told.append(1.0)
    )
    assert len(told) <= taken + 1.0
    assert told or taken < 1.5


def test_a_build_in_the_background_takes_its_command_down_with_it(tmp_path: Path) -> None:
    """A script starts ``command &`` with interrupts ignored, and so would be its children."""
    told = tmp_path / "told"
    command = tmp_path / "command"
    command.write_text(
        textwrap.dedent(f"""\
            #!{sys.executable}
            import pathlib, time
            told = pathlib.Path({str(told)!r})
            try:
                told.write_text("begun")
                time.sleep(60.0)
            except KeyboardInterrupt:
                told.write_text("saved")
            """)
    )
    command.chmod(0o755)
    build = (
        "import signal, sys\n"
        "from dexgen_controller_dexgen.building.commands import run_command\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "sys.executable = sys.argv[1]\n"
        "run_command([], tick=lambda: None)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", build, str(command)])
    wait_until(lambda: told.exists() and told.read_text() == "begun", timeout_s=30.0)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: told.read_text() == "saved", timeout_s=30.0)
