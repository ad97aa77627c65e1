"""Joint targets that the window's sliders set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dexgen_app.errors import InputError
from dexgen_app.spec import HandState, InputKind, TeleopContext, TeleopSample


class Sliders:
    """Keeps one target a joint; starts from what the hand holds.

    Payloads:
        ``{"joint": name, "value": rad}`` sets one joint;
        ``{"positions": [rad, ...]}`` sets all, in the order of ``HandSpec.joint_names``;
        ``{"reset": True}`` starts again from what the hand holds.

    Args:
        context: The hand.
    """

    description = "one slider a joint"

    def __init__(self, context: TeleopContext) -> None:
        self._hand = context.hand
        self._targets: np.ndarray | None = None
        self._pending: dict[int, float] = {}
        self._sequence = 0

    def connect(self) -> None:
        """Start from what the hand holds."""
        self._targets = None
        self._pending.clear()

    def read(self, now_ns: int, state: HandState) -> TeleopSample | None:
        """Return the targets; they are fresh as long as the window is alive."""
        if self._targets is None:
            start = np.where(np.isfinite(state.target), state.target, state.position)
            if not np.isfinite(start).all():
                return None
            self._targets = np.clip(start, *self._hand.limits)
        for index, value in self._pending.items():
            self._targets[index] = value
        self._pending.clear()
        self._sequence += 1
        return TeleopSample(
            born_ns=now_ns,
            sequence=self._sequence,
            kind=InputKind.JOINTS,
            values=self._targets.copy(),
        )

    def handle_input(self, payload: Mapping[str, Any]) -> None:
        """Take what a slider says; values outside a joint's limits are brought inside.

        Raises:
            InputError: There is no such joint, or a value is no finite number.
        """
        if payload.get("reset"):
            self.connect()
        if "positions" in payload:
            values = list(payload["positions"])
            if len(values) != self._hand.joint_count:
                raise InputError(
                    f"{len(values)} positions for {self._hand.joint_count} joints", where="sliders"
                )
            for name, value in zip(self._hand.joint_names, values):
                self._set(name, value)
        if "joint" in payload:
            self._set(str(payload["joint"]), payload.get("value"))

    def _set(self, name: str, value: Any) -> None:
        if name not in self._hand.joint_names:
            raise InputError(
                f"the hand has no joint {name!r}",
                where="sliders",
                remedy=f"It has {', '.join(self._hand.joint_names)}",
            )
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if not np.isfinite(number):
            raise InputError(f"{value!r} is not a finite number", where=f"joint {name}")
        index = self._hand.joint_index(name)
        low, high = self._hand.limits[:, index]
        self._pending[index] = float(np.clip(number, low, high))

    def close(self) -> None:
        """Nothing to release."""
