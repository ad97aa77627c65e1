"""Checks of a hand model's parts: root, joints, actuators, couplings, masses and declared poses."""

from __future__ import annotations

import mujoco
import numpy as np

from dexgen_app.kinematics.inspection import HandReport, Subject
from dexgen_app.kinematics.model import SCALAR_JOINTS

LIMIT_TOLERANCE = 1e-3
"""Difference of declared and modelled joint limits that passes as rounding [rad]."""

MIN_RANGE = 0.05
"""A joint that turns by less was probably given in the wrong unit [rad]."""

MASS_RANGE = (0.05, 10.0)
"""Believable masses of a hand [kg]."""

MAX_GYRATION = 0.2
"""Largest believable radius of gyration of a link [m]."""


def check(subject: Subject, report: HandReport) -> None:
    """Run the checks of this module."""
    _check_root(subject, report)
    _check_joints(subject, report)
    _check_couplings(subject, report)
    _check_actuators(subject, report)
    _check_masses(subject, report)
    if subject.spec is not None:
        _check_poses(subject, report)


def _check_root(subject: Subject, report: HandReport) -> None:
    model = subject.model
    roots = [i for i in range(1, model.nbody) if model.body_parentid[i] == 0]
    free = [i for i in range(model.njnt) if int(model.jnt_type[i]) not in SCALAR_JOINTS]
    if not roots:
        report.add("error", "root", "the model has no body", "Put the hand under <worldbody>")
        return
    if len(roots) > 1:
        names = ", ".join(model.body(i).name or f"#{i}" for i in roots)
        report.add(
            "error",
            "root",
            f"{len(roots)} bodies stand in the world: {names}",
            "Keep the hand only; the application adds ground and objects",
        )
    if free:
        names = ", ".join(model.joint(i).name or f"#{i}" for i in free)
        report.add(
            "error",
            "root",
            f"free or ball joints: {names}",
            "Remove them; the application holds the wrist. Keyframes with their values go too",
        )
    if (np.array(model.geom_bodyid) == 0).any():
        report.add(
            "warning",
            "root",
            "the model has geoms of its own world, such as a floor",
            "Remove them; the application composes the scene",
        )
    if len(roots) == 1 and not free:
        report.add(
            "ok", "root", f"one root body, {model.body(roots[0]).name!r}, without a free joint"
        )


def _check_joints(subject: Subject, report: HandReport) -> None:
    model, spec = subject.model, subject.spec
    table = []
    for name in subject.joints:
        joint = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, name)
        if joint < 0:
            report.add(
                "error",
                "joints",
                f"the declared joint {name} is not in the model",
                "Correct joint_names or the model",
            )
            continue
        low, high = (float(v) for v in model.jnt_range[joint])
        limited = bool(model.jnt_limited[joint]) and low < high
        table.append(
            {
                "name": name,
                "type": "hinge" if model.jnt_type[joint] == SCALAR_JOINTS[0] else "slide",
                "lower": round(low, 6),
                "upper": round(high, 6),
                "limited": limited,
                "damping": float(model.dof_damping[model.jnt_dofadr[joint]]),
                "armature": float(model.dof_armature[model.jnt_dofadr[joint]]),
            }
        )
        if not limited:
            report.add("error", "joints", f"{name} has no limits", "Give it range=... in radians")
        elif max(abs(low), abs(high)) > 6.3:
            report.add(
                "warning",
                "joints",
                f"{name} turns from {low:g} to {high:g} rad, more than once round",
                'Check <compiler angle="radian"/>',
            )
        elif high - low < MIN_RANGE:
            report.add(
                "warning",
                "joints",
                f"{name} turns by {high - low:.2g} rad only",
                'Check <compiler angle="radian"/>: without it, ranges are degrees',
            )
        if spec is not None and limited:
            index = spec.joint_index(name)
            declared = spec.lower[index], spec.upper[index]
            if np.abs(np.subtract(declared, (low, high))).max() > LIMIT_TOLERANCE:
                report.add(
                    "error",
                    "joints",
                    f"{name} is declared from {declared[0]:g} to {declared[1]:g} rad, "
                    f"but modelled from {low:g} to {high:g}",
                    "Make both equal",
                )
    report.facts["joints"] = table
    if not table:
        report.add("error", "joints", "no hinge or slide joint", "A hand needs driven joints")
    bare = [row["name"] for row in table if row["armature"] == 0.0]
    if bare:
        report.add(
            "warning",
            "joints",
            f"no armature on {_some(bare)}",
            "Author one (0.001 kg m2 suits geared fingers); without, light links shake",
        )
    if table and not any(f.topic == "joints" and f.level == "error" for f in report.findings):
        report.add("ok", "joints", f"{len(table)} driven joints, all limited")


def _check_couplings(subject: Subject, report: HandReport) -> None:
    model = subject.model
    coupled = []
    for i in range(model.neq):
        if int(model.eq_type[i]) == int(mujoco.mjtEq.mjEQ_JOINT) and model.eq_obj2id[i] >= 0:
            coupled.append(
                {
                    "follower": model.joint(int(model.eq_obj1id[i])).name,
                    "driver": model.joint(int(model.eq_obj2id[i])).name,
                    "polynomial": [float(c) for c in model.eq_data[i, :5]],
                }
            )
        else:
            report.add(
                "warning",
                "couplings",
                "an equality constraint that is not between two joints",
                "Retargeting cannot follow it; the simulator may",
            )
    report.facts["coupled_joints"] = coupled
    followers = {row["follower"] for row in coupled}
    for row in coupled:
        report.add("note", "couplings", f"{row['follower']} follows {row['driver']}")
    both = followers & set(subject.joints)
    if both:
        report.add(
            "error",
            "couplings",
            f"{_some(sorted(both))} follow other joints and are declared as driven",
            "Leave followers out of joint_names",
        )
    every = {
        model.joint(i).name for i in range(model.njnt) if int(model.jnt_type[i]) in SCALAR_JOINTS
    }
    left_over = sorted(every - followers - set(subject.joints))
    if left_over:
        report.add(
            "error",
            "couplings",
            f"{_some(left_over)} are neither driven nor coupled",
            "Declare them, couple them with <equality><joint/>, or remove them",
        )
    if model.ntendon:
        report.add(
            "warning",
            "couplings",
            f"{model.ntendon} tendons",
            "The simulator only approximates tendons; couple joints by <equality> instead",
        )


def _check_actuators(subject: Subject, report: HandReport) -> None:
    model = subject.model
    driving: dict[str, list[int]] = {name: [] for name in subject.joints}
    for i in range(model.nu):
        if int(model.actuator_trntype[i]) != int(mujoco.mjtTrn.mjTRN_JOINT):
            report.add(
                "warning",
                "actuators",
                f"{model.actuator(i).name} does not drive a joint",
                "Drive joints directly",
            )
            continue
        name = model.joint(int(model.actuator_trnid[i, 0])).name
        driving.setdefault(name, []).append(i)
    table = []
    for name, actuators in driving.items():
        if len(actuators) != 1:
            text = "no actuator" if not actuators else f"{len(actuators)} actuators"
            report.add("error", "actuators", f"{name} has {text}", "Give it one <position>")
            continue
        i = actuators[0]
        stiffness = float(model.actuator_gainprm[i, 0])
        damping = -float(model.actuator_biasprm[i, 2])
        servo = np.isclose(stiffness, -model.actuator_biasprm[i, 1]) and stiffness > 0.0
        low, high = (float(v) for v in model.actuator_forcerange[i])
        limited = bool(model.actuator_forcelimited[i])
        table.append(
            {
                "joint": name,
                "name": model.actuator(i).name,
                "kp": stiffness,
                "kv": damping,
                "force_limit": high if limited else None,
            }
        )
        if not servo:
            report.add(
                "error",
                "actuators",
                f"{name} is not driven by a position servo",
                "Use <position kp=... kv=...>",
            )
        if not limited or not low < 0.0 < high:
            report.add(
                "warning",
                "actuators",
                f"{name} has no torque limit",
                "Give its actuator forcerange; an unlimited finger crushes what it holds",
            )
        dof = int(model.jnt_dofadr[model.joint(name).id])
        if damping <= 0.0 and model.dof_damping[dof] <= 0.0:
            report.add(
                "warning",
                "actuators",
                f"{name} is not damped at all",
                "Give its actuator kv, or its joint damping",
            )
    report.facts["actuators"] = table
    if table and len(table) == len(subject.joints):
        gains = sorted({(row["kp"], row["kv"]) for row in table})
        text = "; ".join(f"kp {kp:g} kv {kv:g}" for kp, kv in gains[:4])
        report.add("ok", "actuators", f"{len(table)} position servos ({text})")


def _check_masses(subject: Subject, report: HandReport) -> None:
    model = subject.model
    total = float(model.body_mass[1:].sum())
    report.facts["mass_kg"] = round(total, 6)
    report.facts["links"] = [
        {
            "name": model.body(i).name,
            "mass_kg": float(model.body_mass[i]),
            "inertia_kg_m2": [float(v) for v in model.body_inertia[i]],
        }
        for i in range(1, model.nbody)
    ]
    low, high = MASS_RANGE
    if not low <= total <= high:
        report.add(
            "warning",
            "masses",
            f"the whole hand has {total:.4g} kg",
            "Check masses and densities (SI units)",
        )
    else:
        report.add("ok", "masses", f"{total:.3f} kg in {model.nbody - 1} links")
    for i in range(1, model.nbody):
        gyration = np.sqrt(model.body_inertia[i].max() / max(float(model.body_mass[i]), 1e-9))
        if gyration > MAX_GYRATION:
            report.add(
                "warning",
                "masses",
                f"{model.body(i).name} is as hard to turn as a mass {gyration:.2g} m away",
                "Check its inertia (kg m2)",
            )


def _check_poses(subject: Subject, report: HandReport) -> None:
    spec = subject.spec
    assert spec is not None
    for title in ("home", "grasp"):
        pose = np.array(getattr(spec, title))
        out = (pose < spec.limits[0] - 1e-9) | (pose > spec.limits[1] + 1e-9)
        if out.any():
            names = [spec.joint_names[i] for i in np.flatnonzero(out)]
            report.add(
                "error", "poses", f"{title} is out of limits at {_some(names)}", f"Correct {title}"
            )
        else:
            report.add("ok", "poses", f"{title} lies within the limits")


def _some(names: list[str], most: int = 6) -> str:
    """Return a short list of names."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
