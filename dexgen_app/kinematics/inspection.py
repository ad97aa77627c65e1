"""Checks of a hand's model: what the application needs, what it found, and what to do.

``inspect_hand`` looks at a declared hand, ``inspect_file`` at any MJCF file, whose fingers are then
guessed from the names of its sites.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import mujoco
import numpy as np

from dexgen_app.errors import ModelError
from dexgen_app.kinematics.model import SCALAR_JOINTS, load_mjcf, resolve_model
from dexgen_app.spec import HandSpec

Level = Literal["ok", "note", "warning", "error"]

FINGER_PREFIXES = {
    "index": ("ff", "if", "index"),
    "middle": ("mf", "middle"),
    "ring": ("rf", "ring"),
    "little": ("lf", "pf", "little", "pinky"),
    "thumb": ("th", "thumb"),
}
"""Beginnings of site names by which a file's fingers are recognised."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One result of a check: how bad, about what, what was found and what to do."""

    level: Level
    topic: str
    text: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Finger:
    """A finger of the model under inspection; an empty site name means that it is missing."""

    name: str
    tip_site: str
    pip_site: str


@dataclass(kw_only=True)
class Subject:
    """The model under inspection.

    Attributes:
        title: What is inspected.
        path: Its file.
        model: The compiled model.
        data: The model at ``home``.
        spec: The declaration, if there is one.
        side: ``right``, ``left``, or empty when unknown.
        joints: Names of the driven joints.
        fingers: Fingers, declared or guessed.
        home: Joint positions (nq,) that are called the open hand.
    """

    title: str
    path: Path
    model: mujoco.MjModel
    data: mujoco.MjData
    spec: HandSpec | None
    side: str
    joints: tuple[str, ...]
    fingers: tuple[Finger, ...]
    home: np.ndarray


@dataclass(kw_only=True)
class HandReport:
    """All that was found out about a hand.

    Attributes:
        title: What was inspected.
        path: Its file.
        side: ``right``, ``left``, or empty when unknown.
        facts: Figures by topic, made of plain Python values.
        findings: Results of the checks.
    """

    title: str
    path: str
    side: str
    facts: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def add(self, level: Level, topic: str, text: str, remedy: str = "") -> None:
        """Note the result of a check."""
        self.findings.append(Finding(level=level, topic=topic, text=text, remedy=remedy))

    def count(self, level: Level) -> int:
        """Return the number of findings of ``level``."""
        return sum(finding.level == level for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {
            "title": self.title,
            "path": self.path,
            "side": self.side,
            "errors": self.count("error"),
            "warnings": self.count("warning"),
            **self.facts,
            "findings": [asdict(finding) for finding in self.findings],
        }


def inspect_hand(spec: HandSpec) -> HandReport:
    """Inspect a declared hand.

    Raises:
        ModelError: The model file does not exist or does not compile.
    """
    path = resolve_model(spec)
    model = load_mjcf(path)
    fingers = tuple(
        Finger(
            name=f.name,
            tip_site=f.tip_site if _has_site(model, f.tip_site) else "",
            pip_site=f.pip_site if _has_site(model, f.pip_site) else "",
        )
        for f in spec.fingers
    )
    home = model.qpos0.copy()
    for name, value in zip(spec.joint_names, spec.home):
        joint = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, name)
        if joint >= 0:
            home[model.jnt_qposadr[joint]] = value
    return _inspect(
        Subject(
            title=f"{spec.title} ({spec.id})",
            path=path,
            model=model,
            data=mujoco.MjData(model),
            spec=spec,
            side=spec.side,
            joints=spec.joint_names,
            fingers=fingers,
            home=home,
        )
    )


def inspect_file(path: Path) -> HandReport:
    """Inspect an MJCF file that no plugin declares.

    Raises:
        ModelError: The file does not exist, is no MJCF, or does not compile.
    """
    if path.is_dir():
        raise ModelError("this is a folder", where=str(path), remedy="Name an MJCF file")
    model = load_mjcf(path)
    driven = [
        model.joint(i).name for i in range(model.njnt) if int(model.jnt_type[i]) in SCALAR_JOINTS
    ]
    followers = {
        int(model.eq_obj1id[i])
        for i in range(model.neq)
        if int(model.eq_type[i]) == int(mujoco.mjtEq.mjEQ_JOINT)
    }
    driven = [name for name in driven if model.joint(name).id not in followers]
    low, high = model.jnt_range.T
    home = model.qpos0.copy()
    for i in range(model.njnt):
        if int(model.jnt_type[i]) in SCALAR_JOINTS and model.jnt_limited[i]:
            address = model.jnt_qposadr[i]
            home[address] = np.clip(home[address], low[i], high[i])
    model_name = model.names.split(b"\0", 1)[0].decode(errors="replace")
    words = f"{path.name} {model_name}".lower()
    sides = [side for side in ("right", "left") if side in words]
    return _inspect(
        Subject(
            title=path.name,
            path=path,
            model=model,
            data=mujoco.MjData(model),
            spec=None,
            side=sides[0] if len(sides) == 1 else "",
            joints=tuple(driven),
            fingers=_guess_fingers(model),
            home=home,
        )
    )


def _has_site(model: mujoco.MjModel, name: str) -> bool:
    return mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, name) >= 0


def _guess_fingers(model: mujoco.MjModel) -> tuple[Finger, ...]:
    """Return the fingers whose sites are named like ``ff_tip`` or ``index_tip``."""
    sites = [model.site(i).name for i in range(model.nsite)]
    fingers = []
    for name, prefixes in FINGER_PREFIXES.items():

        def find(kind: str, prefixes: tuple[str, ...] = prefixes) -> str:
            for site in sites:
                words = site.lower().replace("-", "_").split("_")
                named = any(word.startswith(p) for word in words for p in prefixes)
                if named and any(kind in word for word in words):
                    return site
            return ""

        tip, pip = find("tip"), find("pip")
        if tip or pip:
            fingers.append(Finger(name=name, tip_site=tip, pip_site=pip))
    return tuple(fingers)


def _inspect(subject: Subject) -> HandReport:
    """Run every check."""
    from dexgen_app.kinematics import inspect_geometry, inspect_structure

    report = HandReport(title=subject.title, path=str(subject.path), side=subject.side)
    subject.data.qpos[:] = subject.home
    mujoco.mj_forward(subject.model, subject.data)
    inspect_structure.check(subject, report)
    inspect_geometry.check(subject, report)
    return report
