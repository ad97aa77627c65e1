"""The controller as the loop sees it: called at its own rate, its output interpolated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dexgen_app.errors import DexgenError
from dexgen_app.live.guard import PluginGuard
from dexgen_app.live.protocol import ControllerStatus, Failure
from dexgen_app.spec import (
    ControlInput,
    Controller,
    ControllerSpec,
    HandCommand,
    HandState,
    ParameterSpec,
)


class ControllerLink:
    """Steps a controller and turns slow outputs into a target for every tick.

    An output of a controller with ``rate_hz`` is reached on a straight line within ``reach_s``, or
    one of the controller's periods, beginning at the target of the moment when it arrived.

    Args:
        spec: The controller's declaration.
        controller: The controller.
        joints: Number of joints.
        report: Takes failures and changes of the controller's status.
    """

    def __init__(
        self,
        spec: ControllerSpec,
        controller: Controller,
        joints: int,
        report: Callable[[Any], None],
    ) -> None:
        self.spec = spec
        self.parameters: dict[str, float | str] = {p.name: p.default for p in spec.parameters}
        self._controller = controller
        self._joints = joints
        self._report = report
        self._guard = PluginGuard(f"controller {spec.id}", report, "controllers", spec.id)
        self._period_ns = int(1e9 / spec.rate_hz) if spec.rate_hz > 0 else 0
        self._reach_ns = self._period_ns if spec.reach_s is None else int(1e9 * spec.reach_s)
        self._next_ns = 0
        self._remark = ""
        self._forget()

    def _forget(self) -> None:
        self._hear("")
        self._from: np.ndarray | None = None
        self._to: np.ndarray | None = None
        self._begun_ns = 0
        self._born_ns = 0
        self._next_ns = 0

    def _hear(self, remark: str) -> None:
        if remark != self._remark:
            self._remark = remark
            self.announce()

    @property
    def suspended(self) -> bool:
        """Whether the controller raised too often and is not called any more."""
        return self._guard.suspended

    def reset(self, state: HandState) -> None:
        """Let the controller forget its history and start from ``state``."""
        self._forget()
        self._guard.call("reset", self._controller.reset, state)

    def step(self, control: ControlInput) -> HandCommand | None:
        """Return the target of this tick, or None to hold."""
        if self._period_ns == 0:
            return self._call(control)
        if control.command is None:
            self._forget()
            return None
        now = control.now_ns
        if now >= self._next_ns:
            late = self._next_ns == 0 or now - self._next_ns > self._period_ns
            self._next_ns = (now if late else self._next_ns) + self._period_ns
            output = self._call(control)
            if output is not None:
                here = self._between(now)
                self._from = np.asarray(control.target) if here is None else here
                self._to, self._begun_ns = np.asarray(output.position), now
                self._born_ns = output.born_ns
        if self.suspended:
            return None
        position = self._between(now)
        return None if position is None else HandCommand(born_ns=self._born_ns, position=position)

    def _between(self, now_ns: int) -> np.ndarray | None:
        if self._from is None or self._to is None:
            return None
        share = min(max((now_ns - self._begun_ns) / max(self._reach_ns, 1), 0.0), 1.0)
        return self._from + share * (self._to - self._from)

    def _call(self, control: ControlInput) -> HandCommand | None:
        output: HandCommand | None = self._guard.call("step", self._checked_step, control)
        if self.suspended:
            self._hear("")
        return output

    def _checked_step(self, control: ControlInput) -> HandCommand | None:
        output = self._controller.step(control)
        if output is None:
            return None
        shape = np.shape(output.position)
        if shape != (self._joints,):
            raise ValueError(f"its output has shape {shape}, not ({self._joints},)")
        if not isinstance(output.remark, str):
            raise ValueError(f"its remark is {output.remark!r}, which is no text")
        self._hear(output.remark)
        return output

    def set_parameter(self, name: str, value: float | str) -> None:
        """Change a declared parameter and tell everybody."""
        try:
            declared = {p.name: p for p in self.spec.parameters}
            if name not in declared:
                raise DexgenError(
                    "there is no such parameter",
                    where=f"{self.spec.id}.{name}",
                    remedy=f"Known: {', '.join(declared) or 'none'}",
                )
            value = check_parameter(declared[name], value)
            self._controller.set_parameter(name, value)
            self.parameters[name] = value
        except DexgenError as error:
            self._report(Failure(what=error.what, where=error.where, remedy=error.remedy))
        except Exception as error:
            self._report(
                Failure(
                    what=f"{name} was not accepted: {error}", where=f"controller {self.spec.id}"
                )
            )
        self.announce()

    def announce(self) -> None:
        """Tell the controller's name, its parameters and what it remarked last."""
        values = dict(self.parameters)
        self._report(
            ControllerStatus(controller=self.spec.id, parameters=values, remark=self._remark)
        )


def check_parameter(spec: ParameterSpec, value: float | str) -> float | str:
    """Return ``value`` as a parameter's own type.

    Raises:
        DexgenError: It is no number, out of range or not one of the choices.
    """
    if spec.choices:
        word = value if isinstance(value, str) else f"{value:g}"
        if word in spec.choices:
            return word
        raise DexgenError(
            f"{word!r} is not a choice", where=spec.name, remedy=f"Use {', '.join(spec.choices)}"
        )
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not spec.lower <= number <= spec.upper:
        raise DexgenError(
            f"{value!r} is not a number within {spec.lower} to {spec.upper}", where=spec.name
        )
    return number
