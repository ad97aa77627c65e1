"""Speed of learning: training against bare stepping, the controller's step, the dataset, grasps.

    python benchmarks/bench_learn.py [--engine mujoco] [--seconds 40] [--row training]

Every figure is of this machine with whatever else runs on it. Training and bare stepping take
turns in one run, so that other load slows both alike; where one core is meant, processor time
stands beside the time on the clock.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dexgen_app.learn.environment import EnvironmentContext, StepResult
from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.learn.policy import Policy, shipped_policy
from dexgen_app.learn.ppo import PpoConfig, PpoLearner
from dexgen_app.learn.transitions import TransitionFormat, TransitionStore, TransitionWriter
from dexgen_app.learn.vector import make_batch
from dexgen_app.plugins import PluginRegistry
from dexgen_app.sim.grasps import find_grasps
from dexgen_app.sim.world import Engine
from dexgen_app.spec import (
    ControlInput,
    ControllerContext,
    HandCommand,
    HandSpec,
    HandState,
    ObjectSpec,
)
from dexgen_controller_dexgen.controller import DexGenController
from dexgen_controller_dexgen.model import ControllerModel, ModelInfo
from dexgen_controller_dexgen.networks import SIZES
from dexgen_controller_dexgen.optimisation import TrainingConfig
from dexgen_controller_dexgen.parameters import CONTROL_HZ, MODES
from dexgen_controller_dexgen.samples import SampleSource
from dexgen_controller_dexgen.training import Trainer
from dexgen_skill_anygrasp.config import AnyGraspConfig
from dexgen_skill_anygrasp.environment import AnyGraspEnvironment
from dexgen_skill_anygrasp.grasps.make import MakeOptions, MakeReport, make_grasps

BARE_STEPS = 4
"""Control steps of the bare worlds between two messages to their processes."""
BARE_EPISODE = 32
"""Control steps after which they are put into their grasps again: lost objects cost no contacts."""
DATASET_ROWS = 400_000
EPISODE_ROWS = 300
COLLECTED_ROWS = 25_600
"""Rows that the collector hands over at once: 128 environments, 200 steps."""


def main() -> None:
    rows: dict[str, Callable[[argparse.Namespace, HandSpec], Iterator[str]]] = {
        "training": training_row,
        "controller": controller_rows,
        "dataset": dataset_rows,
        "grasps": grasp_row,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hand", default="allegro", help="hand id or alias")
    parser.add_argument("--engine", choices=("mujoco", "genesis"), default="mujoco")
    parser.add_argument("--seconds", type=float, default=40.0, help="time of the training row")
    parser.add_argument("--environments", type=int, default=256, help="environments in all")
    parser.add_argument("--processes", type=int, default=2, help="worker processes")
    parser.add_argument("--row", action="append", choices=rows, default=[], help="only these")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    hand = PluginRegistry.load().find_hand(arguments.hand)
    print("| what | measured | wanted |\n| --- | --- | --- |", flush=True)
    for name in arguments.row or rows:
        for line in rows[name](arguments, hand):
            print(line, flush=True)


# Training ---------------------------------------------------------------------------------------


def learn_grasps(hand: HandSpec) -> GraspSet:
    """Return a few grasps of the standard cube, which count as holding in every direction."""
    found = find_grasps(hand, ObjectSpec(), 64)
    parts = [torch.from_numpy(a) for a in (found.joints, found.targets, found.object_pose)]
    return GraspSet(
        hand=hand.id,
        joint_names=hand.joint_names,
        object=ObjectSpec(),
        joints=parts[0],
        targets=parts[1],
        object_pose=parts[2],
        holds=torch.ones(len(found), 6, dtype=torch.bool),
        info={},
    )


def make_training(context: EnvironmentContext, config: AnyGraspConfig) -> AnyGraspEnvironment:
    """Build the environments that are trained in."""
    return AnyGraspEnvironment(context, config, grasps=[learn_grasps(context.hand)])


def expert(hand: HandSpec) -> Policy:
    """Return the shipped expert.

    Raises:
        InputError: There is none for this hand.
    """
    return shipped_policy(PluginRegistry.load().find_skill("anygrasp"), hand)


class BareWorlds:
    """The worlds of ``make_training``, which do over and over what an expert did, and nothing else.

    The contacts of a hand at work cost the physics more than those of one that keeps still.
    """

    def __init__(self, context: EnvironmentContext, config: AnyGraspConfig) -> None:
        self.count, self.action_size = context.environments, context.hand.joint_count
        environment = make_training(replace(context, stagger=False), config)
        self.world = environment.world
        self.step_seconds = environment.step_seconds
        self._steps = round(environment.step_seconds / config.physics.dt)
        policy = expert(context.hand)
        noise = torch.Generator().manual_seed(context.seed)
        seen = environment.reset()
        self._gravity = environment.gravity.clone()
        self._start = (
            self.world.joint_position(),
            self.world.object_pose(),
            self.world.targets(),
        )
        self._targets = []
        for _ in range(BARE_EPISODE):
            mean = policy(seen["policy"])
            action = mean + policy.action_std * torch.randn(mean.shape, generator=noise)
            seen = environment.step(action).observations
            self._targets.append(environment.target.clone())
        self._turn = 0

    def reset(self) -> dict[str, torch.Tensor]:
        """Put every world into its grasp."""
        self.world.set_gravity(self._gravity)
        self.world.reset(*self._start)
        return {"policy": torch.zeros(self.count, 1)}

    def step(self, action: torch.Tensor) -> StepResult:
        """Advance by ``BARE_STEPS`` control steps."""
        for _ in range(BARE_STEPS):
            turn = self._turn % BARE_EPISODE
            if turn == 0:
                self.reset()
            self._turn += 1
            self.world.set_targets(self._targets[turn])
            self.world.step(self._steps)
        nothing = torch.zeros(self.count)
        no = nothing.bool()
        return StepResult(
            observations={"policy": nothing[:, None]},
            reward=nothing,
            done=no,
            timed_out=no,
            dropped=no,
        )

    def drain_counts(self) -> dict[str, float]:
        """Return no counts."""
        return {}

    def close(self) -> None:
        """Release the world."""
        self.world.close()


def training_row(arguments: argparse.Namespace, hand: HandSpec) -> Iterator[str]:
    """Training with policy and learning against bare stepping, in turns."""
    engine: Engine = arguments.engine
    context = EnvironmentContext(
        hand=hand, engine=engine, environments=arguments.environments, stagger=True
    )
    config = AnyGraspConfig()
    learn_grasps(hand)  # found once, before the processes look for them
    bare = make_batch(BareWorlds, context, config, arguments.processes)  # type: ignore[arg-type]
    training = make_batch(make_training, context, config, arguments.processes)
    try:
        learner = PpoLearner(training, PpoConfig(critic_iterations=0), threads=arguments.processes)
        learner.start_from_policy(expert(hand))
        bare.reset()
        action = torch.zeros(bare.count, bare.action_size)
        learner.iterate()
        bare.step(action)
        steps, spent, processor = np.zeros(2), np.zeros(2), np.zeros(2)
        learning = 0.0
        begin = time.perf_counter()
        while time.perf_counter() - begin < arguments.seconds:
            start, used = time.perf_counter(), processor_time()
            report = learner.iterate()
            middle, used_middle = time.perf_counter(), processor_time()
            learning += report.learn_seconds
            turns = 0
            while time.perf_counter() - middle < 0.7 * (middle - start):
                bare.step(action)
                turns += 1
            steps += (report.steps, turns * BARE_STEPS * bare.count)
            spent += (middle - start, time.perf_counter() - middle)
            processor += (used_middle - used, processor_time() - used_middle)
    finally:
        training.close()
        bare.close()
    rate, bare_rate = steps / spent
    cost, bare_cost = 1e3 * processor / steps
    yield (
        f"| training on {engine}, {arguments.environments} environments, {arguments.processes} "
        f"processes: steps/s with policy and learning / bare | {rate:,.0f} / {bare_rate:,.0f} "
        f"= {rate / bare_rate:.2f}; learning takes {100 * learning / spent[0]:.0f} % | 0.70 |"
    )
    yield (
        f"| the same in processor time a step, bare / with policy and learning "
        f"| {bare_cost:.2f} / {cost:.2f} ms = {bare_cost / cost:.2f} | - |"
    )


def processor_time() -> float:
    """Return the processor time of this process and of its workers so far [s]."""
    total = time.process_time()
    for worker in multiprocessing.active_children():
        fields = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


# Controller -------------------------------------------------------------------------------------


def controller_rows(arguments: argparse.Namespace, hand: HandSpec) -> Iterator[str]:
    """One step of the live controller at its rate, one thread."""
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            path = Path(folder) / f"{size}.safetensors"
            ControllerModel(
                ModelInfo(
                    hand=hand.id,
                    joint_names=hand.joint_names,
                    keypoint_sites=hand.keypoint_sites,
                    fingers=len(hand.fingers),
                    modes=MODES,
                    size=size,
                    control_dt=1.0 / CONTROL_HZ,
                    foreseen_modes=MODES[:1],
                )
            ).save(path)
            clock, processor = measure_controller(hand, path)
            wanted = "10 ms" if size == "small" else "(paper: 27 ms on an RTX 4090)"
            yield (
                f"| controller step, {size}, 8 sampler steps, one core: p95 on the clock, of the "
                f"processor | {clock:.1f} ms, {processor:.1f} ms | {wanted} |"
            )


def measure_controller(hand: HandSpec, path: Path, count: int = 200) -> tuple[float, float]:
    """Return the 95th percentile of a step's time on the clock and of the processor [ms]."""
    controller = DexGenController(ControllerContext(hand=hand, options={"weights": str(path)}))
    while controller.compiling:
        time.sleep(0.1)
    grasp, random = np.array(hand.grasp), np.random.default_rng(0)
    nothing = np.full(hand.joint_count, np.nan)
    spent = []
    for turn in range(count):
        state = HandState(
            stamp_ns=turn,
            position=grasp + 0.02 * random.normal(size=grasp.shape),
            velocity=np.zeros_like(grasp),
            effort=nothing,
            target=grasp,
            temperature=nothing,
        )
        command = HandCommand(born_ns=turn, position=grasp + 0.1 * random.normal(size=grasp.shape))
        control = ControlInput(now_ns=turn, state=state, command=command, target=grasp)
        start = np.array([time.perf_counter(), time.thread_time()])
        controller.step(control)
        spent.append(np.array([time.perf_counter(), time.thread_time()]) - start)
        time.sleep(0.01)  # a live session leaves the caches to others, too
    clock, processor = 1e3 * np.percentile(np.array(spent)[count // 10 :], 95, axis=0)
    return float(clock), float(processor)


# Dataset ----------------------------------------------------------------------------------------


def dataset_rows(arguments: argparse.Namespace, hand: HandSpec) -> Iterator[str]:
    """Writing rows, reading random minibatches, and what training takes of them."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        writer = TransitionWriter(data, TransitionFormat.of(hand, 1.0 / CONTROL_HZ, MODES), {})
        blocks = [collected_block(hand, index) for index in range(4)]
        start = time.perf_counter()
        for index in range(DATASET_ROWS // COLLECTED_ROWS):
            block = dict(blocks[index % len(blocks)])
            block["episode"] = block["episode"] + index * (COLLECTED_ROWS // EPISODE_ROWS + 1)
            writer.append(block)
        writer.flush()
        rate = writer.rows / (time.perf_counter() - start)
        yield f"| dataset writing, synced and hashed | {rate:,.0f} rows/s | 100,000 rows/s |"
        store = TransitionStore(data)
        reading = measure_reading(store, hand)
        for size, steps in (("small", 30), ("paper", 4)):
            taken = measure_learning(store, hand, Path(folder) / size, size, steps)
            yield (
                f"| reading random minibatches / training the {size} prior takes, one core "
                f"| {reading:,.0f} / {taken:,.0f} windows/s | faster |"
            )


def collected_block(hand: HandSpec, seed: int) -> dict[str, np.ndarray]:
    """Return rows as a collector hands them over."""
    random = np.random.default_rng(seed)
    layout = TransitionFormat.of(hand, 1.0 / CONTROL_HZ, MODES)
    block = {
        name: random.normal(size=(COLLECTED_ROWS, width)).astype(dtype)
        for name, (dtype, width) in layout.columns().items()
        if dtype.kind == "f"
    }
    number = np.arange(COLLECTED_ROWS)
    block["mode"] = np.zeros(COLLECTED_ROWS)
    block["clean"] = random.random(COLLECTED_ROWS) < 0.95
    block["episode"], block["step"] = number // EPISODE_ROWS, number % EPISODE_ROWS
    return block


def measure_reading(store: TransitionStore, hand: HandSpec, seconds: float = 4.0) -> float:
    """Return windows per second in random minibatches of 1,024."""
    source = SampleSource(store, hand.keypoint_sites, len(hand.fingers), clean=True)
    batches = source.batches(1024, np.random.default_rng(0))
    next(batches)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        count += len(next(batches).state)
    return count / (time.perf_counter() - start)


def measure_learning(
    store: TransitionStore, hand: HandSpec, folder: Path, size: str, steps: int
) -> float:
    """Return windows per second that training the prior takes."""
    trainer = Trainer(store, hand, folder, TrainingConfig(size=size, steps=steps))
    trainer.train_prior(lambda line: None)
    return float(json.loads((folder / "metrics.jsonl").read_text())["samples_per_s"])


# Grasps -----------------------------------------------------------------------------------------


def grasp_row(arguments: argparse.Namespace, hand: HandSpec) -> Iterator[str]:
    """Grasps that are found and verified in a second."""
    last: list[MakeReport] = []
    start = time.process_time()
    make_grasps(hand, ObjectSpec(), MakeOptions(count=600), report=last.append)
    processor = time.process_time() - start
    state = last[-1]
    yield (
        f"| valid grasps of a 60 mm cube, settled and shaken in MuJoCo, one core "
        f"| {state.found / state.seconds:.1f} a second on the clock, "
        f"{state.found / processor:.1f} of the processor; {100 * state.found / state.tried:.0f} % "
        f"of {state.tried} guesses | - |"
    )


if __name__ == "__main__":
    main()
