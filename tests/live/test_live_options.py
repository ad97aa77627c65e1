"""A controller's parameters as options of ``dexgen-app live``."""

from __future__ import annotations

import pytest

from dexgen_app.__main__ import main
from dexgen_app.live import headless


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list:
    """The sessions that would have been run."""
    seen: list = []
    monkeypatch.setattr(headless, "run_headless", lambda config, **_: seen.append(config) or 0)
    return seen


LIVE = ["--safe-mode", "live", "--headless", "--engine", "mujoco"]


def test_parameters_are_options_of_the_controller_that_declares_them(sessions: list) -> None:
    words = ["--controller", "dexgen", "--guidance", "1000", "--mode", "default", "--steps=12"]
    assert main([*LIVE, *words, "--seed", "3"]) == 0
    assert sessions[0].parameters == {"guidance": 1000.0, "mode": "default", "steps": 12.0}
    assert (sessions[0].controller, sessions[0].seed) == ("dexgen", 3)
    assert main([*LIVE, "--smoothing", "0.05", "--param", "smoothing=0.1"]) == 0
    assert sessions[1].parameters == {"smoothing": 0.05}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--guidance", "5000", "--controller", "dexgen"],
            "guidance: 5000.0 is not a number within",
        ),
        (["--guidance", "nan", "--controller", "dexgen"], "not a number within 0.0 to 3000.0"),
        (["--mode", "juggle", "--controller", "dexgen"], "mode: 'juggle' is not a choice"),
        (["--steps", "7", "--controller", "dexgen"], "Use 4, 8, 12"),
        (
            ["--guidance", "1000"],
            "--guidance: there is no such option, and no such parameter of dir",
        ),
        (
            ["--guidance", "--seed", "1", "--controller", "dexgen"],
            "--guidance: the value is missing",
        ),
        (["--controller", "dexgen", "--guidance"], "--guidance: the value is missing"),
        (["palm_up"], "'palm_up' belongs to no option"),
    ],
)
def test_what_is_wrong_is_told(sessions: list, capsys, words: list[str], told: str) -> None:
    assert main([*LIVE, *words]) == 2
    assert told in capsys.readouterr().err
    assert not sessions


def test_other_subcommands_take_no_unknown_options(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["doctor", "--guidance", "3"])
    assert "unrecognized arguments: --guidance 3" in capsys.readouterr().err
