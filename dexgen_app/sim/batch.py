"""What both engines' worlds share: arguments to tensors, the PD law, the check for bad states."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from dexgen_app.errors import SimulationError

Ids = torch.Tensor | Sequence[int] | None


def as_ids(ids: Ids, environments: int, device: torch.device) -> torch.Tensor:
    """Return environment numbers as a tensor of int64; a mask of booleans counts as ids too.

    Raises:
        IndexError: A number is out of range.
    """
    if ids is None:
        return torch.arange(environments, device=device)
    chosen = torch.as_tensor(ids, device=device)
    if chosen.dtype == torch.bool:
        return chosen.nonzero().flatten()
    chosen = chosen.reshape(-1).long()
    if chosen.numel() and not 0 <= int(chosen.min()) <= int(chosen.max()) < environments:
        raise IndexError(
            f"environment ids {chosen.tolist()} are not within 0 to {environments - 1}"
        )
    return chosen


def as_batch(
    values: torch.Tensor, shape: tuple[int, ...], device: torch.device, name: str
) -> torch.Tensor:
    """Return ``values`` as float32 on ``device``.

    Raises:
        ValueError: The shape is another one.
    """
    batch = torch.as_tensor(values, dtype=torch.float32, device=device)
    if tuple(batch.shape) != shape:
        raise ValueError(f"{name} has shape {tuple(batch.shape)}, not {shape}")
    return batch


def pd_effort(
    targets: torch.Tensor,
    position: torch.Tensor,
    velocity: torch.Tensor,
    stiffness: torch.Tensor,
    damping: torch.Tensor,
    limit: torch.Tensor,
) -> torch.Tensor:
    """Return the torque of a PD controller with a limit [N m], shape (N, J)."""
    effort = stiffness * (targets - position) - damping * velocity
    return torch.minimum(torch.maximum(effort, -limit), limit)


def rotate(quaternion: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    """Rotate vectors (..., 3) by unit quaternions wxyz (..., 4)."""
    axis = quaternion[..., 1:]
    vector = vector.expand_as(axis)
    twice = 2.0 * torch.linalg.cross(axis, vector, dim=-1)
    return vector + quaternion[..., :1] * twice + torch.linalg.cross(axis, twice, dim=-1)


def raise_if_not_finite(
    finite: torch.Tensor, last: tuple[torch.Tensor, torch.Tensor] | None
) -> None:
    """Raise an error that names the first environment whose state is not finite.

    Args:
        finite: Whether each environment is sound, shape (N,).
        last: Joint positions (N, J) and object poses (N, 7) when all were sound, if known.

    Raises:
        SimulationError: There is such an environment.
    """
    if bool(finite.all()):
        return
    bad = (~finite).nonzero().flatten()
    first = int(bad[0])
    before = ""
    if last is not None:
        joints, pose = ([round(value, 4) for value in part[first].tolist()] for part in last)
        before = f"; its last sound state was joints {joints} rad, object {pose}"
    raise SimulationError(
        f"the simulation diverged in {len(bad)} of {len(finite)} environments, "
        f"the first is environment {first}{before}",
        where="simulator",
        remedy="Reset the scene; if it happens again use more substeps or lower gains",
    )
