"""The teleoperation device as the loop sees it: fresh, stale, silent, repeating or broken."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from dexgen_app.errors import DexgenError
from dexgen_app.live.guard import PluginGuard
from dexgen_app.live.protocol import DeviceStatus, Failure
from dexgen_app.spec import HandSpec, HandState, InputKind, TeleopDevice, TeleopSample, TeleopSpec

log = logging.getLogger(__name__)


def split_id(text: str) -> tuple[str, str]:
    """Split ``id:argument`` into its parts; the argument may be empty and may hold colons."""
    name, _, argument = text.partition(":")
    return name.strip(), argument


def sample_shape(kind: InputKind, hand: HandSpec) -> tuple[int, ...]:
    """Return the shape that the values of a sample must have."""
    return {
        InputKind.NONE: (0,),
        InputKind.LANDMARKS_21: (21, 3),
        InputKind.OPENXR_26: (26, 7),
        InputKind.JOINTS: (hand.joint_count,),
        InputKind.FINGERTIPS: (len(hand.fingers), 3),
    }[kind]


def sound_sample(sample: Any) -> TeleopSample:
    """Return a copy of a device's sample whose fields have the types that they should have.

    Raises:
        TypeError: It is no sample, or a field is nothing like what it should be.
        ValueError: A field cannot be understood.
    """
    if not isinstance(sample, TeleopSample):
        raise TypeError(f"it returned a {type(sample).__name__}, not a sample")
    pose = sample.wrist_pose
    if pose is not None:
        pose = np.array(pose, dtype=float)
        if pose.shape != (7,):
            raise ValueError(f"its wrist pose has shape {pose.shape}, not (7,)")
    return TeleopSample(
        born_ns=int(sample.born_ns),
        sequence=int(sample.sequence),
        kind=InputKind(sample.kind),
        values=np.array(sample.values, dtype=float),
        wrist_pose=pose,
        tracked=bool(sample.tracked),
        dead_man=None if sample.dead_man is None else bool(sample.dead_man),
    )


class DeviceLink:
    """Reads a device once a tick and says whether what it returned can be used.

    A sample's age counts from when its sequence number was first seen, so that a device which
    repeats its last sample for ever goes stale whatever it writes into ``born_ns``.

    Args:
        name: ``id:argument``, for messages.
        spec: The device's declaration.
        device: The device, connected.
        hand: The hand, for the shapes of samples.
        timeout: Age at which a sample is stale [s].
        report: Takes failures and changes of the device's status.
    """

    def __init__(
        self,
        name: str,
        spec: TeleopSpec,
        device: TeleopDevice,
        hand: HandSpec,
        timeout: float,
        report: Callable[[Any], None],
    ) -> None:
        self.name = name
        self.spec = spec
        self.device = device
        self._hand = hand
        self._timeout_ns = int(timeout * 1e9)
        self._report = report
        self._guard = PluginGuard(f"device {spec.id}", report, "teleop_devices", spec.id)
        self._sample: TeleopSample | None = None
        self._told: tuple[bool, str] | None = None

    @property
    def suspended(self) -> bool:
        """Whether the device raised too often and is not called any more."""
        return self._guard.suspended

    def read(self, now_ns: int, state: HandState) -> TeleopSample | None:
        """Return the newest sample if it is fresh, whole and tracked, else None."""
        sample = self._guard.call("read", self._checked_read, now_ns, state)
        problem = self._take(sample, now_ns)
        self._tell(problem)
        return None if problem else self._sample

    def _checked_read(self, now_ns: int, state: HandState) -> TeleopSample | None:
        sample = self.device.read(now_ns, state)
        return None if sample is None else sound_sample(sample)

    def _tell(self, problem: str) -> None:
        """Report the device's status when it changes: what is wrong, or what it says of itself."""
        text = problem or str(getattr(self.device, "description", ""))
        if (not problem, text) == self._told:
            return
        self._told = (not problem, text)
        self._report(DeviceStatus(device=self.name, connected=not problem, text=text))
        if problem:
            log.warning("device %s: %s", self.name, problem)

    def _take(self, sample: TeleopSample | None, now_ns: int) -> str:
        """Keep a new sample; return what is wrong with the device now, empty if nothing is."""
        if self.suspended:
            return self._guard.reason
        if sample is not None and (
            self._sample is None or sample.sequence != self._sample.sequence
        ):
            problem = self._defect(sample)
            if problem:
                return problem
            self._sample = replace(sample, born_ns=min(sample.born_ns, now_ns))
        if self._sample is None:
            return "it has sent nothing yet"
        age = now_ns - self._sample.born_ns
        if age > self._timeout_ns:
            return "it sends nothing new"
        tracked = sample.tracked if sample is not None else self._sample.tracked
        return "" if tracked else "it has lost the hand"

    def _defect(self, sample: TeleopSample) -> str:
        shape = sample_shape(sample.kind, self._hand)
        if sample.values.shape != shape:
            return f"its values have shape {sample.values.shape}, not {shape}"
        if not np.isfinite(sample.values).all():
            return "its values are not finite"
        return ""

    def handle_input(self, payload: Mapping[str, Any]) -> None:
        """Give the device what the window collected."""
        self._guard.call("handle_input", self._give, payload)

    def _give(self, payload: Mapping[str, Any]) -> None:
        try:
            self.device.handle_input(payload)
        except DexgenError as error:
            self._report(Failure(what=error.what, where=error.where, remedy=error.remedy))

    def close(self) -> None:
        """Release the device."""
        self._guard.suspended = False
        self._guard.call("close", self.device.close)
