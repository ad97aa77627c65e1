"""The hand check: a good hand passes, and every defect is named with what to do."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest

from dexgen_app.__main__ import main
from dexgen_app.errors import ModelError
from dexgen_app.kinematics.inspection import HandReport, inspect_file, inspect_hand
from dexgen_hand_allegro.build_models import MODELS
from dexgen_hand_allegro.spec import LEFT, RIGHT


@pytest.fixture
def folder(tmp_path) -> Path:
    """A copy of the Allegro models that a test may spoil."""
    shutil.copytree(MODELS, tmp_path / "models")
    return tmp_path / "models"


def spoil(folder: Path, pattern: str, replacement: str, count: int = 0) -> Path:
    """Replace ``pattern`` in the right hand and return the file."""
    path = folder / "right.xml"
    text, changed = re.subn(pattern, replacement, path.read_text(), count=count, flags=re.DOTALL)
    assert changed, pattern
    path.write_text(text)
    return path


def problems(report: HandReport, level: str = "error") -> str:
    return "\n".join(
        f"{f.topic}: {f.text} -> {f.remedy}" for f in report.findings if f.level == level
    )


@pytest.mark.parametrize("hand", [RIGHT, LEFT])
def test_the_built_in_hands_pass_without_a_warning(hand):
    report = inspect_hand(hand)
    assert report.count("error") == report.count("warning") == 0, report.findings
    assert report.facts["mass_kg"] == pytest.approx(0.645, abs=1e-4)
    assert len(report.facts["joints"]) == len(report.facts["actuators"]) == 16
    assert report.facts["collision_geoms"] == {"capsule": 19, "box": 2}
    assert report.facts["self_collision"]["home"] == []
    assert report.facts["tilt_z_rad"] == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_file_is_understood_without_a_declaration(folder, side):
    (folder / f"{side}.xml").rename(folder / "some_hand.xml")
    text = (folder / "some_hand.xml").read_text().replace(f"allegro_{side}", "hand")
    (folder / "some_hand.xml").write_text(text)
    report = inspect_file(folder / "some_hand.xml")
    assert report.count("error") == 0, problems(report)
    assert report.side == side
    fingers = {row["name"]: row["tip_site"] for row in report.facts["fingers"]}
    assert fingers == {"index": "ff_tip", "middle": "mf_tip", "ring": "rf_tip", "thumb": "th_tip"}


DEFECTS = [
    (r'<site name="\w+_tip"[^>]*>', "", "no fingertip site"),
    (r'<site name="th_tip"[^>]*>', "", "the thumb finger has no tip site"),
    (r'<site name="rf_pip"[^>]*>', "", "the ring finger has no pip site"),
    (r'<site name="palm"[^>]*>', "", "no site 'palm'"),
    (r'<site name="th_\w+"[^>]*>', "", "there is no thumb"),
    (r"</worldbody>", '<body name="cup"><geom size="0.1"/></body></worldbody>', "2 bodies stand"),
    (r"(<body name=\"palm\"[^>]*>)", r'\1<freejoint name="loose"/>', "free or ball joints: loose"),
    (r"<worldbody>", '<worldbody><geom name="floor" type="plane" size="1 1 1"/>', "world"),
    (r'(name="ffj1" axis="0 1 0") range="[^"]*"', r"\1", "ffj1 has no limits"),
    (r'(name="ffj1" axis="0 1 0") range="[^"]*"', r'\1 range="-20 90"', "more than once round"),
    (r'angle="radian"', 'angle="degree"', "rad only"),
    (r'armature="0.001"', 'armature="0"', "no armature on ffj0"),
    (r'<position name="mfa2"[^>]*>', "", "mfj2 has no actuator"),
    (r'<position name="mfa2"[^>]*>', '<motor joint="mfj2"/>', "not driven by a position servo"),
    (r'forcerange="[^"]*"', "", "thj3 has no torque limit"),
    (r'damping="0.01"|kv="0.1"', "", "not damped at all"),
    (r'mass="0.36\d*"', 'mass="360"', "the whole hand has 360"),
    (
        r'(<inertial pos="0 0 0.027" mass="[\d.]+") diaginertia="[^"]*"',
        r'\1 diaginertia="5 5 5"',
        "ff_proximal is as hard to turn",
    ),
    (r'<geom name="ff_(tip|distal)_collision"[^>]*>', "", "index fingertip cannot touch"),
    (
        r'class="collision" type="(capsule|box)"',
        r'class="visual" type="\1"',
        "nothing on this hand",
    ),
    (
        r'<exclude body1="palm" body2="mf_base" */>',
        "",
        "mf_base and palm overlap",
    ),
    (
        r"</contact>",
        '</contact><equality><joint joint1="ffj3" joint2="ffj2"/></equality>',
        "ffj3 follows ffj2",
    ),
    (
        r"</contact>",
        '</contact><equality><connect body1="ff_tip" body2="mf_tip" anchor="0 0 0"/></equality>',
        "not between two joints",
    ),
    (
        r"</contact>",
        "</contact><tendon><fixed><joint joint='ffj2' coef='1'/></fixed></tendon>",
        "1 tendons",
    ),
]


@pytest.mark.parametrize(("pattern", "replacement", "message"), DEFECTS)
def test_a_defect_is_named(folder, pattern, replacement, message):
    report = inspect_file(spoil(folder, pattern, replacement))
    found = [f for f in report.findings if f.level != "ok" and message in f.text]
    assert found, [f for f in report.findings if f.level != "ok"]
    assert all(f.remedy for f in found if f.level != "note")


@pytest.mark.parametrize(
    ("turn", "axes"),
    [("0 0 90", "+x"), ("0 90 0", "+z"), ("180 0 0", "+z")],
)
def test_a_root_frame_that_is_turned_is_seen(folder, tmp_path, turn, axes):
    # The hand hangs turned on a root body, whose frame is what counts.
    text = (folder / "right.xml").read_text()
    head, body = text.split("<worldbody>")
    body, tail = body.split("</worldbody>")
    degrees = " ".join(str(float(t) * 3.14159265 / 180) for t in turn.split())
    body = body.replace('name="palm" pos="0 0 0"', f'name="palm" pos="0 0 0" euler="{degrees}"')
    path = folder / "turned.xml"
    path.write_text(
        f'{head}<worldbody><body name="mount"><inertial pos="0 0 0" mass="0.1" '
        f'diaginertia="1e-4 1e-4 1e-4"/>{body}</body></worldbody>{tail}'
    )
    assert f"frame: {axes} is " in problems(inspect_file(path))


def test_a_hand_of_the_other_side_is_seen():
    spec = dataclasses.replace(LEFT, side="right")
    assert "the side of a left hand, not a right one" in problems(inspect_hand(spec))


def test_declared_limits_and_poses_are_compared_with_the_model():
    upper = (0.5, *RIGHT.upper[1:])
    home = (0.6, *RIGHT.home[1:])
    text = problems(inspect_hand(dataclasses.replace(RIGHT, upper=upper, home=home)))
    assert "ffj0 is declared from -0.47 to 0.5 rad, but modelled from -0.47 to 0.47" in text
    assert "home is out of limits at ffj0" in text


def test_a_finger_that_no_human_has_is_named():
    from dexgen_app.kinematics.model import HandModel

    odd = dataclasses.replace(RIGHT.fingers[0], name="claw")
    spec = dataclasses.replace(RIGHT, fingers=(odd, *RIGHT.fingers[1:]))
    assert "no human has a finger 'claw'" in problems(inspect_hand(spec))
    with pytest.raises(ModelError, match="claw"):
        HandModel(spec)


def test_a_declared_joint_that_is_missing_is_named():
    names = ("knuckle", *RIGHT.joint_names[1:])
    fingers = (dataclasses.replace(RIGHT.fingers[0], joints=names[:4]), *RIGHT.fingers[1:])
    spec = dataclasses.replace(RIGHT, joint_names=names, fingers=fingers)
    text = problems(inspect_hand(spec))
    assert "the declared joint knuckle is not in the model" in text
    assert "ffj0 are neither driven nor coupled" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<mujoco><worldbody>", "does not compile"),
        ("not xml at all", "does not compile"),
        (
            "<mujoco><worldbody><geom type='mesh' mesh='x'/></worldbody></mujoco>",
            "does not compile",
        ),
    ],
)
def test_a_file_that_does_not_compile_is_refused(tmp_path, content, message):
    path = tmp_path / "hand.xml"
    path.write_text(content)
    with pytest.raises(ModelError, match=message):
        inspect_file(path)


def test_an_empty_model_is_reported_without_a_crash(tmp_path):
    path = tmp_path / "empty.xml"
    path.write_text("<mujoco/>")
    text = problems(inspect_file(path))
    assert "no body" in text and "no hinge or slide joint" in text and "no fingertip" in text


def test_command_prints_a_verdict_and_returns_zero(capsys):
    assert main(["hand", "check", "allegro", "--verbose"]) == 0
    out = capsys.readouterr().out
    assert "This hand can be used." in out
    assert re.search(r"thj3\s+-0\.162\s+1\.719\s+3\s+0\.1\s+0\.7", out)


def test_command_prints_json(capsys):
    assert main(["hand", "check", "allegro-left", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["side"] == "left" and report["errors"] == 0
    assert report["tips_m"]["index"][1] < 0.0


def test_command_fails_for_a_defect_and_says_what_to_do(folder, capsys):
    path = spoil(folder, r'<site name="\w+_tip"[^>]*>', "")
    assert main(["hand", "check", str(path)]) == 1
    out = capsys.readouterr().out
    assert "FAIL" in out and "-> Add a site at every tip" in out
    assert "cannot be used yet" in out


def test_command_checks_the_declaration_of_a_declared_file(capsys):
    assert main(["hand", "check", str(MODELS / "right.xml")]) == 0
    assert "allegro_right" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["absent.xml", "no_such_hand", "."])
def test_command_explains_what_it_cannot_find(name, capsys):
    assert main(["hand", "check", name]) != 0
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    assert captured.err.strip() and captured.out == ""


def test_hand_list_names_every_hand(capsys):
    assert main(["hand", "list"]) == 0
    out = capsys.readouterr().out
    assert "allegro_right" in out and "allegro_left" in out
    assert main(["hand", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["id"]: row["joints"] for row in rows}["allegro_right"] == 16
