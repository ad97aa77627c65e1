"""Every tensor of an environment is made where the simulator's are: also on a graphics card."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from dexgen_app.errors import InputError, SimulationError
from dexgen_app.learn.environment import EnvironmentContext, HandEnvironment
from dexgen_app.learn.environment_config import EnvironmentConfig
from dexgen_app.learn.grasp_set import GraspSet
from dexgen_app.learn.randomisation import Randomisation
from dexgen_app.learn.vector import build_environment, make_batch
from dexgen_hand_allegro.spec import RIGHT
from dexgen_skill_anygrasp.config import AnyGraspConfig
from dexgen_skill_anygrasp.environment import AnyGraspEnvironment
from dexgen_skill_free_finger.config import FreeFingerConfig
from dexgen_skill_free_finger.environment import FreeFingerEnvironment
from dexgen_skill_rotate.config import RotateConfig
from dexgen_skill_rotate.environment import RotateEnvironment

MAKERS = {
    torch.arange,
    torch.empty,
    torch.eye,
    torch.full,
    torch.ones,
    torch.rand,
    torch.randint,
    torch.randn,
    torch.randperm,
    torch.tensor,
    torch.zeros,
}


class _Watch(TorchFunctionMode):
    """Counts the tensors that are made neither with a device nor where a default one is set."""

    def __init__(self) -> None:
        super().__init__()
        self.within = 0
        self.astray: list[str] = []

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if function in MAKERS and kwargs.get("device") is None and not self.within:
            self.astray.append(function.__name__)
        return function(*args, **kwargs)

    @contextlib.contextmanager
    def on_device(self, _context: EnvironmentContext) -> Iterator[None]:
        self.within += 1
        try:
            yield
        finally:
            self.within -= 1


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        (AnyGraspEnvironment, AnyGraspConfig),
        (RotateEnvironment, RotateConfig),
        (FreeFingerEnvironment, FreeFingerConfig),
    ],
)
def test_no_tensor_is_made_elsewhere(
    grasp_set: GraspSet,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[HandEnvironment],
    config: type[EnvironmentConfig],
) -> None:
    watch = _Watch()
    monkeypatch.setattr(EnvironmentContext, "on_device", lambda context: watch.on_device(context))
    context = EnvironmentContext(hand=RIGHT, engine="mujoco", environments=3, stagger=True)
    settings = config(
        episode_seconds=0.5, wrist_speed=0.5, randomisation=Randomisation(enabled=True)
    )
    action = torch.zeros(3, 16)

    def make(context: EnvironmentContext, settings: EnvironmentConfig) -> HandEnvironment:
        return kind(context, settings, grasps=[grasp_set])

    with watch:
        environment = build_environment(make, context, settings)
        environment.reset()
        done = [environment.step(action).done for _ in range(8)]
        environment.drain_counts()
        assert watch.astray == []
        kind(context, settings, grasps=[grasp_set])
    assert bool(torch.stack(done).any())
    assert watch.astray, "the watch does not see what is made elsewhere"


def test_what_is_not_built_for_a_card_says_so(
    grasp_set: GraspSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EnvironmentContext, "device", torch.device("cuda"))
    context = EnvironmentContext(hand=RIGHT, environments=4)
    with pytest.raises(SimulationError, match="only training"):
        AnyGraspEnvironment(context, AnyGraspConfig(), grasps=[grasp_set])


def test_one_card_takes_one_process(grasp_set: GraspSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EnvironmentContext, "device", torch.device("cuda"))
    context = EnvironmentContext(hand=RIGHT, environments=4)
    with pytest.raises(InputError, match="--processes 1"):
        make_batch(AnyGraspEnvironment, context, AnyGraspConfig(), 2)
