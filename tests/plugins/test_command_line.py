"""The command line finds subcommands and turns errors into one line and a status."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from types import ModuleType

import pytest

from dexgen_app import __main__ as cli
from dexgen_app import __version__
from dexgen_app.cli import core_commands, load_command
from dexgen_app.errors import DexgenError
from dexgen_app.settings import load_settings


def run_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dexgen_app", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def command(monkeypatch) -> ModuleType:
    """A made-up subcommand of our own, called ``probe``."""
    module = ModuleType("probe")
    module.HELP = "probe something"
    module.add_arguments = lambda parser: parser.add_argument("--level", type=int, default=1)
    module.run = lambda args: args.level
    monkeypatch.setattr(cli, "core_commands", lambda: {"probe": "probe"})
    monkeypatch.setattr(cli, "load_command", lambda name: module)
    return module


def raiser(error: BaseException):
    def run(_: argparse.Namespace) -> int:
        raise error

    return run


def test_the_status_is_that_of_the_subcommand(command) -> None:
    assert cli.main(["probe"]) == 1
    assert cli.main(["probe", "--level", "0"]) == 0


def test_a_mistake_of_the_user_is_one_line(command, capsys) -> None:
    command.run = raiser(DexgenError("it is unplugged", where="hand", remedy="Plug it in"))
    assert cli.main(["probe"]) == 2
    assert capsys.readouterr().err == "dexgen-app: hand: it is unplugged. Plug it in\n"


def test_ctrl_c(command, capsys) -> None:
    command.run = raiser(KeyboardInterrupt())
    assert cli.main(["probe"]) == 130
    assert capsys.readouterr().err == "dexgen-app: interrupted\n"


def test_no_permission_is_one_line(command, capsys) -> None:
    command.run = raiser(PermissionError(13, "Permission denied", "/nowhere"))
    assert cli.main(["probe"]) == 2
    assert "/nowhere: Permission denied" in capsys.readouterr().err


@pytest.mark.parametrize("home", ["a_file", "/proc/no/such/place", "a_file/below", "x" * 300])
def test_a_home_that_cannot_be_made_is_one_line(tmp_path, monkeypatch, capsys, home) -> None:
    (tmp_path / "a_file").write_text("")
    monkeypatch.setenv("DEXGEN_HOME", str(tmp_path / home))
    assert cli.main(["recordings", "list"]) == 2
    told = capsys.readouterr().err
    assert "DEXGEN_HOME" in told and "Traceback" not in told


def test_a_bug_is_not_hidden(command) -> None:
    command.run = raiser(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        cli.main(["probe"])


def test_common_options_stand_before_or_after(command) -> None:
    seen = []
    command.run = lambda args: seen.append((args.safe_mode, args.disable, args.log_level))
    cli.main(["--disable", "direct", "probe", "--disable", "script", "--safe-mode"])
    cli.main(["--safe-mode", "--log-level", "debug", "probe"])
    cli.main(["probe"])
    assert seen == [
        (True, ["direct", "script"], "warning"),
        (True, [], "debug"),
        (False, [], "warning"),
    ]


def test_disabling_a_plugin_that_is_not_there(command, capsys) -> None:
    assert cli.main(["--disable", "alegro", "probe"]) == 2
    assert "Did you mean allegro?" in capsys.readouterr().err


def test_without_a_subcommand_the_window_opens(monkeypatch) -> None:
    asked = []

    def find(args: argparse.Namespace) -> ModuleType:
        asked.append(args.command)
        raise DexgenError("enough")

    monkeypatch.setattr(cli, "_find", find)
    cli.main([])
    assert asked == ["gui"]


def test_an_unknown_subcommand(capsys) -> None:
    assert cli.main(["docter"]) == 2
    assert "Did you mean doctor?" in capsys.readouterr().err


@pytest.mark.parametrize("name", core_commands())
def test_every_subcommand_is_complete_and_has_help(name: str, capsys) -> None:
    module = load_command(name)
    assert isinstance(module.HELP, str) and module.HELP and not module.HELP.endswith(".")
    with pytest.raises(SystemExit) as caught:
        cli.main([name, "--help"])
    assert caught.value.code == 0
    assert module.HELP[:20] in capsys.readouterr().out


def test_version_and_help_as_a_user_types_them() -> None:
    assert run_process("--version").stdout == f"dexgen-app {__version__}\n"
    result = run_process("--help")
    assert result.returncode == 0
    for name in core_commands():
        assert f"  {name}" in result.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from dexgen_app.__main__ import main; main(['--help']);"
        "print([m for m in ('torch', 'genesis', 'mujoco', 'PyQt6', 'scipy') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert result.stdout.splitlines()[-1] == "[]"


PLUGIN = """
from dexgen_app.hookspecs import hookimpl
from dexgen_app.spec import CommandSpec
HELP = "greet"
def add_arguments(parser): parser.add_argument("name")
def run(args): print("hello", args.name); return 5
@hookimpl
def register_commands():
    return [CommandSpec(name="greet", module="{module}", help="greet somebody")]
"""


def test_a_plugin_adds_a_subcommand(install, capsys) -> None:
    install("greeter", PLUGIN.format(module="greeter"))
    assert cli.main(["greet", "Ann"]) == 5
    assert capsys.readouterr().out == "hello Ann\n"
    assert cli.main(["--help"]) == 0
    assert "greet somebody" in capsys.readouterr().out


@pytest.mark.parametrize("module", ["math", "no_such_module"])
def test_a_plugin_whose_subcommand_is_broken(install, capsys, module: str) -> None:
    install("greeter", PLUGIN.format(module=module))
    assert cli.main(["greet", "Ann"]) == 2
    assert module in capsys.readouterr().err


def test_plugins_lists_and_switches(install, capsys) -> None:
    install("dexgen-greeter", PLUGIN.format(module="dexgen_greeter"), entry="greeter")
    install("broken", "raise RuntimeError('no cable')")
    assert cli.main(["plugins"]) == 0
    table = capsys.readouterr().out
    assert "commands: greet" in table and "why: RuntimeError: no cable" in table
    assert cli.main(["plugins", "--disable", "greeter", "--json"]) == 0
    states = {r["name"]: r["state"] for r in json.loads(capsys.readouterr().out)}
    assert (states["greeter"], states["broken"]) == ("disabled", "failed")
    assert load_settings().disabled_plugins == ("greeter",)
    assert cli.main(["plugins", "--enable", "dexgen-greeter"]) == 0
    assert load_settings().disabled_plugins == ()


def test_switching_a_plugin_that_is_not_there(capsys) -> None:
    assert cli.main(["plugins", "--disable", "alegro"]) == 2
    assert "Did you mean allegro?" in capsys.readouterr().err
    assert load_settings().disabled_plugins == ()


def test_a_plugin_that_is_gone_leaves_the_list(install) -> None:
    from dexgen_app.settings import update_settings

    update_settings(disabled_plugins=("gone", "kept"))
    assert cli.main(["plugins", "--enable", "gone"]) == 0
    assert load_settings().disabled_plugins == ("kept",)
