"""Environments in worker processes, one thread each, stepped together through shared memory."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Protocol

import numpy as np
import torch

from dexgen_app.errors import DexgenError, InputError, SimulationError
from dexgen_app.learn.environment import EnvironmentContext, HandEnvironment, StepResult
from dexgen_app.learn.statistics import merge_counts

Factory = Callable[[EnvironmentContext, Any], HandEnvironment]


class EnvironmentBatch(Protocol):
    """What a training run steps: environments of this process or of several."""

    count: int
    action_size: int
    step_seconds: float

    def reset(self) -> dict[str, torch.Tensor]:
        """Start every episode anew and return the observations."""

    def step(self, action: torch.Tensor) -> StepResult:
        """Advance one control step."""

    def drain_counts(self) -> dict[str, float]:
        """Return the counts since the last call."""

    def close(self) -> None:
        """Release everything."""


def build_environment(
    factory: Factory, context: EnvironmentContext, config: Any
) -> HandEnvironment:
    """Build the environments of this process, their tensors beside the simulator's."""
    with context.on_device():
        return factory(context, config)


def make_batch(
    factory: Factory, context: EnvironmentContext, config: Any, processes: int
) -> EnvironmentBatch:
    """Build environments here, or in worker processes where ``processes`` is more than one.

    Raises:
        InputError: Worker processes, but the simulator runs on a graphics card.
    """
    if processes <= 1:
        return build_environment(factory, context, config)
    if context.device.type != "cpu":
        raise InputError(
            f"{processes} processes on one graphics card",
            where="--processes",
            remedy="Use --processes 1 with as many --environments as the card holds",
        )
    return WorkerBatch(factory, context, config, processes)


class _Block:
    """Named arrays in one shared memory block."""

    def __init__(self, layout: dict[str, tuple[tuple[int, ...], str]], name: str | None) -> None:
        sizes = {
            key: int(np.prod(shape)) * np.dtype(kind).itemsize
            for key, (shape, kind) in layout.items()
        }
        offsets, total = {}, 0
        for key, size in sizes.items():
            offsets[key] = total
            total += (size + 63) // 64 * 64
        self.memory = SharedMemory(name=name, create=name is None, size=max(total, 64))
        self.arrays: dict[str, np.ndarray] = {
            key: np.ndarray(shape, kind, self.memory.buf, offsets[key])
            for key, (shape, kind) in layout.items()
        }

    def close(self, unlink: bool) -> None:
        self.arrays = {}
        self.memory.close()
        if unlink:
            self.memory.unlink()


class WorkerBatch:
    """Environments in spawned processes.

    Args:
        factory: Builds the environments of one process; must be importable by name.
        context: What it is built from; its environments are shared out evenly, and each process
            gets a seed of its own.
        config: The skill's settings.
        processes: Number of processes.

    Raises:
        DexgenError: A worker could not build its environments.
        InputError: The environments cannot be shared out evenly.
    """

    def __init__(
        self, factory: Factory, context: EnvironmentContext, config: Any, processes: int
    ) -> None:
        if context.environments % processes:
            raise InputError(
                f"{context.environments} environments cannot be shared by {processes} processes",
                where="--environments",
                remedy=f"Use a multiple of {processes}",
            )
        self.count = context.environments
        self.action_size = context.hand.joint_count
        self._share = self.count // processes
        spawn = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._workers = []
        self._block: _Block | None = None
        try:
            for index in range(processes):
                here, there = spawn.Pipe()
                part = replace(context, environments=self._share, seed=context.seed + 1000 * index)
                worker = spawn.Process(
                    target=_work, args=(there, factory, part, config), daemon=True
                )
                worker.start()
                there.close()
                self._pipes.append(here)
                self._workers.append(worker)
            facts = [self._receive(pipe) for pipe in self._pipes]
            self.step_seconds = float(facts[0]["step_seconds"])
            self._layout = _layout(self.count, self.action_size, facts[0]["sizes"])
            self._block = _Block(self._layout, None)
            for index, pipe in enumerate(self._pipes):
                first = index * self._share
                span = (first, first + self._share)
                pipe.send(("attach", (self._block.memory.name, self._layout, span)))
                self._receive(pipe)
        except BaseException:
            self.close()
            raise

    def reset(self) -> dict[str, torch.Tensor]:
        """Start every episode anew and return the observations by group, each (N, size)."""
        self._call("reset")
        return self._observations()

    def step(self, action: torch.Tensor) -> StepResult:
        """Advance one control step in every process; see ``HandEnvironment.step``."""
        assert self._block is not None
        arrays = self._block.arrays
        arrays["action"][:] = action.detach().cpu().numpy()
        self._call("step")
        return StepResult(
            observations=self._observations(),
            reward=torch.from_numpy(arrays["reward"].copy()),
            done=torch.from_numpy(arrays["done"].copy()),
            timed_out=torch.from_numpy(arrays["timed_out"].copy()),
            dropped=torch.from_numpy(arrays["dropped"].copy()),
        )

    def drain_counts(self) -> dict[str, float]:
        """Return the counts of every process since the last call, added up."""
        return merge_counts(self._call("drain"))

    def close(self) -> None:
        """Stop the processes and release the shared memory; may be called repeatedly."""
        for pipe in self._pipes:
            try:
                pipe.send(("close", None))
            except (BrokenPipeError, OSError):
                continue
        for worker in self._workers:
            worker.join(timeout=10.0)
            if worker.is_alive():
                worker.kill()
                worker.join()
        for pipe in self._pipes:
            pipe.close()
        self._pipes, self._workers = [], []
        if self._block is not None:
            self._block.close(unlink=True)
            self._block = None

    def _call(self, name: str) -> list[Any]:
        for pipe in self._pipes:
            pipe.send((name, None))
        return [self._receive(pipe) for pipe in self._pipes]

    def _receive(self, pipe: Connection) -> Any:
        try:
            kind, value = pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            raise SimulationError(
                "a training worker died", remedy="Resume the run; its last checkpoint is intact"
            ) from error
        if kind == "error":
            raise value
        return value

    def _observations(self) -> dict[str, torch.Tensor]:
        assert self._block is not None
        return {
            name.removeprefix("obs/"): torch.from_numpy(array.copy())
            for name, array in self._block.arrays.items()
            if name.startswith("obs/")
        }


def _layout(
    count: int, actions: int, sizes: dict[str, int]
) -> dict[str, tuple[tuple[int, ...], str]]:
    layout: dict[str, tuple[tuple[int, ...], str]] = {
        "action": ((count, actions), "f4"),
        "reward": ((count,), "f4"),
        "done": ((count,), "?"),
        "timed_out": ((count,), "?"),
        "dropped": ((count,), "?"),
    }
    for name, size in sizes.items():
        layout[f"obs/{name}"] = ((count, size), "f4")
    return layout


def _work(pipe: Connection, factory: Factory, context: EnvironmentContext, config: Any) -> None:
    """Run one worker: build its environments, then obey until told to close or cut off."""
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    block: _Block | None = None
    environment: HandEnvironment | None = None
    try:
        environment = build_environment(factory, context, config)
        observations = environment.reset()
        sizes = {name: int(value.shape[1]) for name, value in observations.items()}
        pipe.send(("ok", {"sizes": sizes, "step_seconds": environment.step_seconds}))
        rows = slice(0, 0)
        while True:
            name, argument = pipe.recv()
            if name == "close":
                break
            answer: Any = None
            if name == "attach":
                memory, layout, (first, last) = argument
                block = _Block(layout, memory)
                rows = slice(first, last)
            elif name == "drain":
                answer = environment.drain_counts()
            else:
                assert block is not None
                if name == "reset":
                    observations = environment.reset()
                else:
                    action = torch.from_numpy(block.arrays["action"][rows].copy())
                    result = environment.step(action)
                    observations = result.observations
                    for field in ("reward", "done", "timed_out", "dropped"):
                        block.arrays[field][rows] = getattr(result, field).numpy()
                for group, value in observations.items():
                    block.arrays[f"obs/{group}"][rows] = value.numpy()
            pipe.send(("ok", answer))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
    except DexgenError as error:
        pipe.send(("error", error))
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        pipe.send(("error", SimulationError(what, where=traceback.format_exc(limit=-1))))
    finally:
        if environment is not None:
            environment.close()
        if block is not None:
            block.close(unlink=False)
