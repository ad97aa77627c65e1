"""PPO of rsl-rl on a batch of environments: settings, construction, one iteration, its state."""

from __future__ import annotations

import contextlib
import copy
import io
import time
from dataclasses import dataclass
from typing import Any

import torch

from dexgen_app.errors import InputError
from dexgen_app.learn.policy import Policy, actor_from_policy
from dexgen_app.learn.vector import EnvironmentBatch

BOUND_LEARNING_RATE = 1e-4
"""Learning rate of the steps that draw the actor's means into the range of actions."""


@dataclass(frozen=True, kw_only=True)
class PpoConfig:
    """Settings of PPO. The critic sees more than the actor: it is asymmetric.

    Attributes:
        horizon: Control steps of each environment in an iteration.
        epochs: Passes over an iteration's data.
        batches: Mini-batches in a pass.
        learning_rate: Learning rate of the actor at the start.
        critic_learning_rate: Learning rate of the critic, which stays.
        clip: Clip range of the probability ratio.
        discount: Discount of rewards in a step.
        trace: Lambda of the generalised advantage estimate.
        entropy: Weight of the entropy bonus.
        target_divergence: KL divergence that the learning rate is steered towards.
        value_weight: Weight of the value loss.
        gradient_norm: Largest norm of a gradient.
        hidden: Sizes of the actor's and the critic's hidden layers.
        start_std: Standard deviation of the actions at the start.
        smallest_std: Smallest standard deviation of the actions; a run that starts with a skilled
            actor explores no less than this.
        largest_std: Largest standard deviation of the actions.
        critic_iterations: Iterations at the start in which only the critic learns, for a run that
            starts with an actor but no critic.
        bound_epochs: Passes over an iteration's data in which the actor's means are drawn into
            [-1, 1], to which the environment clips actions. A mean far beyond it is deaf to
            exploration: whatever the noise, the clipped action is the same.
        keep_statistics: A run that starts from another skill's policy keeps what that one knows of
            its observations, as one that starts from a policy of its own skill always does.
    """

    horizon: int = 24
    epochs: int = 4
    batches: int = 4
    learning_rate: float = 5e-4
    critic_learning_rate: float = 5e-4
    clip: float = 0.2
    discount: float = 0.99
    trace: float = 0.95
    entropy: float = 0.0
    target_divergence: float = 0.03
    value_weight: float = 1.0
    gradient_norm: float = 1.0
    hidden: tuple[int, ...] = (512, 256, 128)
    start_std: float = 0.4
    smallest_std: float = 0.05
    largest_std: float = 1.0
    critic_iterations: int = 15
    bound_epochs: int = 0
    keep_statistics: bool = False


@dataclass(frozen=True, kw_only=True)
class IterationReport:
    """What one iteration did.

    Attributes:
        steps: Environment steps.
        collect_seconds: Time spent in the environments and the actor [s].
        learn_seconds: Time spent learning [s].
        losses: Losses by name.
        divergence: KL divergence between the policy before and after.
        learning_rate: Learning rate at the end.
        action_std: Mean standard deviation of the actions.
    """

    steps: int
    collect_seconds: float
    learn_seconds: float
    losses: dict[str, float]
    divergence: float
    learning_rate: float
    action_std: float


class PpoLearner:
    """PPO on a batch of environments.

    Args:
        batch: The environments; reset here.
        config: Settings.
        device: Where the networks live.
        threads: Threads that learn together, while the environments' processes wait.
    """

    def __init__(
        self, batch: EnvironmentBatch, config: PpoConfig, device: str = "cpu", threads: int = 1
    ) -> None:
        from rsl_rl.algorithms import PPO

        self.config = config
        self.device = device
        self._threads = threads
        self._batch = batch
        self._observations = self._pack(batch.reset())
        with contextlib.redirect_stdout(io.StringIO()):
            self._algorithm = PPO.construct_algorithm(
                self._observations, _Shape(batch), _settings(config), device
            )
        self._critic_only = 0
        self._split_learning_rates()
        self._bound_optimizer = torch.optim.Adam(
            self._algorithm.get_policy().mlp.parameters(), lr=BOUND_LEARNING_RATE
        )
        self._algorithm.train_mode()

    def iterate(self) -> IterationReport:
        """Collect one horizon from every environment and learn from it."""
        algorithm, batch = self._algorithm, self._batch
        start = time.monotonic_ns()
        observations = self._observations
        with torch.inference_mode():
            for _ in range(self.config.horizon):
                action = algorithm.act(observations)
                result = batch.step(action)
                observations = self._pack(result.observations)
                algorithm.process_env_step(
                    observations,
                    result.reward.to(self.device),
                    result.done.to(self.device),
                    {"time_outs": result.timed_out.to(self.device)},
                )
            middle = time.monotonic_ns()
            algorithm.compute_returns(observations)
            old = tuple(p.clone() for p in algorithm.storage.distribution_params)
            seen = algorithm.storage.observations.flatten(0, 1).clone()
        self._observations = observations
        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        try:
            losses = algorithm.update()
            self._bound_means(seen)
        finally:
            torch.set_num_threads(before)
        if self._critic_only:
            self._critic_only -= 1
            algorithm.learning_rate = self.config.learning_rate
            if not self._critic_only:
                self._keep_statistics()
        divergence = self._divergence(seen, old)
        end = time.monotonic_ns()
        return IterationReport(
            steps=self.config.horizon * batch.count,
            collect_seconds=1e-9 * (middle - start),
            learn_seconds=1e-9 * (end - middle),
            losses={name: float(value) for name, value in losses.items()},
            divergence=divergence,
            learning_rate=float(algorithm.learning_rate),
            action_std=float(algorithm.get_policy().output_std.mean()),
        )

    @property
    def actor_state(self) -> dict[str, torch.Tensor]:
        """State dictionary of the actor."""
        return dict(self._algorithm.get_policy().state_dict())

    def state(self) -> dict[str, Any]:
        """Return everything that learning goes on from: networks, optimisers, learning rate."""
        return {
            "algorithm": copy.deepcopy(self._algorithm.save()),
            "bound_optimizer": copy.deepcopy(self._bound_optimizer.state_dict()),
            "learning_rate": float(self._algorithm.learning_rate),
            "random": torch.get_rng_state(),
        }

    def load_state(self, state: dict[str, Any], *, weights_only: bool = False) -> None:
        """Take over what ``state`` returned.

        Args:
            state: The state.
            weights_only: Take the networks, but neither optimisers nor learning rate.
        """
        parts = {"actor": True, "critic": True, "optimizer": not weights_only}
        # The optimiser would go on with the tensors that it is given.
        self._algorithm.load(copy.deepcopy(state["algorithm"]), parts, True)
        if weights_only:
            self._keep_statistics()
        else:
            self._algorithm.learning_rate = state["learning_rate"]
            if "bound_optimizer" in state:  # older checkpoints lack it
                self._bound_optimizer.load_state_dict(copy.deepcopy(state["bound_optimizer"]))
            torch.set_rng_state(state["random"])

    def start_from_policy(self, policy: Policy, *, same_task: bool = False) -> None:
        """Start with a policy's actor; its exploration is bounded, and the critic learns first.

        Meanwhile the statistics of the observations become those of the new task, then they stay.
        With ``same_task`` or ``keep_statistics`` the policy's own ones stay from the first.

        Args:
            policy: The policy.
            same_task: Keep the policy's own statistics; else it acts differently from the start.

        Raises:
            InputError: The policy has other layers or observations.
        """
        actor = self._algorithm.get_policy()
        weight = self.config.horizon * self._batch.count
        try:
            actor.load_state_dict(actor_from_policy(policy, actor.state_dict(), weight))
        except (RuntimeError, KeyError) as error:
            raise InputError(
                "the policy has other layers or observations than this run",
                remedy="Start from a policy of the same skill, with the same ppo.hidden",
            ) from error
        self._critic_only = self.config.critic_iterations
        if same_task or self.config.keep_statistics:
            self._keep_statistics()

    def limit_std(self) -> None:
        """Keep the exploration noise finite and within its bounds."""
        for name, value in self._algorithm.get_policy().named_parameters():
            if name.endswith("std_param"):
                value.data.clamp_(self.config.smallest_std, self.config.largest_std)

    def _bound_means(self, seen: Any) -> None:
        """Regress the means to their clipped values; clipped actions stay nearly the same."""
        if not self.config.bound_epochs:
            return
        policy, count = self._algorithm.get_policy(), seen.batch_size[0]
        with torch.inference_mode():
            wanted = policy(seen).clamp(-1.0, 1.0)
        for _ in range(self.config.bound_epochs):
            for rows in torch.randperm(count, device=self.device).chunk(self.config.batches):
                self._bound_optimizer.zero_grad()
                (policy(seen[rows]) - wanted[rows]).square().mean().backward()
                self._bound_optimizer.step()

    def _keep_statistics(self) -> None:
        """Let the statistics of the actor's observations be.

        A skilled actor acts with little noise. What a shift of the statistics does to it counts as
        divergence, for which rsl-rl lowers the learning rate until nothing is learned.
        """
        normalizer = self._algorithm.get_policy().obs_normalizer
        normalizer.until = int(normalizer.count)

    def _split_learning_rates(self) -> None:
        """Give the critic a learning rate of its own.

        rsl-rl steers one rate for both networks by the actor's divergence, which starves the
        critic. It sets the rate of every parameter group, so ours is put back before each step.
        """
        algorithm = self._algorithm
        algorithm.optimizer = torch.optim.Adam(
            [{"params": list(net.parameters())} for net in (algorithm.actor, algorithm.critic)],
            lr=self.config.learning_rate,
        )

        def put_back(optimizer: torch.optim.Optimizer, *_: Any) -> None:
            if self._critic_only:
                optimizer.param_groups[0]["lr"] = 0.0
            optimizer.param_groups[1]["lr"] = self.config.critic_learning_rate

        algorithm.optimizer.register_step_pre_hook(put_back)

    def _divergence(self, seen: Any, old: tuple[torch.Tensor, ...]) -> float:
        policy = self._algorithm.get_policy()
        with torch.inference_mode():
            some = slice(None, None, 16)
            policy(seen[some], stochastic_output=True)
            flat = tuple(p.flatten(0, 1)[some] for p in old)
            return float(policy.get_kl_divergence(flat, policy.output_distribution_params).mean())

    def _pack(self, observations: dict[str, torch.Tensor]) -> Any:
        from tensordict import TensorDict

        size = [self._batch.count]
        return TensorDict({k: v.to(self.device) for k, v in observations.items()}, batch_size=size)


class _Shape:
    """What rsl-rl wants to know of an environment when it builds its networks."""

    def __init__(self, batch: EnvironmentBatch) -> None:
        self.num_envs = batch.count
        self.num_actions = batch.action_size


def _settings(config: PpoConfig) -> dict[str, Any]:
    network = {
        "class_name": "MLPModel",
        "hidden_dims": list(config.hidden),
        "activation": "elu",
        "obs_normalization": True,
    }
    return {
        "num_steps_per_env": config.horizon,
        "multi_gpu": None,
        "obs_groups": {"actor": ["policy"], "critic": ["policy", "critic"]},
        "algorithm": {
            "class_name": "PPO",
            "num_learning_epochs": config.epochs,
            "num_mini_batches": config.batches,
            "clip_param": config.clip,
            "gamma": config.discount,
            "lam": config.trace,
            "value_loss_coef": config.value_weight,
            "entropy_coef": config.entropy,
            "learning_rate": config.learning_rate,
            "max_grad_norm": config.gradient_norm,
            "schedule": "adaptive",
            "desired_kl": config.target_divergence,
        },
        "actor": {
            **network,
            "distribution_cfg": {
                "class_name": "GaussianDistribution",
                "init_std": config.start_std,
            },
        },
        "critic": dict(network),
    }
