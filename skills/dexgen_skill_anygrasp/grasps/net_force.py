"""The net-force test: can pushes along the contact normals cancel?

Source: DexterityGen (arXiv 2502.04307), algorithm 4 and appendices A and B. Only forces along the
normals count: neither torques nor friction. A grasp is stable if the smallest

    || sum_i f_i n_i ||^2   with all f_i >= 0 and at least one f_i = 1

is below a threshold. It is found as n sub-problems, each with one f_i fixed to 1.
"""

from __future__ import annotations

from itertools import combinations

import torch


def smallest_net_force(
    normals: torch.Tensor, valid: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the smallest net force and the forces that leave it.

    Each sub-problem is a non-negative least squares problem of at most n - 1 unknowns; it is solved
    exactly by trying every set of unknowns that may be positive.

    Args:
        normals: Unit contact normals, shape (m, n, 3).
        valid: Which contacts exist, shape (m, n); all where None.

    Returns:
        The norm of the net force, shape (m,), where the fixed force is 1; and the forces, shape
        (m, n), zero for contacts that do not exist. Without a contact the norm is infinite.
    """
    count, n, _ = normals.shape
    if valid is None:
        valid = torch.ones(count, n, dtype=torch.bool)
    normals = normals.double() * valid[..., None]
    best = torch.full((count,), torch.inf, dtype=torch.float64)
    forces = torch.zeros(count, n, dtype=torch.float64)
    for fixed in range(n):
        others = [i for i in range(n) if i != fixed]
        for size in range(n):
            for chosen in combinations(others, size):
                trial = torch.zeros(count, n, dtype=torch.float64)
                trial[:, fixed] = 1.0
                allowed = valid[:, fixed].clone()
                if chosen:
                    columns = list(chosen)
                    solution = _least_squares(normals[:, columns], -normals[:, fixed])
                    allowed &= (solution >= -1e-9).all(-1) & valid[:, columns].all(-1)
                    trial[:, columns] = solution.clamp_min(0.0)
                net = torch.linalg.vector_norm((trial[..., None] * normals).sum(1), dim=-1)
                better = allowed & (net < best - 1e-12)
                best = torch.where(better, net, best)
                forces = torch.where(better[:, None], trial, forces)
    return best.float(), forces.float()


def _least_squares(normals: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return f of least || sum_i f_i n_i - right ||, of least norm; (m, k, 3), (m, 3) -> (m, k)."""
    inverse = torch.linalg.pinv(normals.transpose(1, 2), rtol=1e-9)
    return (inverse @ right[..., None]).squeeze(-1)
