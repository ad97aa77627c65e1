"""The stages of a build: grasps, expert, dataset, training, detours, foresight, benchmark."""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dexgen_app.errors import InputError
from dexgen_app.files import replacing
from dexgen_app.spec import GRAVITY_DIRECTIONS
from dexgen_controller_dexgen.benchmark import Cell
from dexgen_controller_dexgen.benchmark_folder import read_cells
from dexgen_controller_dexgen.building.commands import run_command
from dexgen_controller_dexgen.building.gates import require_data, require_expert
from dexgen_controller_dexgen.building.ledger import Ledger
from dexgen_controller_dexgen.commands.bench_cells import PAPER
from dexgen_controller_dexgen.commands.learn_risk import CORRUPTIONS
from dexgen_controller_dexgen.model import read_notes

PALM_UP = "palm_up"
GUIDANCE = ("0", "100", "300", "1000", "3000")
LEAST_ROWS = 5_000
MOST_GRASPS = 8_000
# Guesses of speeds, on one core of a laptop; what is measured replaces that of the rows.
GRASPS_PER_SECOND = 25.0
ROWS_PER_SECOND = 600.0
BENCH_STEPS_PER_SECOND = 200.0
TRIAL_STEPS_PER_SECOND = 700.0
TRIAL_HANDS = 20
RISK_SEEDS = 5
EXPERT_SHARE = 0.5
MOST_DYNAMICS_STEPS = 3000
MOST_PRIOR_STEPS = 40_000
# Means beyond the clipped range would learn nothing.
BOUNDED = ("ppo.bound_epochs=1",)
# A fresh optimiser's first steps at the usual rate would undo what the phase before has learned.
ONWARD = (*BOUNDED, "ppo.learning_rate=1e-4")
LIVELY = (
    "reward=lively",
    "stall_seconds=8",
    "episode_seconds=60",
    "ppo.largest_std=0.15",
    "ppo.smallest_std=0.1",
    "ppo.target_divergence=0.06",
)
STEADY = (
    "reward=steady",
    "stall_seconds=6",
    "episode_seconds=20",
    "retry_share=0.5",
    "ppo.largest_std=0.08",
    "ppo.smallest_std=0.06",
    "ppo.target_divergence=0.06",
)
# In long trials and under noise: who commands through a shaking hand must know ways out.
AWAKE = (
    "reward=steady",
    "episode_seconds=300",
    "disturbance=0.75",
    "stuck_share=0.3",
    "ppo.largest_std=0.1",
    "ppo.smallest_std=0.09",
    "ppo.target_divergence=0.08",
)
# Each policy late in a phase is a noisy step around what the phase has come to.
AVERAGED_POLICIES = 6
# Rows near all grasps, as far as collection goes: long episodes would stay in few.
COLLECTED_EPISODES = "episode_seconds=20"


@dataclass(frozen=True)
class Stage:
    """A stage: its name, its share of the budget and what it does within so many seconds."""

    name: str
    share: float
    work: Callable[[float], None]


@dataclass(frozen=True)
class Phase:
    """A part of the expert's training: its name, its share of that time, what it changes."""

    name: str
    share: float
    settings: tuple[str, ...]


def expert_phases(gravity: tuple[str, ...]) -> list[Phase]:
    """Return how an expert learns: palm-up, gravity from everywhere, lively, steady, awake.

    Args:
        gravity: The directions that it is meant for.
    """
    if gravity == (PALM_UP,):
        return [
            Phase("palm-up", 0.4, BOUNDED),
            Phase("lively", 0.2, (*ONWARD, *LIVELY)),
            Phase("steady", 0.2, (*ONWARD, *STEADY)),
            Phase("awake", 0.2, (*ONWARD, *AWAKE)),
        ]
    everywhere = (*ONWARD, "gravity_tilt=0.6", f"gravity={json.dumps([PALM_UP, *gravity])}")
    return [
        Phase("palm-up", 0.28, BOUNDED),
        Phase("all-round", 0.16, (*everywhere, "ppo.largest_std=0.25")),
        Phase("lively", 0.18, (*everywhere, *LIVELY)),
        Phase("steady", 0.16, (*everywhere, *STEADY)),
        Phase("awake", 0.22, (*everywhere, *AWAKE)),
    ]


class Stages:
    """What each stage of a build does.

    Args:
        args: The command's options.
        folder: The build's folder.
        ledger: Its books.
    """

    def __init__(self, args: argparse.Namespace, folder: Path, ledger: Ledger) -> None:
        self._args, self._folder, self._ledger = args, folder, ledger
        self.expert = args.expert or folder / "expert.safetensors"
        self.trained = folder / "trained.safetensors"
        self.model = folder / "controller.safetensors"
        self.data = folder / "data"
        self.bursts = self.data / "bursts"
        self.bench = folder / "bench"
        self._gravity = tuple(args.gravity or GRAVITY_DIRECTIONS)

    def all(self) -> list[Stage]:
        """Return the stages in order."""
        found = [Stage("grasps", 0.06, self._make_grasps)]
        if self._args.expert:
            found.append(Stage("expert", 0.02, self._judge_expert))
        else:
            *early, last = self.phases()
            before = ""
            for phase in early:
                work = partial(self._train_expert, phase, before)
                found.append(Stage(f"expert-{phase.name}", EXPERT_SHARE * phase.share, work))
                before = phase.name
            work = partial(self._finish_expert, last, before)
            found.append(Stage("expert", EXPERT_SHARE * last.share, work))
        found.append(Stage("dataset", 0.11, self._collect))
        rounds = self._args.rounds
        for index in range(rounds + 1):
            if index:
                detours = f"detours-{index}"
                found.append(Stage(detours, 0.1, partial(self._collect_detours, detours)))
            name = f"train-{index}" if index else "train"
            # Those before the last only have to lead astray.
            share = 0.18 if index == rounds else 0.05
            found.append(Stage(name, share, partial(self._train, name)))
        found.append(Stage("foresight", 0.06, self._learn_risk))
        found.append(Stage("bench", 0.06, self._measure))
        return found

    def phases(self) -> list[Phase]:
        """Return the phases of the expert's training."""
        return expert_phases(self._gravity)

    def cells(self) -> list[Cell]:
        """Return the benchmark's cells."""
        return read_cells(self.bench)

    def _run(self, *words: str, **watch: Any) -> float:
        return run_command(list(words), tick=self._ledger.tick, **watch)

    def _common(self) -> list[str]:
        args = self._args
        return ["--processes", str(args.processes), "--seed", str(args.seed)]

    # Grasps and expert --------------------------------------------------------------------------

    def _make_grasps(self, seconds: float) -> None:
        args = self._args
        count = int(GRASPS_PER_SECOND * seconds / len(args.object))
        for item in args.object:
            words = ["grasps", "make", "--hand", args.hand, "--object", item]
            words += ["--count", str(min(MOST_GRASPS, max(count, 300)))]
            self._run(*words, "--seed", str(args.seed))

    def _finish_expert(self, phase: Phase, before: str, seconds: float) -> None:
        from dexgen_app.learn.average import average_policies
        from dexgen_app.learn.policy import save_policy

        # In one stage, so that an expert that is not good enough is trained on.
        self._train_expert(phase, before, seconds)
        policies = self._runs(phase.name).policies()
        late = policies[len(policies) // 2 :][-AVERAGED_POLICIES:]
        save_policy(self.expert, average_policies(late))
        self._judge_expert(0.1 * seconds)

    def _runs(self, phase: str) -> Any:
        from dexgen_app.learn.run_folder import RunFolder

        return RunFolder.named(f"{self._args.run}-{phase}")

    def _train_expert(self, phase: Phase, before: str, seconds: float) -> None:
        """Train a phase, which starts with the networks of the phase before, if there is one."""
        args, run = self._args, self._runs(phase.name)
        if (run.path / "config.json").exists():
            words = ["train", "--run", run.path.name, "--resume"]
        else:
            # The time ends it; so many steps are not reached.
            steps = max(1000, int(5000 * seconds * args.processes))
            words = ["train", "anygrasp", "--hand", args.hand, "--run", run.path.name]
            words += ["--steps", str(steps), "--engine", args.engine, *self._common()]
            words += ["--environments", str(args.environments)]
            for item in args.object:
                words += ["--object", item]
            for setting in phase.settings:
                words += ["--set", setting]
            if before:
                words += ["--start-from", str(self._runs(before).checkpoints()[-1])]
        if seconds > 0.0 or not run.policies():

            def end() -> None:
                # Before its first iteration there is nothing that it could save.
                if (run.path / "metrics.jsonl").exists():
                    run.set_request("stop")

            self._run(*words, seconds=0.9 * seconds, overtime=end)
        run.set_request("")
        if not run.policies():
            raise InputError(
                "the expert's training ended before it saved anything",
                where=str(run.path),
                remedy="Give the same command with a longer --budget",
            )
        with replacing(self.expert) as temporary:
            shutil.copyfile(run.policies()[-1], temporary)

    def _judge_expert(self, seconds: float) -> None:
        """Measure the expert; a stage that raises here is not done, and goes on when repeated."""
        from dexgen_app.learn.config import from_plain
        from dexgen_app.learn.evaluate import EvaluationOptions, evaluate_policy
        from dexgen_app.learn.policy import load_policy
        from dexgen_app.plugins import PluginRegistry, load_object

        args, registry = self._args, PluginRegistry.load()
        policy = load_policy(self.expert, hand=registry.find_hand(args.hand))
        skill = registry.find_skill(policy.skill)
        options = EvaluationOptions(
            engine=args.engine,
            environments=32,
            # Most drops are in a trial's first seconds: short trials make an expert look bad.
            seconds=120.0 if seconds > 40.0 else 30.0,
            gravity=self._gravity,
            seed=1000 + args.seed,
        )
        settings = from_plain(load_object(skill.config), policy.config)
        hand = registry.find_hand(policy.hand)
        results = []
        for result in evaluate_policy(
            policy, hand, settings, load_object(skill.environment), options
        ):
            self._ledger.tick()
            results.append(result)
            print(
                f"gravity {result.gravity}: held for {result.time_to_drop:.0f} s "
                f"({result.shortest:.0f} to {result.longest:.0f} s), "
                f"{result.goals_per_minute:.1f} goals a minute",
                flush=True,
            )
        self._ledger.note("expert", [result.as_dict() for result in results])
        require_expert(results, args.least_hold, args.least_goals)

    # Dataset ------------------------------------------------------------------------------------

    def _collect(self, seconds: float) -> None:
        self._make_rows(self.bursts, seconds)
        self._ledger.note("windows", require_data(self.bursts))

    def _collect_detours(self, name: str, seconds: float) -> None:
        self._make_rows(self.data / name, seconds, "--detour", str(self.trained))

    def _make_rows(self, folder: Path, seconds: float, *more: str) -> None:
        """Collect for so long, in parts whose sizes follow from the rate of those before."""
        args, begun, rows = self._args, time.monotonic(), _count_rows(folder)
        rate = float(self._ledger.facts.get("rows_per_second", ROWS_PER_SECOND * args.processes))
        for share in (0.25, 0.9, 0.9):
            left = seconds - (time.monotonic() - begun)
            if rows and left < max(20.0, 0.1 * seconds):
                break
            wanted = max(LEAST_ROWS, int(rate * left * share))
            words = ["dataset", "make", str(folder), "--policy", str(self.expert)]
            words += ["--rows", str(rows + wanted), "--engine", args.engine, *self._common()]
            words += ["--set", COLLECTED_EPISODES, *self._scene()]
            taken = self._run(*words, *more)
            now = _count_rows(folder)
            if now <= rows:
                break
            rate, rows = (now - rows) / taken, now
            self._ledger.note("rows_per_second", rate)
        self._ledger.note("rows", _count_rows(self.data))

    # Training, foresight and benchmark ------------------------------------------------------------

    def _train(self, name: str, seconds: float) -> None:
        args = self._args
        # A training that goes on must end at the step that its learning rate falls to.
        steps = self._ledger.plan(name) or self._ledger.plan(name, self._plan_steps(seconds))
        work = self._folder / name
        words = ["distill", str(self.data), "--out", str(self.trained), "--work", str(work)]
        words += ["--size", args.size, "--threads", str(args.processes), "--seed", str(args.seed)]
        words += ["--steps", str(steps["prior"]), "--inverse-steps", str(steps["inverse"])]
        # On a detour the action follows from the state: dynamics would learn it from there.
        words += ["--dynamics-data", str(self.bursts), *(["--bfloat16"] * steps["bfloat16"])]
        self._run(*words, *(["--mirror", args.mirror] if args.mirror else []))
        for line in (work / "metrics.jsonl").read_text().splitlines():
            row = json.loads(line)
            self._ledger.note(f"{row['stage']}_loss", row["loss"])

    def _plan_steps(self, seconds: float) -> dict[str, int]:
        """Return steps that fit the time and whether bfloat16 is faster, from a few timed ones.

        The forward dynamics take as many steps as the inverse.
        """
        import torch

        from dexgen_controller_dexgen.optimisation import bfloat16_pays

        torch.set_num_threads(self._args.processes)
        kinds = (False, True) if bfloat16_pays() else (False,)
        rates = {half: self._time_steps(bfloat16=half) for half in kinds}
        half = max(rates, key=lambda kind: rates[kind]["prior"])
        rate = rates[half]
        inverse = min(0.18 * seconds * rate["inverse"], MOST_DYNAMICS_STEPS)
        left = 0.86 * seconds - 2.0 * inverse / rate["inverse"]
        return {
            "prior": int(min(max(200.0, left * rate["prior"]), MOST_PRIOR_STEPS)),
            "inverse": int(max(200.0, inverse)),
            "bfloat16": int(half),
        }

    def _time_steps(self, *, bfloat16: bool) -> dict[str, float]:
        """Return optimiser steps a second of prior and inverse dynamics."""
        from dexgen_app.learn.transitions import TransitionStore
        from dexgen_app.plugins import PluginRegistry
        from dexgen_controller_dexgen.optimisation import TrainingConfig
        from dexgen_controller_dexgen.training import Trainer

        args, probe = self._args, self._folder / "probe"
        shutil.rmtree(probe, ignore_errors=True)
        hand = PluginRegistry.load().find_hand(args.hand)
        config = TrainingConfig(
            size=args.size, steps=12, bfloat16=bfloat16, seed=args.seed, checkpoint_every=1000
        )
        trainer = Trainer(TransitionStore(self.data), hand, probe, config)
        found = {}
        for name, train in (("prior", trainer.train_prior), ("inverse", trainer.train_inverse)):
            begun = time.monotonic()
            train(lambda line: None)
            found[name] = config.steps / (time.monotonic() - begun)
            self._ledger.tick()
        shutil.rmtree(probe, ignore_errors=True)
        return found

    def _learn_risk(self, seconds: float) -> None:
        """Roll out as much as fits, and teach the controller to foresee drops by it."""
        args, cells = self._args, RISK_SEEDS * len(CORRUPTIONS)
        # At least 60 s a hand: of all trials the first seconds are unlike the rest.
        bounds = 60.0 * TRIAL_HANDS, 12_000.0
        rate = TRIAL_STEPS_PER_SECOND * args.processes
        length = self._plan_cells("foresight", 0.8 * seconds / cells, rate, bounds)
        words = ["learn-risk", str(self.trained), "--expert", str(self.expert)]
        words += ["--work", str(self._folder / "risk"), "--engine", args.engine]
        words += ["--seconds", length, "--environments", str(TRIAL_HANDS), *self._scene()]
        # Others than those of the benchmark and of the expert's trials.
        seeds = [str(2000 + args.seed + index) for index in range(RISK_SEEDS)]
        words += ["--processes", str(args.processes), "--seed", *seeds]
        self._run(*words, "--out", str(self.model))
        notes = read_notes(self.model)
        self._ledger.note("foreseen", {name: notes[f"risk_rank_{name}"] for name in CORRUPTIONS})

    def _measure(self, seconds: float) -> None:
        """Measure cells of equal length, as long as fits; those before a kill are kept."""
        args, cells = self._args, len(PAPER) * (1 + len(GUIDANCE))
        rate = BENCH_STEPS_PER_SECOND * args.processes
        length = self._plan_cells("bench", seconds / cells, rate, (60.0, 1200.0))
        words = ["bench", "controller", "--expert", str(self.expert), "--weights", str(self.model)]
        words += ["--engine", args.bench_engine, "--guidance", *GUIDANCE]
        words += ["--seconds", length, *self._common(), *self._scene()]
        self._run(*words, "--out", str(self.bench))

    def _plan_cells(
        self, stage: str, seconds: float, rate: float, bounds: tuple[float, float]
    ) -> str:
        """Return the simulated time [s] of each of a stage's cells; one that was begun keeps it.

        Args:
            stage: The stage.
            seconds: Time that a cell may take [s].
            rate: Control steps of all hands in a second.
            bounds: Shortest and longest cell [s].
        """
        fits = min(max(bounds[0], 0.1 * rate * seconds), bounds[1])
        planned = self._ledger.plan(stage, {"seconds": float(round(fits))})
        return f"{planned['seconds']:g}"

    def _scene(self) -> list[str]:
        words = [word for item in self._args.object for word in ("--object", item)]
        return words + [word for side in self._args.gravity for word in ("--gravity", side)]


def _count_rows(folder: Path) -> int:
    """Return the rows of a dataset, none where there is no dataset yet."""
    from dexgen_app.learn.transitions import TransitionStore, find_parts

    return len(TransitionStore(folder)) if find_parts(folder) else 0
