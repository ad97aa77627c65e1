"""Forward kinematics of a hand on the MJCF that the simulator uses."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import mujoco
import numpy as np

from dexgen_app.errors import ModelError
from dexgen_app.kinematics.frames import relative_pose
from dexgen_app.kinematics.landmarks import FINGER_LANDMARKS
from dexgen_app.spec import FingerSpec, HandSpec

SCALAR_JOINTS = (int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE))


def resolve_model(spec: HandSpec) -> Path:
    """Return the file of a hand's model, which is declared as ``package:relative/path.xml``.

    Raises:
        ModelError: The package is not installed, or has no such file.
    """
    package, colon, relative = spec.model.partition(":")
    found = importlib.util.find_spec(package) if colon and package.isidentifier() else None
    if found is None or not found.submodule_search_locations:
        raise ModelError(
            f"the model {spec.model!r} names no installed package",
            where=f"hand {spec.id}",
            remedy="Declare it as package:relative/path.xml",
        )
    path = Path(next(iter(found.submodule_search_locations))) / relative
    if not path.is_file():
        raise ModelError(
            f"the model file {path} does not exist",
            where=f"hand {spec.id}",
            remedy="Reinstall the plugin, or correct HandSpec.model",
        )
    return path


def load_mjcf(path: Path) -> mujoco.MjModel:
    """Compile an MJCF file.

    Raises:
        ModelError: The file does not exist, does not parse or does not compile.
    """
    if not path.is_file():
        raise ModelError("there is no such file", where=str(path), remedy="Check the path")
    try:
        return mujoco.MjModel.from_xml_path(str(path))
    except ValueError as error:
        text = " ".join(str(error).split())
        raise ModelError(
            f"the model does not compile: {text}",
            where=str(path),
            remedy="Correct the element that the message names",
        ) from error


class HandModel:
    """A hand's kinematics. Joint arrays ``q`` follow ``spec.joint_names`` [rad].

    Joints that the model couples to a driven joint (``equality/joint``) follow it.

    Args:
        spec: The hand.

    Raises:
        ModelError: The model does not compile, or lacks a joint or a site of ``spec``, or a finger
            has a name that no human finger has.
    """

    def __init__(self, spec: HandSpec) -> None:
        self.spec = spec
        for finger in spec.fingers:
            if finger.name not in FINGER_LANDMARKS:
                raise ModelError(
                    f"no human has a finger {finger.name!r}",
                    where=f"hand {spec.id}",
                    remedy=f"Call it one of {', '.join(FINGER_LANDMARKS)}",
                )
        self.path = resolve_model(spec)
        self.mj_model = load_mjcf(self.path)
        self.mj_data = mujoco.MjData(self.mj_model)
        self.body_names: tuple[str, ...] = tuple(
            self.mj_model.body(i).name for i in range(1, self.mj_model.nbody)
        )
        self.qpos_indices = np.array([self._qpos_index(name) for name in spec.joint_names])
        self.followers = _coupled_joints(self.mj_model)
        self._sites = {name: self._site_id(name) for name in (*spec.keypoint_sites, spec.palm_site)}
        self._update(np.array(spec.home))
        self._root_position = self.mj_data.xpos[1].copy()
        self._root_rotation = self.mj_data.xmat[1].reshape(3, 3).copy()
        self._keypoint_ids = [self._sites[name] for name in spec.keypoint_sites]
        self._tip_ids = [self._sites[name] for name in spec.tip_sites]

    def _qpos_index(self, name: str) -> int:
        index = mujoco.mj_name2id(self.mj_model, mujoco.mjtObj.mjOBJ_JOINT, name)
        if index < 0:
            raise ModelError(
                f"the model has no joint {name}",
                where=str(self.path),
                remedy=f"Hand {self.spec.id} names it in joint_names",
            )
        if int(self.mj_model.jnt_type[index]) not in SCALAR_JOINTS:
            raise ModelError(f"joint {name} is neither a hinge nor a slide", where=str(self.path))
        return int(self.mj_model.jnt_qposadr[index])

    def _site_id(self, name: str) -> int:
        index = mujoco.mj_name2id(self.mj_model, mujoco.mjtObj.mjOBJ_SITE, name)
        if index < 0:
            raise ModelError(
                f"the model has no site {name}",
                where=str(self.path),
                remedy=f'Add <site name="{name}"/> to the body that carries it',
            )
        return int(index)

    def configuration(self, q: np.ndarray) -> np.ndarray:
        """Return the model's ``qpos`` (nq,) for ``q``, with coupled joints following."""
        qpos = self.mj_model.qpos0.copy()
        qpos[self.qpos_indices] = q
        for follower, driver, coefficients in self.followers:
            offset = qpos[driver] - self.mj_model.qpos0[driver]
            qpos[follower] = self.mj_model.qpos0[follower] + np.polynomial.polynomial.polyval(
                offset, coefficients
            )
        return qpos

    def _update(self, q: np.ndarray) -> None:
        self.mj_data.qpos[:] = self.configuration(q)
        mujoco.mj_kinematics(self.mj_model, self.mj_data)

    def to_hand(self, points: np.ndarray) -> np.ndarray:
        """Move points (..., 3) [m] from the model's world frame into the hand frame."""
        return (points - self._root_position) @ self._root_rotation

    def finger_base(self, finger: FingerSpec) -> np.ndarray:
        """Return where a finger starts in the open hand, in the hand frame [m], shape (3,).

        That is the last joint before the one at the finger's middle joint: the MCP of a finger,
        the joint at the base of the thumb.
        """
        self._update(np.array(self.spec.home))
        return self.to_hand(self._finger_chain(finger)[0])

    def finger_length(self, finger: FingerSpec) -> tuple[float, float]:
        """Return the length of a finger from its base to the tip and to its middle joint [m]."""
        self._update(np.array(self.spec.home))
        chain = self._finger_chain(finger)
        segments = np.linalg.norm(np.diff(chain, axis=0), axis=1)
        return float(segments.sum()), float(np.linalg.norm(chain[1] - chain[0]))

    def _finger_chain(self, finger: FingerSpec) -> np.ndarray:
        """Return the base, the middle joint, joints beyond it and the tip in the world frame."""
        model, data = self.mj_model, self.mj_data
        middle = int(model.site_bodyid[self._sites[finger.pip_site]])
        above = set(ancestors(model, middle))
        joints = [model.joint(name).id for name in finger.joints]
        before = [j for j in joints if int(model.jnt_bodyid[j]) in above]
        beyond = [j for j in joints if int(model.jnt_bodyid[j]) not in {*above, middle}]
        base = data.xanchor[before[-1]] if before else data.xpos[middle]
        points = [
            base,
            data.site_xpos[self._sites[finger.pip_site]],
            *(data.xanchor[j] for j in beyond),
            data.site_xpos[self._sites[finger.tip_site]],
        ]
        return np.array(points)

    def turn_to_world(self, vectors: np.ndarray) -> np.ndarray:
        """Turn vectors (..., 3) from the hand frame into the model's world frame."""
        return vectors @ self._root_rotation.T

    def to_world(self, points: np.ndarray) -> np.ndarray:
        """Move points (..., 3) [m] from the hand frame into the model's world frame."""
        return self.turn_to_world(points) + self._root_position

    def site_positions(self, q: np.ndarray, sites: Sequence[str]) -> np.ndarray:
        """Return positions of ``sites`` in the hand frame [m], shape (len(sites), 3)."""
        self._update(q)
        ids = [self._sites[s] if s in self._sites else self._site_id(s) for s in sites]
        return self.to_hand(self.mj_data.site_xpos[ids])

    def keypoints(self, q: np.ndarray) -> np.ndarray:
        """Return every PIP, then every tip, in the hand frame [m], shape (2 * fingers, 3)."""
        self._update(q)
        return self.to_hand(self.mj_data.site_xpos[self._keypoint_ids])

    def tips(self, q: np.ndarray) -> np.ndarray:
        """Return the fingertips in the hand frame [m], shape (fingers, 3)."""
        self._update(q)
        return self.to_hand(self.mj_data.site_xpos[self._tip_ids])

    def body_poses(self, q: np.ndarray) -> np.ndarray:
        """Return position [m] and quaternion wxyz of ``body_names`` in the hand frame, (B, 7)."""
        self._update(q)
        poses = np.concatenate([self.mj_data.xpos[1:], self.mj_data.xquat[1:]], axis=1)
        return relative_pose(poses[0], poses)


def ancestors(model: mujoco.MjModel, body: int) -> list[int]:
    """Return the bodies above ``body``, without the world."""
    chain = []
    while (body := int(model.body_parentid[body])) > 0:
        chain.append(body)
    return chain


def _coupled_joints(model: mujoco.MjModel) -> list[tuple[int, int, np.ndarray]]:
    """Return follower, driver (``qpos`` indices) and polynomial of every coupled joint pair."""
    pairs = []
    for i in range(model.neq):
        if int(model.eq_type[i]) != int(mujoco.mjtEq.mjEQ_JOINT) or model.eq_obj2id[i] < 0:
            continue
        follower = int(model.jnt_qposadr[model.eq_obj1id[i]])
        driver = int(model.jnt_qposadr[model.eq_obj2id[i]])
        pairs.append((follower, driver, model.eq_data[i, :5].copy()))
    return pairs
