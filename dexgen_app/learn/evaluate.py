"""How long a policy holds and how many goals it reaches, counted over simulated time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from dexgen_app.errors import InputError
from dexgen_app.learn.environment import EnvironmentContext, HandEnvironment
from dexgen_app.learn.policy import Policy
from dexgen_app.learn.statistics import drop_interval, summarise, time_to_drop
from dexgen_app.learn.vector import Factory, build_environment
from dexgen_app.sim.world import Engine
from dexgen_app.spec import HandSpec

Corruption = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """How a policy is evaluated.

    Attributes:
        engine: The simulator.
        environments: Number of environments.
        seconds: Simulated time of each [s].
        episode_seconds: Time after which an episode that holds is cut [s].
        gravity: Directions that are evaluated one by one; none means those of the settings.
        seed: Seed of everything random.
        randomise: Whether the domain randomisation of the settings stays on.
    """

    engine: Engine = "genesis"
    environments: int = 64
    seconds: float = 60.0
    episode_seconds: float = 120.0
    gravity: tuple[str, ...] = ()
    seed: int = 1000
    randomise: bool = False


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """What an evaluation found in one gravity direction.

    Attributes:
        gravity: The direction.
        seconds: Simulated time of all environments [s].
        drops: Number of drops.
        goals: Number of goals reached.
        time_to_drop: Simulated time over drops [s]; infinite without a drop.
        shortest: Lower end of its 95 % interval, drops taken as a Poisson process [s].
        longest: Upper end of it [s].
        goals_per_minute: Goals over simulated minutes.
        trials: Episodes that ended, by a drop or after ``episode_seconds``.
        dropped_share: Share of them that ended by a drop; 0 where none ended.
        measures: Means of the skill's own measures over all steps, by name; see
            ``HandEnvironment.measures``.
    """

    gravity: str
    seconds: float
    drops: int
    goals: int
    time_to_drop: float
    shortest: float
    longest: float
    goals_per_minute: float
    trials: int = 0
    dropped_share: float = 0.0
    measures: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields; infinity becomes None, which JSON can hold."""
        return {
            name: None if value == float("inf") else value for name, value in vars(self).items()
        }


def evaluate_policy(
    policy: Callable[[torch.Tensor], torch.Tensor] | Policy,
    hand: HandSpec,
    settings: Any,
    factory: Factory,
    options: EvaluationOptions,
    *,
    corrupt: Corruption | None = None,
    report: Callable[[float], None] = lambda share: None,
) -> Iterator[EvaluationResult]:
    """Run a policy without exploration noise, direction by direction.

    Args:
        policy: Maps ``policy`` observations (N, O) to actions (N, J).
        hand: The hand.
        settings: The skill's settings.
        factory: Builds the skill's environment.
        options: How it is evaluated.
        corrupt: Spoils the actions, which are bounded by 1, before they are clipped again.
        report: Told the share that is done.

    Yields:
        One result for each gravity direction.
    """
    directions = tuple(dict.fromkeys(options.gravity or settings.gravity))
    settings = settings.for_trials(
        episode_seconds=options.episode_seconds,
        gravity=directions,
        randomisation=replace(
            settings.randomisation, enabled=settings.randomisation.enabled and options.randomise
        ),
    )
    context = EnvironmentContext(
        hand=hand,
        engine=options.engine,
        environments=options.environments,
        seed=options.seed,
    )
    environment = build_environment(factory, context, settings)
    if isinstance(policy, Policy):
        policy = policy.to(context.device)
    try:
        for index, direction in enumerate(directions):
            environment.choose_gravity((direction,))
            share = index / len(directions)
            counts = roll_out(
                environment,
                policy,
                options.seconds,
                corrupt=corrupt,
                report=lambda s, share=share: report(share + s / len(directions)),
            )
            yield _result(direction, counts, tuple(environment.measures))
    finally:
        environment.close()


def roll_out(
    environment: HandEnvironment,
    policy: Callable[[torch.Tensor], torch.Tensor],
    seconds: float,
    *,
    corrupt: Corruption | None = None,
    report: Callable[[float], None] = lambda share: None,
) -> dict[str, float]:
    """Run a policy in every environment from new episodes on and return the counts.

    Args:
        environment: The environments.
        policy: Maps ``policy`` observations (N, O) to actions (N, J).
        seconds: Simulated time of each environment [s].
        corrupt: Spoils the actions.
        report: Told the share that is done.

    Raises:
        InputError: The policy is for other observations.
    """
    observations = environment.reset()
    size = int(observations["policy"].shape[1])
    if isinstance(policy, Policy) and policy.observation_size != size:
        raise InputError(
            f"weights for {policy.observation_size} observations; this skill has {size}",
            where=f"a policy of skill {policy.skill}",
            remedy="Evaluate it on its own skill",
        )
    environment.drain_counts()
    steps = max(1, round(seconds / environment.step_seconds))
    for step in range(steps):
        action = policy(observations["policy"]).clamp(-1.0, 1.0)
        if corrupt is not None:
            action = corrupt(action)
        observations = environment.step(action).observations
        if step % 50 == 49:
            report((step + 1) / steps)
    return environment.drain_counts()


def _result(direction: str, counts: dict[str, float], measures: Sequence[str]) -> EvaluationResult:
    seconds, drops = counts["seconds"], int(counts["drops"])
    goals, trials = int(counts.get("goals", 0.0)), int(counts.get("trials", 0.0))
    shortest, longest = drop_interval(drops, seconds)
    means = summarise(counts)
    return EvaluationResult(
        gravity=direction,
        seconds=seconds,
        drops=drops,
        goals=goals,
        time_to_drop=time_to_drop(drops, seconds),
        shortest=shortest,
        longest=longest,
        goals_per_minute=60.0 * goals / seconds,
        trials=trials,
        dropped_share=drops / max(trials, 1),
        measures={name: means[name] for name in measures},
    )
