"""Checks of a hand model's geometry: sites, the canonical frame, and collisions with itself."""

from __future__ import annotations

from collections import Counter

import mujoco
import numpy as np

from dexgen_app.kinematics.inspection import FINGER_PREFIXES, HandReport, Subject
from dexgen_app.kinematics.model import SCALAR_JOINTS, ancestors

MAX_TILT = np.radians(15.0)
"""Largest angle between an axis of the hand frame and where it should point [rad]."""

FLEXION = 0.3
"""How far joints are bent to see where a finger closes [rad]."""

RANDOM_POSES = 500
RANDOM_SEED = 0
MAX_FACES = 200_000


def check(subject: Subject, report: HandReport) -> None:
    """Run the checks of this module."""
    _check_sites(subject, report)
    _check_frame(subject, report)
    _check_collision_geoms(subject, report)
    _check_self_collision(subject, report)


def _check_sites(subject: Subject, report: HandReport) -> None:
    model = subject.model
    palm = subject.spec.palm_site if subject.spec else "palm"
    report.facts["fingers"] = [
        {"name": f.name, "tip_site": f.tip_site, "pip_site": f.pip_site} for f in subject.fingers
    ]
    if mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, palm) < 0:
        report.add(
            "error",
            "sites",
            f"there is no site {palm!r}",
            f'Add <site name="{palm}"/> in the middle of the palm',
        )
    if not any(finger.tip_site for finger in subject.fingers):
        report.add(
            "error",
            "sites",
            "there is no fingertip site",
            "Add a site at every tip's contact point, named like index_tip or ff_tip",
        )
    for finger in subject.fingers:
        for kind, site in (("tip", finger.tip_site), ("pip", finger.pip_site)):
            if not site:
                report.add(
                    "error",
                    "sites",
                    f"the {finger.name} finger has no {kind} site",
                    f"Add one at its {'contact point' if kind == 'tip' else 'middle joint'}",
                )
    for finger in subject.fingers:
        if finger.name not in FINGER_PREFIXES:
            report.add(
                "error",
                "sites",
                f"no human has a finger {finger.name!r}",
                f"Call it one of {', '.join(FINGER_PREFIXES)}",
            )
    if subject.fingers and "thumb" not in [f.name for f in subject.fingers]:
        report.add("warning", "sites", "there is no thumb", "Pinching needs a finger named thumb")
    if not any(f.topic == "sites" for f in report.findings):
        names = ", ".join(finger.name for finger in subject.fingers)
        report.add("ok", "sites", f"palm, and tip and middle joint of {names}")
    report.facts["tips_m"] = {
        finger.name: [round(float(v), 5) for v in _local(subject, finger.tip_site)]
        for finger in subject.fingers
        if finger.tip_site
    }


def _local(subject: Subject, site: str) -> np.ndarray:
    """Return a site's position in the hand frame [m]."""
    data = subject.data
    return (data.site(site).xpos - data.xpos[1]) @ data.xmat[1].reshape(3, 3)


def _finger_joints(subject: Subject, site: str) -> list[int]:
    """Return the joints that move a site, from the palm to the tip."""
    model = subject.model
    body = int(model.site_bodyid[model.site(site).id])
    chain = [body, *ancestors(model, body)][::-1]
    return [
        j
        for b in chain
        for j in range(model.body_jntadr[b], model.body_jntadr[b] + model.body_jntnum[b])
        if int(model.jnt_type[j]) in SCALAR_JOINTS
    ]


def _closing(subject: Subject, tip: str) -> np.ndarray:
    """Return how a tip moves in the hand frame when its outer joints bend [m], shape (3,)."""
    model, data = subject.model, subject.data
    before = _local(subject, tip)
    for joint in _finger_joints(subject, tip)[-2:]:
        low, high = model.jnt_range[joint]
        address = model.jnt_qposadr[joint]
        sense = 1.0 if abs(high) >= abs(low) else -1.0
        data.qpos[address] = np.clip(data.qpos[address] + sense * FLEXION, low, high)
    mujoco.mj_kinematics(model, data)
    moved = _local(subject, tip) - before
    data.qpos[:] = subject.home
    mujoco.mj_kinematics(model, data)
    return moved


def _check_frame(subject: Subject, report: HandReport) -> None:
    model, data = subject.model, subject.data
    tips = {finger.name: finger.tip_site for finger in subject.fingers if finger.tip_site}
    middle = tips.get("middle") or tips.get("index")
    if model.nbody < 2 or not middle or not _finger_joints(subject, middle):
        report.add("note", "frame", "the hand frame cannot be checked without fingertips")
        return
    joint = _finger_joints(subject, middle)[0]
    base = (data.xanchor[joint] - data.xpos[1]) @ data.xmat[1].reshape(3, 3)
    which = "middle" if "middle" in tips else "index"
    _check_axis(report, "+z", base, 2, f"from the wrist to the base of the {which} finger")
    height = float(np.linalg.norm(base))
    if height < 0.03:
        report.add(
            "error",
            "frame",
            f"the base of the {which} finger is {height * 1e3:.0f} mm from the origin",
            "The root frame must stand at the wrist, not at the fingers",
        )
    closing = sum(_closing(subject, tip) for name, tip in tips.items() if name != "thumb")
    closing = np.asarray(closing, dtype=float) * np.array([1.0, 1.0, 0.0])
    if np.linalg.norm(closing) > 1e-4:
        _check_axis(report, "+x", closing, 0, "out of the palm, to where the fingers close")
    _check_side(subject, report, tips)


def _check_axis(
    report: HandReport, name: str, direction: np.ndarray, axis: int, meaning: str
) -> None:
    length = float(np.linalg.norm(direction))
    tilt = float(np.arccos(np.clip(direction[axis] / max(length, 1e-9), -1.0, 1.0)))
    report.facts[f"tilt_{name[1]}_rad"] = round(tilt, 4)
    if tilt > MAX_TILT:
        report.add(
            "error",
            "frame",
            f"{name} is {np.degrees(tilt):.0f} degrees away from the direction {meaning}",
            "Turn the root body's frame: see the picture in docs/hands.md",
        )
    else:
        report.add(
            "ok", "frame", f"{name} points {meaning} (within {np.degrees(tilt):.1f} degrees)"
        )


def _check_side(subject: Subject, report: HandReport, tips: dict[str, str]) -> None:
    others = [name for name in ("ring", "little", "middle") if name in tips]
    if not others or "index" not in tips:
        return
    across = _local(subject, tips["index"])[1] - _local(subject, tips[others[0]])[1]
    looks = "right" if across > 0.0 else "left"
    if not subject.side:
        report.side = looks
        report.add("note", "frame", f"the index finger's side makes this a {looks} hand")
    elif looks != subject.side:
        report.add(
            "error",
            "frame",
            f"the index finger is on the side of a {looks} hand, not a {subject.side} one",
            "The index finger must be at +y on a right hand and at -y on a left hand",
        )
    else:
        report.add("ok", "frame", f"the index finger is on the side of a {looks} hand")


def _solid(model: mujoco.MjModel) -> list[int]:
    """Return the geoms that can touch something."""
    return [g for g in range(model.ngeom) if model.geom_contype[g] or model.geom_conaffinity[g]]


def _check_collision_geoms(subject: Subject, report: HandReport) -> None:
    model = subject.model
    solid = _solid(model)
    kinds = Counter(mujoco.mjtGeom(int(model.geom_type[g])).name[7:].lower() for g in solid)
    report.facts["collision_geoms"] = dict(kinds)
    report.facts["visual_faces"] = int(model.mesh_facenum.sum())
    if not solid:
        report.add(
            "error", "collision", "nothing on this hand can touch anything", "Add collision geoms"
        )
        return
    if kinds.get("mesh"):
        report.add(
            "warning",
            "collision",
            f"{kinds['mesh']} collision meshes",
            "Boxes and capsules are twice as fast and hold objects as well",
        )
    for finger in subject.fingers:
        if not finger.tip_site:
            continue
        weld = model.body_weldid[model.site_bodyid[model.site(finger.tip_site).id]]
        if not any(model.body_weldid[model.geom_bodyid[g]] == weld for g in solid):
            report.add(
                "error",
                "collision",
                f"the {finger.name} fingertip cannot touch anything",
                "Add a capsule or sphere to the body of its tip",
            )
    faces = report.facts["visual_faces"]
    if faces > MAX_FACES:
        report.add("warning", "collision", f"{faces} mesh faces", "Decimate the visual meshes")
    text = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    report.add("ok", "collision", f"collision geoms: {text}")


def _overlaps(subject: Subject) -> dict[tuple[str, str], float]:
    """Return the pairs of links that overlap now, and how deep [m]."""
    model, data = subject.model, subject.data
    pairs: dict[tuple[str, str], float] = {}
    for contact in data.contact:
        first, second = sorted(
            model.body(int(model.geom_bodyid[g])).name for g in (contact.geom1, contact.geom2)
        )
        depth = max(pairs.get((first, second), 0.0), -float(contact.dist))
        pairs[first, second] = depth
    return pairs


def _check_self_collision(subject: Subject, report: HandReport) -> None:
    model, data = subject.model, subject.data
    mujoco.mj_forward(model, data)
    at_home = {pair: depth for pair, depth in _overlaps(subject).items() if depth > 1e-4}
    for (first, second), depth in sorted(at_home.items(), key=lambda item: -item[1])[:5]:
        report.add(
            "error",
            "collision",
            f"{first} and {second} overlap by {depth * 1e3:.1f} mm in the home pose",
            f'Add <exclude body1="{first}" body2="{second}"/>, or shrink their geoms',
        )
    adrs = [int(model.jnt_qposadr[model.joint(n).id]) for n in subject.joints if _known(model, n)]
    ranges = np.array(
        [model.jnt_range[model.joint(n).id] for n in subject.joints if _known(model, n)]
    )
    random = np.random.default_rng(RANDOM_SEED)
    often: Counter[tuple[str, str]] = Counter()
    touching = 0
    for _ in range(RANDOM_POSES if len(ranges) else 0):
        data.qpos[:] = subject.home
        data.qpos[adrs] = random.uniform(ranges[:, 0], ranges[:, 1])
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_collision(model, data)
        pairs = _overlaps(subject)
        often.update(pairs)
        touching += bool(pairs)
    data.qpos[:] = subject.home
    mujoco.mj_forward(model, data)
    report.facts["self_collision"] = {
        "home": [[*pair, depth] for pair, depth in at_home.items()],
        "random_poses": RANDOM_POSES,
        "touching": touching,
        "pairs": [[*pair, count] for pair, count in often.most_common(10)],
    }
    always = [pair for pair, count in often.items() if count > 0.9 * RANDOM_POSES]
    for first, second in always:
        report.add(
            "warning",
            "collision",
            f"{first} and {second} overlap in almost every pose",
            f'Add <exclude body1="{first}" body2="{second}"/>',
        )
    if not at_home:
        share = touching / RANDOM_POSES
        report.add(
            "ok",
            "collision",
            f"free in the home pose; {share:.0%} of {RANDOM_POSES} random poses touch themselves",
        )


def _known(model: mujoco.MjModel, joint: str) -> bool:
    return mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, joint) >= 0
