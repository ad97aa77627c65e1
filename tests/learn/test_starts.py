"""Starting where others were stuck: the same object only, a share only, the newest states."""

from __future__ import annotations

import torch

from dexgen_app.learn.starts import KEPT, Start, StuckStates


def starts(*values: float) -> Start:
    column = torch.tensor(values)[:, None]
    return Start(
        joints=column.expand(-1, 16),
        target=column.expand(-1, 16),
        pose=column.expand(-1, 7),
        gravity=column.expand(-1, 3),
        direction=column[:, 0].long(),
    )


def test_only_states_of_the_same_object_are_put_in() -> None:
    stuck, random = StuckStates(), torch.Generator().manual_seed(0)
    stuck.keep(starts(1.0, 2.0, 3.0), torch.tensor([0, 0, 2]))
    owners = torch.tensor([0, 1, 2] * 50)
    grasps = starts(*[9.0] * 150)
    found = stuck.put_in(grasps, owners, 1.0, random)
    assert set(found.direction[owners == 0].tolist()) == {1, 2}
    assert set(found.direction[owners == 1].tolist()) == {9}
    assert set(found.direction[owners == 2].tolist()) == {3}
    for part in (found.joints, found.target, found.pose, found.gravity):
        assert torch.equal(part[:, 0], found.direction.float())
    assert set(grasps.direction.tolist()) == {9}


def test_a_share_is_put_in() -> None:
    stuck, random = StuckStates(), torch.Generator().manual_seed(0)
    stuck.keep(starts(1.0), torch.tensor([0]))
    owners = torch.zeros(4000, dtype=torch.long)
    found = stuck.put_in(starts(*[9.0] * 4000), owners, 0.3, random)
    assert 0.27 < float((found.direction == 1).float().mean()) < 0.33


def test_the_oldest_states_make_room() -> None:
    stuck, random = StuckStates(), torch.Generator().manual_seed(0)
    for value in range(3):
        stuck.keep(starts(*[float(value)] * (KEPT // 2)), torch.zeros(KEPT // 2, dtype=torch.long))
    assert len(stuck) == KEPT
    owners = torch.zeros(100, dtype=torch.long)
    found = stuck.put_in(starts(*[9.0] * 100), owners, 1.0, random)
    assert set(found.direction.tolist()) == {1, 2}
