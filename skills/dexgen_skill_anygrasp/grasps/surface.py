"""Points and outward normals on the surfaces of the five primitives, in the object's frame."""

from __future__ import annotations

import math

import torch

from dexgen_app.spec import ObjectSpec


def sample_surface(
    item: ObjectSpec, count: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw points uniformly distributed over the surface.

    Args:
        item: The object.
        count: Number of points.
        generator: Source of randomness.

    Returns:
        Points [m] and unit outward normals, each of shape (count, 3).
    """
    if item.shape in ("cube", "box"):
        return _box(torch.tensor(item.size), count, generator)
    radius = 0.5 * item.size[0]
    if item.shape == "sphere":
        normal = _directions(count, generator)
        return radius * normal, normal
    if item.shape == "cylinder":
        return _cylinder(radius, item.size[2], count, generator)
    return _capsule(radius, max(item.size[2] - 2.0 * radius, 0.0), count, generator)


def project_to_surface(item: ObjectSpec, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the nearest surface points and their outward normals.

    Args:
        item: The object.
        points: Points in its frame [m], shape (..., 3).

    Returns:
        Surface points [m] and unit outward normals, each of shape (..., 3).
    """
    if item.shape in ("cube", "box"):
        half = 0.5 * torch.tensor(item.size)
        inside = points.clamp(-half, half)
        depth = half - inside.abs()
        nearest = depth.argmin(-1, keepdim=True)
        sign = torch.where(points >= 0.0, 1.0, -1.0)
        normal = torch.zeros_like(points).scatter(-1, nearest, 1.0) * sign
        surface = torch.where(normal != 0.0, sign * half, inside)
        return surface, normal
    radius = 0.5 * item.size[0]
    if item.shape == "cylinder":
        return _project_cylinder(radius, 0.5 * item.size[2], points)
    half_length = 0.0 if item.shape == "sphere" else max(0.5 * item.size[2] - radius, 0.0)
    axis = torch.zeros_like(points)
    axis[..., 2] = points[..., 2].clamp(-half_length, half_length)
    normal = points - axis
    normal = normal / torch.linalg.vector_norm(normal, dim=-1, keepdim=True).clamp_min(1e-9)
    return axis + radius * normal, normal


def _directions(count: int, generator: torch.Generator) -> torch.Tensor:
    v = torch.randn(count, 3, generator=generator)
    return v / torch.linalg.vector_norm(v, dim=-1, keepdim=True).clamp_min(1e-9)


def _box(
    size: torch.Tensor, count: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    area = torch.stack((size[1] * size[2], size[2] * size[0], size[0] * size[1]))
    axis = torch.multinomial(area, count, replacement=True, generator=generator)
    sign = 2.0 * torch.randint(2, (count,), generator=generator).float() - 1.0
    points = (torch.rand(count, 3, generator=generator) - 0.5) * size
    normal = torch.nn.functional.one_hot(axis, 3).float() * sign[:, None]
    points = torch.where(normal != 0.0, 0.5 * normal * size, points)
    return points, normal


def _cylinder(
    radius: float, length: float, count: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    side, cap = 2.0 * math.pi * radius * length, math.pi * radius**2
    kind = torch.multinomial(
        torch.tensor([side, cap, cap]), count, replacement=True, generator=generator
    )
    angle = 2.0 * math.pi * torch.rand(count, generator=generator)
    ring = torch.stack((angle.cos(), angle.sin(), torch.zeros(count)), dim=-1)
    height = length * (torch.rand(count, generator=generator) - 0.5)
    inner = radius * torch.rand(count, generator=generator).sqrt()
    up = torch.where(kind == 1, 1.0, -1.0)
    axis = torch.tensor([0.0, 0.0, 1.0])
    on_side = radius * ring + height[:, None] * axis
    on_cap = inner[:, None] * ring + (0.5 * length * up)[:, None] * axis
    side_kind = (kind == 0)[:, None]
    return torch.where(side_kind, on_side, on_cap), torch.where(side_kind, ring, up[:, None] * axis)


def _capsule(
    radius: float, straight: float, count: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    normal = _directions(count, generator)
    side = 2.0 * math.pi * radius * straight
    share = side / (side + 4.0 * math.pi * radius**2)
    on_side = (torch.rand(count, generator=generator) < share)[:, None]
    flat = normal * torch.tensor([1.0, 1.0, 0.0])
    flat = flat / torch.linalg.vector_norm(flat, dim=-1, keepdim=True).clamp_min(1e-9)
    height = straight * (torch.rand(count, 1, generator=generator) - 0.5)
    end = 0.5 * straight * torch.sign(normal[:, 2:])
    axis = torch.tensor([0.0, 0.0, 1.0])
    normal = torch.where(on_side, flat, normal)
    return radius * normal + torch.where(on_side, height, end) * axis, normal


def _project_cylinder(
    radius: float, half: float, points: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    flat = points * torch.tensor([1.0, 1.0, 0.0])
    distance = torch.linalg.vector_norm(flat, dim=-1, keepdim=True)
    ring = flat / distance.clamp_min(1e-9)
    height = points[..., 2:].clamp(-half, half)
    inner = distance.clamp(max=radius)
    up = torch.where(points[..., 2:] >= 0.0, 1.0, -1.0)
    axis = torch.tensor([0.0, 0.0, 1.0])
    on_side = radius - inner <= half - height.abs()
    surface = torch.where(on_side, radius * ring + height * axis, inner * ring + half * up * axis)
    return surface, torch.where(on_side, ring, up * axis)
