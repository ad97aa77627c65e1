"""Plays a policy in one simulated hand, in real time, for somebody to watch.

    python -m dexgen_app.learn.play POLICY [--engine mujoco] [--gravity palm_up] [--seed 0]

It writes to its standard output: one line of JSON with the hand, the object's shape and size and
the control rate, then for every control step a row of the state ring as raw bytes. It ends when
nobody reads any more.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from dexgen_app.errors import DexgenError
from dexgen_app.learn.config import from_plain
from dexgen_app.learn.environment import EnvironmentContext, HandEnvironment
from dexgen_app.learn.grasp_set import GraspSet, grasp_path, load_grasps, object_key
from dexgen_app.learn.policy import Policy, load_policy
from dexgen_app.learn.shipped import grasps_file
from dexgen_app.live.row import SessionState, row_dtype
from dexgen_app.plugins import PluginRegistry, load_object
from dexgen_app.sim.world import Engine
from dexgen_app.spec import HandSpec, ObjectSpec, SkillSpec


def build(policy: Policy, engine: Engine, gravity: str, seed: int) -> HandEnvironment:
    """Return the environment that a policy was trained in, with one hand.

    Args:
        policy: The policy.
        engine: The simulator.
        gravity: Direction of gravity; empty for those of the policy's settings.
        seed: Seed of the episodes.

    Raises:
        DexgenError: Its skill or hand is not installed, it has no grasps, or there is no such
            direction.
    """
    registry = PluginRegistry.load()
    skill = registry.find_skill(policy.skill)
    settings: Any = from_plain(load_object(skill.config), policy.config)
    settings = settings.for_trials(
        objects=settings.objects[:1],
        gravity=(gravity,) if gravity else settings.gravity,
        randomisation=replace(settings.randomisation, enabled=False),
    )
    hand = registry.find_hand(policy.hand)
    context = EnvironmentContext(hand=hand, engine=engine, environments=1, seed=seed)
    made: HandEnvironment = load_object(skill.environment)(
        context, settings, grasps=_shipped_grasps(skill, hand, settings.objects[0])
    )
    return made


def _shipped_grasps(skill: SkillSpec, hand: HandSpec, thing: ObjectSpec) -> list[GraspSet] | None:
    """Return grasps that came with the skill, unless some were made on this machine."""
    path = grasps_file(skill, hand)
    if path is None or grasp_path(hand, thing).exists():
        return None
    grasps = load_grasps(path, hand)
    return [grasps] if object_key(grasps.object) == object_key(thing) else None


def play(environment: HandEnvironment, policy: Policy) -> Iterator[np.ndarray]:
    """Yield a row of the state ring for every control step, for ever."""
    row = np.zeros(1, row_dtype(environment.hand.joint_count))
    row["state"], row["held"] = SessionState.ACTIVE, 1
    row["episode"] = 0
    observation = environment.reset()["policy"]
    while True:
        state = environment.state
        row["tick"] += 1
        row["sequence"] = row["tick"]
        row["stamp_ns"] = time.monotonic_ns()
        row["position"], row["velocity"] = state.joints.numpy(), state.velocity.numpy()
        for name in ("command", "controller", "target"):
            row[name] = environment.target.numpy()
        row["object_pose"], row["gravity"] = state.pose.numpy(), environment.gravity.numpy()
        yield row
        result = environment.step(policy(observation).clamp(-1.0, 1.0))
        row["episode"] += int(result.done[0])
        observation = result.observations["policy"]


def stream(environment: HandEnvironment, policy: Policy, out: BinaryIO) -> None:
    """Write the head and then the rows, each at its time."""
    head = {
        "hand": environment.hand.id,
        "object": asdict(environment.config.objects[0]),
        "step_seconds": environment.step_seconds,
    }
    out.write(json.dumps(head).encode() + b"\n")
    due = time.monotonic()
    for row in play(environment, policy):
        out.write(row.tobytes())
        out.flush()
        due = max(due + environment.step_seconds, time.monotonic() - environment.step_seconds)
        time.sleep(max(0.0, due - time.monotonic()))


def main(argv: list[str] | None = None) -> int:
    """Play a policy until nobody reads any more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("policy", type=Path)
    parser.add_argument("--engine", choices=("genesis", "mujoco"), default="mujoco")
    parser.add_argument("--gravity", default="")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    # What simulators print must not get among the rows.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        policy = load_policy(args.policy)
        stream(build(policy, args.engine, args.gravity, args.seed), policy, out)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
    except DexgenError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
