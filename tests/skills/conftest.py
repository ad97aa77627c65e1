"""The tiny grasp set of the learning tests."""

from __future__ import annotations

import pytest

from dexgen_app.learn.grasp_set import GraspSet
from tests.learn.conftest import make_grasp_set


@pytest.fixture
def grasp_set() -> GraspSet:
    return make_grasp_set()
