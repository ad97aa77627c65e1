"""DexGen in a live session."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import numpy as np
import torch

from dexgen_app.errors import InputError
from dexgen_app.kinematics.model import HandModel
from dexgen_app.live.controller_link import check_parameter
from dexgen_app.spec import (
    ControlInput,
    ControllerContext,
    HandCommand,
    HandState,
)
from dexgen_controller_dexgen.mirror import load_for_hand
from dexgen_controller_dexgen.model import ControllerModel
from dexgen_controller_dexgen.parameters import PARAMETERS
from dexgen_controller_dexgen.policy import GuidedPolicy
from dexgen_controller_dexgen.shipped import weights_for

log = logging.getLogger(__name__)

WAITING = "A drop is foreseen: the hand waits."
TOLD_S = 1.0
"""How long it is told at least, so that it can be read [s]."""


class DexGenController:
    """Turns a coarse command into a motion that keeps the object in the hand.

    Args:
        context: The hand and the seed; option ``weights`` names another model file.
    """

    def __init__(self, context: ControllerContext) -> None:
        hand = context.hand
        given = context.options.get("weights")
        model = load_for_hand(Path(given) if given else weights_for(hand), hand)
        self._policy = GuidedPolicy(model, seed=context.seed)
        self._kinematics = HandModel(hand)
        self._lower, self._upper = hand.limits
        self._fingers = len(hand.fingers)
        self._values: dict[str, float | str] = {p.name: p.default for p in PARAMETERS}
        self._told_until_ns = 0
        # A hand is not kept waiting for it: until it is done, torch does the same more slowly.
        self._compiling = threading.Thread(target=_compile, args=(model,), name="compile DexGen")
        self._compiling.start()

    @property
    def compiling(self) -> bool:
        """Whether steps take longer, because their passes are still being compiled."""
        return self._compiling.is_alive()

    def reset(self, state: HandState) -> None:
        """Forget the history."""
        self._policy.reset()
        self._told_until_ns = 0

    def set_parameter(self, name: str, value: float | str) -> None:
        """Change the guidance, the mode, the sampler or switch the controller off."""
        known = {p.name: p for p in PARAMETERS}
        if name not in known:
            raise InputError(
                f"DexGen has no parameter {name!r}", remedy=f"It has {', '.join(known)}"
            )
        self._values[name] = check_parameter(known[name], value)

    def step(self, control: ControlInput) -> HandCommand | None:
        """Sample a motion near the command; without a command, the prior alone."""
        state, command = control.state, control.command
        if self._values["active"] == "off":
            self.reset(state)
            return command
        target = np.where(np.isfinite(control.target), control.target, state.position)
        joints = torch.from_numpy(np.asarray(state.position)[None]).float()
        present = torch.from_numpy(target[None]).float()
        tips = torch.from_numpy(self._kinematics.tips(state.position)[None]).float()
        self._policy.observe(tips, joints, present)
        self._policy.set_mode(str(self._values["mode"]))
        self._policy.steps = int(str(self._values["steps"]))
        self._policy.wishes.smoothing = float(self._values["smoothing"])
        self._policy.wishes.boost = float(self._values["boost"])
        self._policy.temperature = float(self._values["temperature"])
        change = None
        born = 0
        if command is not None:
            born = command.born_ns
            change = torch.from_numpy(np.asarray(command.position)[None]).float() - present
        self._policy.cautious = self._values["caution"] == "on"
        weight = None
        if self._values["keypoints"] == "tips":
            weight = torch.cat([torch.zeros(self._fingers), torch.ones(self._fingers)])
        increment, _ = self._policy.act(change, float(self._values["guidance"]), weight)
        moved = target + increment[0].numpy()
        position = np.clip(moved, self._lower, self._upper)
        return HandCommand(born_ns=born, position=position, remark=self._remark(control.now_ns))

    def _remark(self, now_ns: int) -> str:
        """Return that the hand waits, or did so a moment ago."""
        if self._policy.waiting[0] > 0.5:
            self._told_until_ns = now_ns + int(1e9 * TOLD_S)
        return WAITING if now_ns < self._told_until_ns else ""


def _compile(model: ControllerModel) -> None:
    try:
        from dexgen_controller_dexgen.compiled import compile_passes

        compile_passes(model)
    except Exception as error:  # of any kind: it concerns the speed alone
        log.warning("DexGen's steps take twice the time, since they cannot be compiled: %s", error)
