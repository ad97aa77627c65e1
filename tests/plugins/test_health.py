"""The doctor's checks find what is broken, and survive what they check."""

from __future__ import annotations

import json
import os
import stat
from importlib import metadata
from pathlib import Path

import pytest

from dexgen_app import health
from dexgen_app.__main__ import main
from dexgen_app.health import Finding


def test_a_probe_that_dies_hangs_or_babbles(monkeypatch) -> None:
    def done(code, output="", errors=""):
        monkeypatch.setattr(health, "_run", lambda *_: health._Done(code, output, errors))
        return health.probe("opengl", 3.0)

    assert done(0, 'noise\n{"text": "fine"}\n') == {"text": "fine"}
    assert "SIGSEGV" in done(-11)["error"]
    assert "3 s" in done(None)["error"]
    assert "lost" in done(1, "", "Traceback\nOSError: lost")["error"]
    assert "error" in done(0, "[]")


def test_a_hanging_process_is_killed() -> None:
    assert health._run(["sleep", "30"], 0.2, dict(os.environ)).code is None


def test_an_unknown_probe_is_an_error_not_a_crash() -> None:
    assert "KeyError" in health.probe("no_such_probe", 30.0)["error"]


def test_mujoco_falls() -> None:
    assert health.check_mujoco().status == "ok"


def test_the_renderer_is_named() -> None:
    finding = health.check_opengl()
    assert finding.status == "ok", finding.text
    assert finding.details["renderer"] in finding.text


def test_missing_libraries_are_found_by_the_linker(monkeypatch, tmp_path: Path) -> None:
    ldd = tmp_path / "ldd"
    ldd.write_text(
        "#!/bin/sh\necho ' libxcb.so.1 => /lib/libxcb.so.1 (0x1)'\n"
        "echo ' libxcb-icccm.so.4 => not found'\necho ' libodd.so.9 => not found'\n"
        "echo ' libxcb-icccm.so.4 => not found'\n"
    )
    ldd.chmod(ldd.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    finding = health.check_qt_libraries()
    assert finding.status == "limited"
    assert finding.details["missing"] == ["libodd.so.9", "libxcb-icccm.so.4"]
    assert "libxcb-icccm4" in finding.remedy and "xcb-cursor" not in finding.remedy


def test_no_display_is_a_limit_not_a_fault(monkeypatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert health.check_display().status == "limited"


def test_a_display_that_does_not_answer(monkeypatch) -> None:
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    finding = health.check_display()
    assert finding.status == "limited" and "cannot open" in finding.text


def test_folders_that_cannot_be_written(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DEXGEN_HOME", str(tmp_path / "file"))
    findings = health.check_folders()
    assert {finding.status for finding in findings} == {"broken"}
    assert all("DEXGEN_HOME" in finding.remedy for finding in findings)
    assert health.check_disk().status == "broken"


def test_a_package_that_is_too_old(monkeypatch) -> None:
    monkeypatch.setattr(
        metadata, "requires", lambda _: ["numpy>=99", "no-such-thing", "x; extra == 'dev'"]
    )
    finding = health.check_packages()
    assert finding.status == "broken"
    assert "numpy is" in finding.text and "no-such-thing is missing" in finding.text
    assert "x" not in finding.text.split()


@pytest.mark.parametrize(("free_gib", "status"), [(50, "ok"), (2, "limited"), (0.1, "broken")])
def test_free_disk(monkeypatch, free_gib: float, status: str) -> None:
    usage = type("Usage", (), {"free": free_gib * 2**30})
    monkeypatch.setattr(health.shutil, "disk_usage", lambda _: usage)
    assert health.check_disk().status == status


def test_broken_plugins_are_reported(install) -> None:
    install("broken", "raise RuntimeError('no cable')")
    finding = health.check_plugins()
    assert finding.status in ("limited", "broken")
    assert finding.details["broken"] == "failed"


def test_damaged_settings_are_reported_and_left_alone() -> None:
    from dexgen_app.settings import settings_path

    settings_path().write_text("theme = ")
    assert health.check_settings().status == "limited"
    assert settings_path().exists()


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [("ok", 0, "Everything works"), ("limited", 0, "limited"), ("broken", 1, "Magic")],
)
def test_the_exit_status_says_whether_something_essential_fails(
    monkeypatch, capsys, status, code, words
) -> None:
    finding = Finding(name="Magic", status=status, text="a wand", remedy="Wave it")
    monkeypatch.setattr(health, "examine", lambda *_: [finding])
    assert main(["doctor"]) == code
    out = capsys.readouterr().out
    assert words in out and "-> Wave it" in out
    assert main(["doctor", "--json"]) == code
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] == (code == 0) and report["findings"][0]["text"] == "a wand"


@pytest.mark.genesis
def test_the_whole_examination(monkeypatch) -> None:
    findings = {finding.name: finding for finding in health.examine()}
    assert {"OpenGL", "Genesis", "MuJoCo", "GPU", "Plugins", "Disk", "Display"} <= set(findings)
    assert findings["Genesis"].details.get("version"), findings["Genesis"].text
