"""A hand with a coupled joint, in a package of its own."""

from __future__ import annotations

import pytest

from dexgen_app.spec import FingerSpec, HandSpec

COUPLED = """
<mujoco>
  <compiler angle="radian"/>
  <worldbody>
    <body name="palm" pos="1 2 3" quat="0.7071068 0 0 0.7071068">
      <inertial pos="0 0 0" mass="0.1" diaginertia="1e-4 1e-4 1e-4"/>
      <site name="palm"/>
      <body name="proximal" pos="0 0 0.1">
        <joint name="a" axis="0 1 0" range="0 1.5"/>
        <geom type="capsule" fromto="0 0 0 0 0 0.05" size="0.01"/>
        <body name="distal" pos="0 0 0.05">
          <joint name="b" axis="0 1 0" range="0 1.5"/>
          <geom type="capsule" fromto="0 0 0 0 0 0.03" size="0.01"/>
          <site name="index_pip"/>
          <site name="index_tip" pos="0 0 0.03"/>
        </body>
      </body>
    </body>
  </worldbody>
  <equality><joint joint1="b" joint2="a" polycoef="0.1 0.5 0 0 0"/></equality>
</mujoco>
"""


@pytest.fixture
def coupled(tmp_path, monkeypatch) -> HandSpec:
    """A one-finger hand whose outer joint follows the inner one, in a package of its own."""
    package = tmp_path / "one_finger_hand"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "hand.xml").write_text(COUPLED)
    monkeypatch.syspath_prepend(str(tmp_path))
    finger = FingerSpec(
        name="index",
        joints=("a",),
        tip_site="index_tip",
        pip_site="index_pip",
        landmarks=(5, 6, 7, 8),
    )
    one = (1.0,)
    return HandSpec(
        id="one",
        title="One",
        side="right",
        model="one_finger_hand:hand.xml",
        joint_names=("a",),
        lower=(0.0,),
        upper=(1.5,),
        max_speed=one,
        max_effort=one,
        home=(0.0,),
        fingers=(finger,),
        grasp=one,
        grasp_center=(0.0, 0.0, 0.0),
    )
