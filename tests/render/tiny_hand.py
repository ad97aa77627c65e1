"""A hand with two fingers of primitives, for tests that must not depend on a real hand's looks."""

from __future__ import annotations

import mujoco
import numpy as np

from dexgen_app.spec import FingerSpec, HandSpec

MJCF = """
<mujoco>
  <compiler angle="radian"/>
  <asset><material name="pad" rgba="0.1 0.5 0.9 1" specular="0.8" shininess="0.6"/></asset>
  <worldbody>
    <body name="palm">
      <geom group="2" type="box" size="0.015 0.04 0.045" pos="0 0 0.045" rgba="0.25 0.27 0.3 1"/>
      <geom group="3" type="sphere" size="0.2" name="collision"/>
      <body name="index" pos="0 0.022 0.09">
        <joint name="index" axis="0 1 0" range="0 1.6"/>
        <geom group="2" type="capsule" fromto="0 0 0.01 0 0 0.06" size="0.01"
              rgba="0.85 0.85 0.84 1"/>
        <geom group="2" type="sphere" pos="0 0 0.066" size="0.012" material="pad"/>
        <site name="index_pip" pos="0 0 0.03"/>
        <site name="index_tip" pos="0 0 0.078"/>
      </body>
      <body name="thumb" pos="0 -0.022 0.09">
        <joint name="thumb" axis="0 1 0" range="0 1.6"/>
        <geom group="2" type="cylinder" fromto="0 0 0.01 0 0 0.06" size="0.011"
              rgba="0.85 0.85 0.84 1"/>
        <geom group="2" type="ellipsoid" pos="0 0 0.066" size="0.011 0.013 0.014"
              rgba="0.85 0.3 0.25 1"/>
        <site name="thumb_pip" pos="0 0 0.03"/>
        <site name="thumb_tip" pos="0 0 0.08"/>
      </body>
      <site name="palm" pos="0.015 0 0.05"/>
    </body>
  </worldbody>
</mujoco>
"""


def _finger(name: str, first: int) -> FingerSpec:
    return FingerSpec(
        name=name,
        joints=(name,),
        tip_site=f"{name}_tip",
        pip_site=f"{name}_pip",
        landmarks=(first, first + 1, first + 2, first + 3),
    )


SPEC = HandSpec(
    id="tiny",
    title="Tiny",
    side="right",
    model="nowhere:tiny.xml",
    joint_names=("index", "thumb"),
    lower=(0.0, 0.0),
    upper=(1.6, 1.6),
    max_speed=(5.0, 5.0),
    max_effort=(1.0, 1.0),
    home=(0.0, 0.0),
    fingers=(_finger("index", 5), _finger("thumb", 1)),
    grasp=(0.9, 0.9),
    grasp_center=(0.06, 0.0, 0.05),
)


class TinyHand:
    """Has the parts of ``HandModel`` that drawing uses."""

    def __init__(self, mjcf: str = MJCF) -> None:
        self.spec = SPEC
        self.mj_model = mujoco.MjModel.from_xml_string(mjcf)
        self.body_names = tuple(self.mj_model.body(i).name for i in range(1, self.mj_model.nbody))
        self._data = mujoco.MjData(self.mj_model)

    def body_poses(self, q: np.ndarray) -> np.ndarray:
        """Position and quaternion wxyz of every body, shape (3, 7)."""
        self._data.qpos[:] = q
        mujoco.mj_kinematics(self.mj_model, self._data)
        return np.column_stack([self._data.xpos[1:], self._data.xquat[1:]])
