"""The controller over a batch of hands: history in, joint targets out."""

from __future__ import annotations

import torch

from dexgen_controller_dexgen.history import HistoryBuffer
from dexgen_controller_dexgen.intent import Intent
from dexgen_controller_dexgen.model import ControllerModel
from dexgen_controller_dexgen.parameters import BOOST, SMOOTHING_S, TEMPERATURE
from dexgen_controller_dexgen.wish import Wish, WishFilter, root_mean_square

TRUST_STRENGTH = 200.0
"""Guidance strength at which what a trusted person means is half of what the hand does."""
CLOSE_STRENGTH = 20.0
"""The same for commands that stay close to the controller's own motion."""
SETTLING_S = 1.0
"""Time after a reset in which a close command is left out: the grasp settles first [s]."""
ENGAGED_S = 3.0
"""Time after a reset from which on a close command counts fully [s]."""
LEAST_RISK = 0.06
"""Risk of a drop up to which a close command moves the hand as it asks."""
MOST_RISK = 0.09
"""Risk from which on it does not move the hand any more."""
USUAL_RISK = 0.02
"""Mean risk in the trials of the controller for which these two limits were chosen.

Where drops are more usual the limits rise with it: a controller that drops often would never move.
"""
MOST_GAIN = 1.8
"""Largest factor by which the average of close commands is raised elsewhere.

It makes up for the time in which the hand stands still.
"""
USUAL_CLOSE = 0.025
"""Size to which it is raised at most, root mean square over the joints [rad]: an expert's."""


class GuidedPolicy:
    """DexGen for N hands: every step samples a motion near the command and finds its targets.

    A hand that was just taken over has a grasp of which nothing is known yet, and many drops fall
    into the first seconds. A command that goes through nearly as it is, because it stays close to
    the controller's own motion, is faded in there; the others are bounded from the first. Where
    the model foresees a drop, the hand stands still instead of going on as such a command asks:
    from there even an expert hardly finds a way out, while half of the grasps hold if left alone.

    Args:
        model: A trained model.
        hands: N.
        steps: DDIM steps.
        seed: Seed of the sampler's noise.
        smoothing: Time constant of the average over past commands [s]; 0 takes only the newest.
        temperature: Scale of the sampler's start noise; below 1 the likelier motions are drawn.
        boost: Largest factor by which small commands are raised.

    Attributes:
        cautious: Whether it stands still where the model foresees a drop, if commands are close.
        waiting: How far each sampled hand stood still in the last step, instead of going on as a
            close command asked, because a drop was foreseen; 0 to 1, shape (n,).
        wishes: What is asked for, from the commands so far.
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
        boost: float = BOOST,
    ) -> None:
        self.model = model
        self.steps = steps
        self.temperature = temperature
        self.cautious = True
        self.waiting = torch.zeros(hands)
        self.wishes = WishFilter(model.info.control_dt, smoothing, boost)
        self._random = torch.Generator().manual_seed(seed)
        joints = len(model.info.joint_names)
        self._history = HistoryBuffer(hands, joints, model.info.fingers)
        self._intent = Intent(hands, joints, model.info.control_dt)
        self._mode = torch.zeros(hands, dtype=torch.long)
        self._age = torch.zeros(hands, dtype=torch.long)

    def set_mode(self, mode: str) -> None:
        """Choose a mode label for every hand."""
        self._mode[:] = self.model.info.modes.index(mode)

    def reset(self, chosen: torch.Tensor | None = None) -> None:
        """Forget the history of the hands chosen by a mask of shape (N,); of all where None."""
        self._history.reset(chosen)
        self.wishes.reset(chosen)
        self._intent.reset(chosen)
        self._age[slice(None) if chosen is None else chosen] = 0

    def observe(self, tips: torch.Tensor, position: torch.Tensor, target: torch.Tensor) -> None:
        """Take a step of proprioception.

        Args:
            tips: Fingertips in the hand frame [m], shape (N, F, 3).
            position: Joint positions [rad], shape (N, J).
            target: Joint targets in force [rad], shape (N, J).
        """
        self._history.append(tips.flatten(1), position, target)
        self._age += 1

    def engagement(self) -> torch.Tensor:
        """Return how far a close command to each hand counts since its reset, 0 to 1, (N,)."""
        seconds = self._age * self.model.info.control_dt
        return ((seconds - SETTLING_S) / (ENGAGED_S - SETTLING_S)).clamp(0.0, 1.0)

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
        state, mode, engaged = self._history.state(), self._mode, self.engagement()
        if chosen is not None:
            state, mode, engaged = state[chosen], mode[chosen], engaged[chosen]
            strength = strength[chosen] if isinstance(strength, torch.Tensor) else strength
        noise = torch.randn(len(state), self.model.motion_size, generator=self._random)
        noise *= self.temperature
        self.waiting = torch.zeros(len(state))
        if command is None:
            motion = self.model.sample_motion(state, mode, noise, steps=self.steps)
            return self.model.increment(state, motion), motion
        wish = self.wishes.take(command)
        if chosen is not None:
            wish = Wish(*(part[chosen] for part in wish))
        pull = torch.as_tensor(strength, dtype=torch.float32).expand(len(state))
        # In the same pass, without guidance: what the hand would do by itself.
        commanded = self.model.motion(state, wish.asked)
        both = self.model.sample_motion(
            state,
            mode,
            _twice(noise),
            steps=self.steps,
            command=_twice(commanded),
            strength=torch.stack([pull, torch.zeros_like(pull)], 1).flatten(),
            weight=weight,
        )
        increment, own = self.model.increment(_twice(state), both).unflatten(0, (-1, 2)).unbind(1)
        meant, trust, close = self._intent.take(wish, own, chosen)
        if self.cautious and weight is None and self.model.info.foreseen_modes:
            danger, gentle = self._danger(state, mode), close * self.model.foreseeing(mode)
            meant = torch.lerp(meant, (1.0 - danger) * self._raised(wish), gentle)
            self.waiting = (gentle * danger)[:, 0]
        if weight is None:
            # What the prior does by itself hides a small command.
            half = TRUST_STRENGTH + close * (CLOSE_STRENGTH - TRUST_STRENGTH)
            counts = 1.0 - close * (1.0 - engaged[:, None])
            share = counts * trust * pull[:, None] / (pull[:, None] + half)
            increment = torch.lerp(torch.lerp(own, increment, counts), meant, share)
        return increment, both[::2]

    def _danger(self, state: torch.Tensor, mode: torch.Tensor) -> torch.Tensor:
        """Return how far close commands are left out because of a drop foreseen, shape (n, 1)."""
        usual = max(1.0, self.model.info.usual_risk / USUAL_RISK)
        risk = self.model.foresee(state, mode) / usual
        return ((risk - LEAST_RISK) / (MOST_RISK - LEAST_RISK)).clamp(0.0, 1.0)

    def _raised(self, wish: Wish) -> torch.Tensor:
        """Return close commands with their average raised [rad], shape (n, J).

        To raise the average and not the newest one keeps a hand from swinging about a position:
        what it went too far is commanded back in the next step.
        """
        size = root_mean_square(wish.average).clamp(min=1e-9)
        most = min(MOST_GAIN, self.wishes.boost)
        more = ((USUAL_CLOSE / size).clamp(1.0, most) - 1.0) * wish.average
        return wish.newest + more


def _twice(values: torch.Tensor) -> torch.Tensor:
    return values.repeat_interleave(2, 0)
