"""A trained controller model: networks, normalisation, and its file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from dexgen_app.errors import InputError
from dexgen_app.files import replacing
from dexgen_controller_dexgen.diffusion import Guidance, Schedule, sample
from dexgen_controller_dexgen.history import HORIZON, state_size
from dexgen_controller_dexgen.networks import SIZES, DropRisk, Dynamics, MotionPrior

FORMAT_VERSION = 4
READABLE = (2, 3, FORMAT_VERSION)
"""Versions that are read; before version 3 all modes had the scale of the whole data, before 4 no
model foresaw a drop."""
FORESIGHT_S = 5.0
"""Time constant of the risk of a drop [s]."""


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """What a model file is for.

    Attributes:
        hand: Hand id.
        joint_names: Joint order.
        keypoint_sites: Keypoint order.
        fingers: Number of fingertips in the state.
        modes: Mode labels.
        size: Key of ``SIZES``.
        control_dt: Control period [s].
        mirror_hand: Id of the hand that is this one's mirror image; empty if there is none.
        mirror_signs: Sign of each of its joints.
        foreseen_modes: Modes in which it learned to foresee drops.
        usual_risk: Mean risk in the trials from which it did; 0 if it is not known.
        format_version: Version of the file format.
    """

    hand: str
    joint_names: tuple[str, ...]
    keypoint_sites: tuple[str, ...]
    fingers: int
    modes: tuple[str, ...]
    size: str
    control_dt: float
    mirror_hand: str = ""
    mirror_signs: tuple[int, ...] = ()
    foreseen_modes: tuple[str, ...] = ()
    usual_risk: float = 0.0
    format_version: int = FORMAT_VERSION


class Denoising(Protocol):
    """Finds the noise in motions: ``MotionPrior``, or the same compiled."""

    def denoiser(
        self, state: torch.Tensor, mode: torch.Tensor, draws: int = 1
    ) -> Callable[[torch.Tensor, int], torch.Tensor]:
        """Return what finds it for these states."""


class Predicting(Protocol):
    """Predicts what goes with a state and something given: ``Dynamics``, or the same compiled."""

    def predict(self, state: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
        """Return the mean, shape (n, wanted)."""


@dataclass(frozen=True)
class Passes:
    """What a model samples with: its networks, or the same compiled."""

    prior: Denoising
    inverse: Predicting
    forward: Predicting


class ControllerModel:
    """Prior, inverse and forward dynamics, and the statistics of the data behind them.

    The prior's motion is scaled by the statistics of each mode, ``mode_mean`` and ``mode_std``, so
    that a mode of large motions leaves the others as they are and guidance means the same in all.

    Attributes:
        passes: What it samples with: its own networks, unless others are put in their place.
    """

    def __init__(self, info: ModelInfo) -> None:
        self.info = info
        size = SIZES[info.size]
        joints, keypoints = len(info.joint_names), len(info.keypoint_sites)
        self.motion_size = HORIZON * keypoints * 3
        self.state_size = state_size(joints, info.fingers)
        self.prior = MotionPrior(self.motion_size, self.state_size, len(info.modes), size)
        self.inverse = Dynamics(self.motion_size, self.state_size, joints, size)
        self.forward = Dynamics(joints, self.state_size, self.motion_size, size)
        self.risk = DropRisk(self.state_size)
        self.passes = Passes(self.prior, self.inverse, self.forward)
        self.schedule = Schedule()
        self.statistics = {
            "state_mean": torch.zeros(self.state_size),
            "state_std": torch.ones(self.state_size),
            "motion_mean": torch.zeros(self.motion_size),
            "motion_std": torch.ones(self.motion_size),
            "mode_mean": torch.zeros(len(info.modes), self.motion_size),
            "mode_std": torch.ones(len(info.modes), self.motion_size),
            "increment_mean": torch.zeros(joints),
            "increment_std": torch.ones(joints),
        }

    def set_statistics(self, statistics: Mapping[str, torch.Tensor]) -> None:
        """Take means and standard deviations of state, motion, each mode's motion and increment."""
        for name, default in self.statistics.items():
            value = statistics[name].float()
            if value.shape != default.shape:
                raise InputError(f"statistic {name} has shape {tuple(value.shape)}")
            self.statistics[name] = value

    def to(self, device: str) -> None:
        """Move networks and statistics to a device."""
        for net in (self.prior, self.inverse, self.forward, self.risk):
            net.to(device)
        self.statistics = {name: value.to(device) for name, value in self.statistics.items()}

    def normal_state(self, state: torch.Tensor) -> torch.Tensor:
        """Normalise states, shape (n, state)."""
        return (state - self.statistics["state_mean"]) / self.statistics["state_std"]

    @torch.inference_mode()
    def sample_motion(
        self,
        state: torch.Tensor,
        mode: torch.Tensor,
        noise: torch.Tensor,
        *,
        steps: int,
        command: torch.Tensor | None = None,
        strength: float | torch.Tensor = 0.0,
        weight: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Sample keypoint motions, several of each state, one after another.

        Args:
            state: Robot states, shape (n, state).
            mode: Mode indices, shape (n,).
            noise: Standard normal, shape (n draws, motion).
            steps: DDIM steps.
            command: Commanded motion [m], shape (n draws, T, K, 3); None is the prior alone.
            strength: Guidance strength, one for all or of shape (n draws,).
            weight: Weight of each keypoint, shape (K,).

        Returns:
            Motion [m], shape (n draws, T, K, 3): offsets from now after each step.
        """
        draws = len(noise) // len(state)
        mean, std = (
            self.statistics[f"mode_{name}"][mode].repeat_interleave(draws, 0)
            for name in ("mean", "std")
        )
        one_hot = torch.nn.functional.one_hot(mode, len(self.info.modes)).float()
        denoise = self.passes.prior.denoiser(self.normal_state(state), one_hot, draws)
        pull = None
        if command is not None:
            if weight is not None:
                # Tips come last: a model of fingertips alone has no middle joints.
                weight = weight[-len(self.info.keypoint_sites) :]
                weight = weight[None, :, None].expand(HORIZON, -1, 3).flatten()
            pull = Guidance(mean, std).toward(command.flatten(1), strength, weight)
        normal = sample(denoise, self.schedule, noise, steps, pull=pull)
        return (normal * std + mean).unflatten(1, (HORIZON, -1, 3))

    @torch.inference_mode()
    def increment(self, state: torch.Tensor, motion: torch.Tensor) -> torch.Tensor:
        """Return the joint-target increments [rad] that produce ``motion``, shape (n, J)."""
        mean, std = self.statistics["motion_mean"], self.statistics["motion_std"]
        normal = (motion.flatten(1) - mean) / std
        predicted = self.passes.inverse.predict(self.normal_state(state), normal)
        return predicted * self.statistics["increment_std"] + self.statistics["increment_mean"]

    @torch.inference_mode()
    def motion(self, state: torch.Tensor, increment: torch.Tensor) -> torch.Tensor:
        """Return the motion [m] that joint-target increments [rad] produce, (n, T, K, 3)."""
        table = self.statistics
        normal = (increment - table["increment_mean"]) / table["increment_std"]
        predicted = self.passes.forward.predict(self.normal_state(state), normal)
        moved = predicted * table["motion_std"] + table["motion_mean"]
        return moved.unflatten(1, (HORIZON, -1, 3))

    def foreseeing(self, mode: torch.Tensor) -> torch.Tensor:
        """Return whether it learned to foresee drops in modes, (n,) indices, as (n, 1) bools."""
        known = [name in self.info.foreseen_modes for name in self.info.modes]
        return torch.tensor(known)[mode][:, None]

    @torch.inference_mode()
    def foresee(self, state: torch.Tensor, mode: torch.Tensor) -> torch.Tensor:
        """Return the risk of a drop soon: the expected ``exp(-time to the drop / FORESIGHT_S)``.

        Args:
            state: Robot states, shape (n, state).
            mode: Mode indices, shape (n,).

        Returns:
            Risks from 0 to 1, shape (n, 1); 0 in modes in which it never learned to foresee any.
        """
        return self.risk(self.normal_state(state)).sigmoid() * self.foreseeing(mode)

    def save(self, path: Path, notes: Mapping[str, str] | None = None) -> None:
        """Write the model as safetensors, whole or not at all; weights at half precision."""
        tensors = {f"prior.{name}": value.half() for name, value in self.prior.state_dict().items()}
        tensors |= {f"inverse.{k}": value.half() for k, value in self.inverse.state_dict().items()}
        tensors |= {f"forward.{k}": value.half() for k, value in self.forward.state_dict().items()}
        if self.info.foreseen_modes:
            tensors |= {f"risk.{k}": value.half() for k, value in self.risk.state_dict().items()}
        tensors |= {f"statistics.{name}": value for name, value in self.statistics.items()}
        metadata = {"info": json.dumps(asdict(self.info)), **(notes or {})}
        with replacing(path) as temporary:
            save_file({name: t.contiguous() for name, t in tensors.items()}, temporary, metadata)

    @classmethod
    def load(cls, path: Path) -> ControllerModel:
        """Read a model that ``save`` wrote.

        Raises:
            InputError: The file is not a controller model, or one of another format.
        """
        remedy = "Name the weights of a controller, as `dexgen-app build-controller` writes them"
        try:
            with safe_open(path, "pt") as file:
                table = json.loads(file.metadata()["info"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            for name in (
                "joint_names",
                "keypoint_sites",
                "modes",
                "mirror_signs",
                "foreseen_modes",
            ):
                table[name] = tuple(table.get(name, ()))
            info = ModelInfo(**table)
            if info.size not in SIZES:
                raise ValueError(f"unknown size {info.size}")
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                "this is no controller model", where=str(path), remedy=remedy
            ) from error
        if info.format_version not in READABLE:
            raise InputError(
                f"the model has format {info.format_version}, this release reads "
                f"{' and '.join(map(str, READABLE))}",
                where=str(path),
                remedy=remedy,
            )
        model = cls(replace(info, format_version=FORMAT_VERSION))
        names = ("prior", "inverse", "forward", "risk", "statistics")
        parts: dict[str, dict[str, torch.Tensor]] = {name: {} for name in names}
        try:
            for name, tensor in tensors.items():
                part, _, rest = name.partition(".")
                if not torch.isfinite(tensor).all():
                    raise InputError(f"weight {name} is not finite", where=str(path), remedy=remedy)
                parts[part][rest] = tensor.float()
            table = parts["statistics"]
            for name in ("mean", "std") if info.format_version == 2 else ():
                table[f"mode_{name}"] = table[f"motion_{name}"].expand(len(info.modes), -1).clone()
            model.prior.load_state_dict(parts["prior"])
            model.inverse.load_state_dict(parts["inverse"])
            model.forward.load_state_dict(parts["forward"])
            if model.info.foreseen_modes:
                model.risk.load_state_dict(parts["risk"])
            model.set_statistics(parts["statistics"])
        except (RuntimeError, KeyError) as error:
            raise InputError(
                "the weights do not have the shape of their description",
                where=str(path),
                remedy=remedy,
            ) from error
        for net in (model.prior, model.inverse, model.forward, model.risk):
            net.eval()
        return model


def read_notes(path: Path) -> dict[str, str]:
    """Return the notes that a model was saved with: how it was made, a command a line."""
    with safe_open(path, "pt") as file:
        return {name: note for name, note in file.metadata().items() if name != "info"}
