"""The net-force test against cases that are solved by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from dexgen_skill_anygrasp.grasps.net_force import smallest_net_force


def _solve(*normals: tuple[float, float, float]) -> tuple[float, list[float]]:
    net, forces = smallest_net_force(torch.tensor([normals]))
    return float(net[0]), forces[0].tolist()


def test_opposite_contacts_cancel() -> None:
    net, forces = _solve((1, 0, 0), (-1, 0, 0))
    assert net == pytest.approx(0.0, abs=1e-6)
    assert forces == pytest.approx([1.0, 1.0])


def test_perpendicular_contacts_leave_one_whole_force() -> None:
    assert _solve((1, 0, 0), (0, 1, 0))[0] == pytest.approx(1.0)


def test_two_contacts_at_120_degrees_leave_sine_of_60() -> None:
    # min over f of |n1 + f n2|: f = cos(60 deg) = 0.5, rest sin(120 deg).
    net, forces = _solve((1, 0, 0), (-0.5, math.sqrt(0.75), 0))
    assert net == pytest.approx(math.sqrt(0.75), abs=1e-6)
    assert sorted(forces) == pytest.approx([0.5, 1.0])


def test_three_contacts_in_a_plane_cancel() -> None:
    angles = (0.0, 2.0 * math.pi / 3.0, 4.0 * math.pi / 3.0)
    net, forces = _solve(*[(math.cos(a), math.sin(a), 0.0) for a in angles])
    assert net == pytest.approx(0.0, abs=1e-6)
    assert forces == pytest.approx([1.0, 1.0, 1.0], abs=1e-6)


def test_contacts_on_one_side_never_help() -> None:
    net, forces = _solve((1, 0, 0), (1, 0, 0), (0.6, 0.8, 0))
    assert net == pytest.approx(1.0)
    assert sorted(forces) == pytest.approx([0.0, 0.0, 1.0])


def test_missing_contacts_do_not_count() -> None:
    normals = torch.tensor([[[1.0, 0, 0], [-1.0, 0, 0]]])
    net, forces = smallest_net_force(normals, torch.tensor([[True, False]]))
    assert float(net[0]) == pytest.approx(1.0)
    assert forces[0].tolist() == [1.0, 0.0]
    net, _ = smallest_net_force(normals, torch.tensor([[False, False]]))
    assert math.isinf(float(net[0]))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 4), st.integers(0, 2**31 - 1))
def test_agrees_with_a_general_solver(contacts: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    normals = torch.randn(1, contacts, 3, generator=generator)
    normals /= torch.linalg.vector_norm(normals, dim=-1, keepdim=True)
    net, forces = smallest_net_force(normals)
    matrix = normals[0].double().numpy().T
    expected = min(
        nnls(matrix[:, [j for j in range(contacts) if j != i]], -matrix[:, i])[1]
        for i in range(contacts)
    )
    assert float(net[0]) == pytest.approx(expected, abs=1e-5)
    assert float(forces.min()) >= 0.0
    assert float((forces - 1.0).abs().min()) < 1e-9
    rest = torch.linalg.vector_norm((forces[0, :, None] * normals[0]).sum(0))
    assert float(rest) == pytest.approx(expected, abs=1e-5)
