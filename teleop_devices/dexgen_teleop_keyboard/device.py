"""Integrates the speed of the keys that are down into joint or fingertip targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dexgen_app.errors import InputError
from dexgen_app.kinematics.model import HandModel
from dexgen_app.spec import HandState, InputKind, TeleopContext, TeleopSample
from dexgen_teleop_keyboard.keys import BINDINGS, FINGER_KEYS, MODE_KEY, MODES, Binding, Mode
from dexgen_teleop_keyboard.synergies import Synergies

JOINT_SPEED = 0.8
"""Speed of a joint while its key is down [rad/s]."""
TIP_SPEED = 0.04
"""Speed of a fingertip while its key is down [m/s]."""
LEAD = 0.4
"""The targets are never further than this from what the hand holds [rad]."""
TIP_LEAD = 0.03
"""Fingertip targets are never further than this from the fingertips [m]."""


class Keyboard:
    """Jogs the hand; no key down means no motion.

    Payloads:
        ``{"key": "q", "down": True}`` a key went down or up;
        ``{"release_all": True}`` every key counts as up;
        ``{"mode": "joint"}`` and ``{"finger": 0}`` choose;
        ``{"reset": True}`` starts again from what the hand holds.

    Args:
        context: The hand, and the mode to start with as the argument.

    Raises:
        InputError: There is no such mode.
    """

    def __init__(self, context: TeleopContext) -> None:
        self._hand = context.hand
        self._model = HandModel(context.hand)
        self._synergies = Synergies(context.hand, self._model)
        self.finger = 0
        self._down: set[str] = set()
        self._sequence = 0
        self._forget()
        self._set_mode(context.argument or MODES[0])

    def _forget(self) -> None:
        self._joints: np.ndarray | None = None
        self._tips: np.ndarray | None = None
        self._then_ns = 0

    @property
    def description(self) -> str:
        """The mode and the finger, for the window."""
        return f"mode {self.mode}, finger {self._hand.fingers[self.finger].name}"

    def connect(self) -> None:
        """Start from what the hand holds, with no key down."""
        self._down.clear()
        self._forget()

    def handle_input(self, payload: Mapping[str, Any]) -> None:
        """Take a key, a choice, or the release of everything.

        Raises:
            InputError: There is no such mode or finger.
        """
        if payload.get("release_all") or payload.get("reset"):
            self._down.clear()
        if payload.get("reset"):
            self._forget()
        if "mode" in payload:
            self._set_mode(str(payload["mode"]))
        if "finger" in payload:
            self._choose_finger(int(payload["finger"]))
        if "key" in payload:
            self._take_key(str(payload["key"]).lower(), bool(payload.get("down", False)))

    def _take_key(self, key: str, down: bool) -> None:
        if not down:
            self._down.discard(key)
        elif key == MODE_KEY:
            self._set_mode(MODES[(MODES.index(self.mode) + 1) % len(MODES)])
        elif key in FINGER_KEYS:
            if FINGER_KEYS.index(key) < len(self._hand.fingers):
                self._choose_finger(FINGER_KEYS.index(key))
        else:
            self._down.add(key)

    def _set_mode(self, name: str) -> None:
        if name not in MODES:
            raise InputError(
                f"the keyboard has no mode {name!r}",
                where="device keyboard",
                remedy=f"Modes are {', '.join(MODES)}",
            )
        self.mode: Mode = next(mode for mode in MODES if mode == name)
        self._forget()

    def _choose_finger(self, number: int) -> None:
        if not 0 <= number < len(self._hand.fingers):
            raise InputError(f"the hand has no finger {number}", where="device keyboard")
        self.finger = number

    def read(self, now_ns: int, state: HandState) -> TeleopSample | None:
        """Return the targets after the time that has passed."""
        held = np.where(np.isfinite(state.target), state.target, state.position)
        if not np.isfinite(held).all():
            return None
        held = np.clip(held, *self._hand.limits)
        seconds = min((now_ns - self._then_ns) * 1e-9, 0.05) if self._then_ns else 0.0
        self._then_ns = now_ns
        pressed = [b for b in BINDINGS[self.mode] if b.key in self._down]
        if self.mode == "fingertip":
            kind, values = InputKind.FINGERTIPS, self._move_tips(pressed, held, seconds)
        else:
            kind, values = InputKind.JOINTS, self._move_joints(pressed, held, seconds)
        self._sequence += 1
        return TeleopSample(born_ns=now_ns, sequence=self._sequence, kind=kind, values=values)

    def _move_joints(self, pressed: list[Binding], held: np.ndarray, seconds: float) -> np.ndarray:
        joints = held if self._joints is None else self._joints
        velocity = np.zeros_like(held)
        for binding in pressed:
            if self.mode == "synergy":
                velocity += self._synergies.velocity(binding.action, binding.sign, joints)
                continue
            names = self._hand.fingers[self.finger].joints
            if int(binding.action) < len(names):
                joint = self._hand.joint_index(names[int(binding.action)])
                velocity[joint] += binding.sign * JOINT_SPEED
        moved = joints + seconds * velocity
        self._joints = np.clip(np.clip(moved, held - LEAD, held + LEAD), *self._hand.limits)
        return self._joints.copy()

    def _move_tips(self, pressed: list[Binding], held: np.ndarray, seconds: float) -> np.ndarray:
        here = self._model.tips(held)
        tips = here if self._tips is None else self._tips.copy()
        for binding in pressed:
            tips[self.finger, int(binding.action)] += binding.sign * TIP_SPEED * seconds
        self._tips = np.clip(tips, here - TIP_LEAD, here + TIP_LEAD)
        return self._tips.copy()

    def close(self) -> None:
        """Nothing to release."""
