"""Configurations survive JSON and can be changed by texts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dexgen_app.errors import InputError
from dexgen_app.learn.config import from_plain, override, to_plain
from dexgen_app.spec import ObjectSpec
from dexgen_skill_anygrasp.config import STYLES, AnyGraspConfig


def test_round_trip_keeps_nested_dataclasses_and_tuples() -> None:
    config = AnyGraspConfig(
        objects=(ObjectSpec(), ObjectSpec(shape="sphere", size=(0.07, 0.07, 0.07))),
        gravity=("palm_up", "palm_down"),
    )
    assert from_plain(AnyGraspConfig, to_plain(config)) == config


def test_override_changes_nested_fields_lists_and_words() -> None:
    changed = override(
        AnyGraspConfig(),
        [
            "reward.drop=12",
            'gravity=["palm_down"]',
            "randomisation.enabled=true",
            "physics.friction_cone=pyramidal",
        ],
    )
    assert changed.reward.drop == 12.0
    assert changed.gravity == ("palm_down",)
    assert changed.randomisation.enabled is True
    assert changed.physics.friction_cone == "pyramidal"
    assert changed.action_scale == AnyGraspConfig().action_scale


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reward.drop", "not of the form"),
        ("reward.drops=1", "no field reward.drops"),
        ("reward=1", "must be a table"),
        ("reward.drop=high", "must be a float"),
        ("randomisation.enabled=1", "must be a bool"),
        ("gravity=palm_up", "must be a list"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        override(AnyGraspConfig(), [text])


def test_unknown_fields_of_a_file_are_named() -> None:
    with pytest.raises(InputError, match="no field colour"):
        from_plain(ObjectSpec, {"colour": 1})
    with pytest.raises(InputError, match="not within"):
        from_plain(ObjectSpec, {"mass": -1.0})


def test_a_word_stands_for_a_whole_table() -> None:
    config = override(AnyGraspConfig(), ["reward=calm", "reward.drop=5"])
    assert config.reward == replace(STYLES["calm"], drop=5.0)
    with pytest.raises(InputError, match=r"no reward 'wild'.*default, calm, lively"):
        override(AnyGraspConfig(), ["reward=wild"])
