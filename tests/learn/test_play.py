"""A policy played for somebody to watch."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from dexgen_app.errors import InputError
from dexgen_app.learn.config import to_plain
from dexgen_app.learn.grasp_set import grasp_path, save_grasps
from dexgen_app.learn.play import build, play, stream
from dexgen_app.learn.policy import Policy, save_policy, shipped_policy
from dexgen_app.live.row import row_dtype
from dexgen_app.plugins import PluginRegistry
from dexgen_app.spec import ObjectSpec
from dexgen_hand_allegro.spec import RIGHT
from dexgen_skill_anygrasp.config import AnyGraspConfig
from tests.learn.conftest import make_grasp_set
from tests.policies import make_policy

SIZE = 149


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Policy:
    monkeypatch.setenv("DEXGEN_HOME", str(tmp_path))
    save_grasps(grasp_path(RIGHT, ObjectSpec()), make_grasp_set())
    return make_policy(
        SIZE,
        config=to_plain(AnyGraspConfig(episode_seconds=0.5)),
        biases=(0.2 * torch.ones(16),),
    )


def test_rows_follow_the_hand_and_count_episodes(policy: Policy) -> None:
    environment = build(policy, "mujoco", "palm_down", 3)
    rows = [row.copy() for row in islice(play(environment, policy), 12)]
    assert [int(row["tick"][0]) for row in rows] == list(range(1, 13))
    assert int(rows[-1]["episode"][0]) >= 2  # each is cut after half a second at the latest
    table = np.concatenate(rows)
    assert np.isfinite(table["object_pose"]).all() and np.ptp(table["position"], axis=0).max() > 0
    assert table["gravity"][:, 0].min() > 0.8, "gravity leaves the palm"
    environment.close()
    with pytest.raises(InputError, match="no gravity 'up'"):
        build(policy, "mujoco", "up", 0)


def test_the_stream_says_what_it_shows(policy: Policy) -> None:
    class Closed(io.BytesIO):
        def flush(self) -> None:
            if self.tell() > 3 * row_dtype(16).itemsize:
                raise BrokenPipeError

    out = Closed()
    with pytest.raises(BrokenPipeError):
        stream(build(policy, "mujoco", "", 0), policy, out)
    head, _, rows = out.getvalue().partition(b"\n")
    facts = json.loads(head)
    assert (facts["hand"], facts["step_seconds"]) == (RIGHT.id, pytest.approx(0.1))
    assert len(rows) % row_dtype(16).itemsize == 0


def test_a_policy_that_cannot_be_played_is_told_in_one_line(policy: Policy, tmp_path) -> None:
    path = tmp_path / "policy.safetensors"
    small = ObjectSpec(size=(0.05, 0.05, 0.05))
    save_policy(path, replace(policy, config=to_plain(AnyGraspConfig(objects=(small,)))))
    result = subprocess.run(
        [sys.executable, "-m", "dexgen_app.learn.play", str(path)],
        capture_output=True,
        text=True,
        timeout=200,
        env=dict(os.environ),
        check=False,
    )
    assert result.returncode == 2 and result.stdout == ""
    assert "there is no such grasp set" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("id", ["anygrasp", "rotate"])
def test_what_is_shipped_plays_where_no_grasps_were_made(
    id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEXGEN_HOME", str(tmp_path))
    shipped = shipped_policy(PluginRegistry.load().find_skill(id), RIGHT)
    environment = build(shipped, "mujoco", "", 0)
    rows = [row.copy() for row in islice(play(environment, shipped), 20)]
    assert int(rows[-1]["episode"][0]) == 0, "the object is still in the hand"
    environment.close()
