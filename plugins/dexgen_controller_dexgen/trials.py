"""What hands felt in trials and how long they still held the object, to learn to foresee drops."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from dexgen_app.errors import InputError
from dexgen_app.files import replacing
from dexgen_app.learn.environment import Snapshot, StepResult
from dexgen_controller_dexgen.history import HISTORY, stack_state

FORMAT = "dexgen-trials-1"
_COLUMNS = ("tips", "position", "target", "age", "left")


@dataclass(frozen=True, eq=False, kw_only=True)
class Trials:
    """Steps of trials; those of a hand follow each other.

    Attributes:
        joint_names: Joint order.
        tips: Fingertips in the hand frame [m], shape (R, 3 F).
        position: Joint positions [rad], shape (R, J).
        target: Joint targets in force [rad], shape (R, J).
        age: Steps since the trial began, shape (R,).
        left: Time to the drop [s], shape (R,); infinite where the trial ended without one.
    """

    joint_names: tuple[str, ...]
    tips: torch.Tensor
    position: torch.Tensor
    target: torch.Tensor
    age: torch.Tensor
    left: torch.Tensor

    def __len__(self) -> int:
        return len(self.left)

    def states(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the stacked states at ``rows``, shape (n,), as ``HistoryBuffer`` has them."""
        back = torch.arange(HISTORY - 1, -1, -1)
        past = rows[:, None] - torch.minimum(back[None], self.age[rows, None])
        return stack_state(self.tips[past], self.position[past], self.target[past])

    def save(self, path: Path) -> None:
        """Write the trials, whole or not at all.

        Raises:
            InputError: They cannot be written.
        """
        tensors = {name: getattr(self, name).contiguous() for name in _COLUMNS}
        about = {"format": FORMAT, "joint_names": json.dumps(self.joint_names)}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as temporary:
                save_file(tensors, temporary, about)
        except (OSError, SafetensorError) as error:
            raise InputError(
                f"the trials cannot be written ({error})",
                where=str(path),
                remedy="Make room and give the same command again: those before are kept",
            ) from error

    @classmethod
    def load(cls, path: Path) -> Trials:
        """Read trials that ``save`` wrote.

        Raises:
            InputError: The file cannot be read, or holds something else.
        """
        try:
            with safe_open(path, "pt") as file:
                about = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if about.get("format") != FORMAT:
                raise ValueError(f"format {about.get('format')}")
            return cls(joint_names=tuple(json.loads(about["joint_names"])), **tensors)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"these are no trials ({error})", where=str(path), remedy="Delete the file"
            ) from error

    @classmethod
    def join(cls, trials: Sequence[Trials]) -> Trials:
        """Return the steps of several, of one hand."""
        parts = {name: torch.cat([getattr(one, name) for one in trials]) for name in _COLUMNS}
        return cls(joint_names=trials[0].joint_names, **parts)


class TrialRecorder:
    """Keeps every step that it is shown.

    Args:
        joint_names: Joint order of the hand.
        seconds: Length of a step [s].
    """

    def __init__(self, joint_names: tuple[str, ...], seconds: float) -> None:
        self._joint_names, self._seconds = joint_names, seconds
        self._steps: list[tuple[torch.Tensor, ...]] = []

    def __call__(self, state: Snapshot, target: torch.Tensor, result: StepResult) -> None:
        """Take a step of N hands: their state and targets before it, and what came of it."""
        felt = (state.tips.flatten(1), state.joints, target, result.dropped, result.done)
        self._steps.append(tuple(values.clone() for values in felt))

    def trials(self) -> Trials:
        """Return what was kept; a trial that goes on has not ended in a drop."""
        tips, position, target, dropped, done = (
            torch.stack(values, 1) for values in zip(*self._steps)
        )
        age = torch.zeros(done.shape, dtype=torch.long)
        for step in range(1, done.shape[1]):
            age[:, step] = torch.where(done[:, step - 1], 0, age[:, step - 1] + 1)
        left = torch.zeros(done.shape)
        ahead = torch.full((len(done),), math.inf)
        for step in reversed(range(done.shape[1])):
            ended = torch.where(dropped[:, step], 0.0, math.inf)
            ahead = torch.where(done[:, step], ended, ahead) + self._seconds
            left[:, step] = ahead
        return Trials(
            joint_names=self._joint_names,
            tips=tips.flatten(0, 1),
            position=position.flatten(0, 1),
            target=target.flatten(0, 1),
            age=age.flatten(),
            left=left.flatten(),
        )
