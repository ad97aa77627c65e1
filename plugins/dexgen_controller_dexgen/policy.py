"""The controller over a batch of hands: history in, joint targets out."""

from __future__ import annotations

import math

import torch

from dexgen_controller_dexgen.history import HistoryBuffer
from dexgen_controller_dexgen.model import ControllerModel
from dexgen_controller_dexgen.parameters import SMOOTHING_S, TEMPERATURE

LARGEST_CHANGE = 0.1
"""Largest commanded change of a joint target in a step [rad], as in the data; more is cut."""
LARGEST_WISH = 0.04
"""Largest averaged command, root mean square over the joints [rad]; a larger one is scaled down.

An obstinate command, such as sliders at their ends, would pull all joints at full speed for ever.
"""


class GuidedPolicy:
    """DexGen for N hands: every step samples a motion near the command and finds its targets.

    Args:
        model: A trained model.
        hands: N.
        steps: DDIM steps.
        seed: Seed of the sampler's noise.
        smoothing: Time constant of the average over past commands [s]; 0 takes only the newest.
        temperature: Scale of the sampler's start noise; below 1 the likelier motions are drawn.
    """

    def __init__(
        self,
        model: ControllerModel,
        hands: int = 1,
        *,
        steps: int = 8,
        seed: int = 0,
        smoothing: float = SMOOTHING_S,
        temperature: float = TEMPERATURE,
    ) -> None:
        self.model = model
        self.steps = steps
        self.smoothing = smoothing
        self.temperature = temperature
        self._average: torch.Tensor | None = None
        self._random = torch.Generator().manual_seed(seed)
        self._history = HistoryBuffer(hands, len(model.info.joint_names), model.info.fingers)
        self._mode = torch.zeros(hands, dtype=torch.long)

    def set_mode(self, mode: str) -> None:
        """Choose a mode label for every hand."""
        self._mode[:] = self.model.info.modes.index(mode)

    def reset(self, chosen: torch.Tensor | None = None) -> None:
        """Forget the history of the hands chosen by a mask of shape (N,); of all where None."""
        self._history.reset(chosen)
        if chosen is None:
            self._average = None
        elif self._average is not None:
            self._average[chosen] = 0.0

    def observe(self, tips: torch.Tensor, position: torch.Tensor, target: torch.Tensor) -> None:
        """Take a step of proprioception.

        Args:
            tips: Fingertips in the hand frame [m], shape (N, F, 3).
            position: Joint positions [rad], shape (N, J).
            target: Joint targets in force [rad], shape (N, J).
        """
        self._history.append(tips.flatten(1), position, target)

    def act(
        self,
        command: torch.Tensor | None,
        strength: float | torch.Tensor,
        weight: torch.Tensor | None = None,
        chosen: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Sample a motion and its joint-target increments.

        Args:
            command: Commanded change of the joint targets [rad], shape (N, J), or None.
            strength: Guidance strength, one for all or of shape (N,).
            weight: Weight of each keypoint, shape (K,).
            chosen: Mask of the n hands to sample for, shape (N,); None samples for all.

        Returns:
            Increments [rad], shape (n, J), and the motion [m], shape (n, T, K, 3).
        """
        state = self._history.state()
        if command is not None:
            command = self._smooth(command.clamp(-LARGEST_CHANGE, LARGEST_CHANGE))
        mode = self._mode
        if chosen is not None:
            state, mode = state[chosen], mode[chosen]
            command = None if command is None else command[chosen]
            strength = strength[chosen] if isinstance(strength, torch.Tensor) else strength
        wish = None if command is None else self.model.motion(state, command)
        noise = torch.randn(len(state), self.model.motion_size, generator=self._random)
        noise *= self.temperature
        motion = self.model.sample_motion(
            state,
            mode,
            noise,
            steps=self.steps,
            command=wish,
            strength=strength,
            weight=weight,
        )
        return self.model.increment(state, motion), motion

    def _smooth(self, command: torch.Tensor) -> torch.Tensor:
        """Return the exponential average of the commands so far, within bounds, shape (N, J)."""
        keep = math.exp(-self.model.info.control_dt / self.smoothing) if self.smoothing else 0.0
        before = command if self._average is None else self._average
        self._average = torch.lerp(command, before, keep)
        size = self._average.square().mean(-1, keepdim=True).sqrt()
        return self._average * (LARGEST_WISH / size.clamp(min=LARGEST_WISH))
