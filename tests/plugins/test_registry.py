"""What becomes of good, broken, unwanted and clashing plugins."""

from __future__ import annotations

import logging

import pytest

from dexgen_app.errors import InputError, PluginError, UnknownIdError
from dexgen_app.plugins import MAX_ERRORS, PluginRegistry, PluginState, load_object

HEAD = """
from dexgen_app.hookspecs import hookimpl
from dexgen_app.spec import ControllerSpec, CommandSpec, InputKind, TeleopSpec
"""

GOOD = (
    HEAD
    + """
@hookimpl
def register_controllers():
    return [ControllerSpec(id="calm", title="Calm", factory="math:sqrt")]
"""
)


def controller(identifier: str) -> str:
    return GOOD.replace("calm", identifier)


def load(name: str, **options: object) -> tuple[PluginRegistry, PluginState, str]:
    registry = PluginRegistry.load(**options)  # type: ignore[arg-type]
    record = registry.record(name)
    return registry, record.state, record.reason


def test_a_good_plugin_is_loaded_and_described(install) -> None:
    install("dexgen-calm", GOOD, entry="calm")
    registry, state, _ = load("calm")
    record = registry.record("calm")
    assert state is PluginState.LOADED
    assert registry.find_controller("calm").title == "Calm"
    assert (record.distribution, record.version, record.module) == (
        "dexgen-calm",
        "1.2",
        "dexgen_calm",
    )
    assert record.hooks == ("register_controllers",)
    assert record.provides == {"controllers": ("calm",)}
    assert not record.builtin and record.import_ms > 0


def test_builtins_come_first_through_the_same_entry_points(install) -> None:
    install("aaa", GOOD)
    records = PluginRegistry.load().records
    builtin = [record.builtin for record in records]
    assert builtin == sorted(builtin, reverse=True)
    assert {r.distribution for r in records if r.builtin} == {"dexgen-app"}
    assert records[-1].name == "aaa"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('no cable')", "RuntimeError: no cable"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("raise BaseException('odd')", "BaseException: odd"),
        ("import no_such_module_at_all", "no_such_module_at_all"),
        ("def broken(:", "SyntaxError"),
        (GOOD.replace("register_controllers", "register_controler"), "register_controllers?"),
        (GOOD.replace("register_controllers", "frobnicate"), "no hook frobnicate"),
        (GOOD.replace("@hookimpl", "").replace("controllers()", "controler()"), "did you mean"),
        (GOOD.replace("@hookimpl", ""), "lacks its @hookimpl"),
        (GOOD.replace("controllers()", "controllers(window)"), "window"),
        (GOOD.replace("return [", "return 1 / 0, ["), "ZeroDivisionError"),
        (GOOD.replace("return [", "yield ["), "generator"),
        (GOOD.replace("ControllerSpec(id", "dict(id"), "returned a dict"),
        (controller("two words"), "two words"),
        (controller("script:x"), "script:x"),
        (GOOD.replace("math:sqrt", "math.sqrt"), "module:attr"),
        (GOOD.replace('title="Calm", ', ""), "title"),
    ],
)
def test_a_broken_plugin_fails_alone(install, source: str, reason: str) -> None:
    install("broken", source)
    install("calm", GOOD.replace('"calm"', '"still_here"'))
    registry, state, why = load("broken")
    assert state is PluginState.FAILED
    assert reason in why
    assert registry.record("broken").traceback
    assert "calm" not in registry.controllers
    assert "still_here" in registry.controllers


def test_a_failure_is_shown_without_being_asked_for(install, caplog) -> None:
    install("broken", "raise RuntimeError('no cable')")
    with caplog.at_level(logging.WARNING):
        PluginRegistry.load()
    assert "broken is failed" in caplog.text and "no cable" in caplog.text


def test_helpers_may_be_called_what_they_like(install) -> None:
    install("calm", GOOD + "\ndef check_cable(): ...\ndef on_off(): ...\n")
    assert load("calm")[1] is PluginState.LOADED


@pytest.mark.parametrize(
    ("requirement", "state"),
    [
        ("dexgen-app>=99", PluginState.INCOMPATIBLE),
        ("Dexgen.App >=99", PluginState.INCOMPATIBLE),
        ("dexgen-app<0.0.1", PluginState.INCOMPATIBLE),
        ("dexgen-app>=0.0.1", PluginState.LOADED),
        ("dexgen-app", PluginState.LOADED),
        ("dexgen-app>=99 ; extra == 'future'", PluginState.LOADED),
        ("dexgen-app-tools>=99", PluginState.LOADED),
        ("dexgen-app>>>1", PluginState.INCOMPATIBLE),
    ],
)
def test_the_required_version_is_checked(install, requirement: str, state: PluginState) -> None:
    install("calm", GOOD, requires=("numpy", requirement))
    assert load("calm")[1] is state


def test_an_incompatible_plugin_is_not_imported(install, tmp_path) -> None:
    mark = tmp_path / "imported"
    install("calm", f"open({str(mark)!r}, 'w')", requires=("dexgen-app>=99",))
    _, state, reason = load("calm")
    assert state is PluginState.INCOMPATIBLE and "dexgen-app>=99" in reason
    assert not mark.exists()


def test_safe_mode_loads_builtins_only(install) -> None:
    install("calm", GOOD)
    registry, state, _ = load("calm", safe_mode=True)
    assert state is PluginState.DISABLED
    assert "calm" not in registry.controllers
    assert any(r.state is PluginState.LOADED for r in registry.records if r.builtin)


@pytest.mark.parametrize("name", ["calm", "dexgen-calm", "Dexgen_Calm"])
def test_plugins_are_disabled_by_name_or_distribution(install, name: str) -> None:
    install("dexgen-calm", GOOD, entry="calm")
    assert load("calm", disabled=[name])[1] is PluginState.DISABLED


def test_the_settings_disable_plugins(install) -> None:
    from dexgen_app.settings import update_settings

    install("calm", GOOD)
    update_settings(disabled_plugins=("calm", "allegro"))
    registry, state, _ = load("calm")
    assert state is PluginState.DISABLED
    assert registry.record("allegro").state is PluginState.DISABLED


@pytest.mark.parametrize(
    ("value", "state"),
    [("", "disabled"), ("other", "disabled"), ("other, calm", "loaded")],
)
def test_the_environment_selects_external_plugins(install, monkeypatch, value, state) -> None:
    monkeypatch.setenv("DEXGEN_LOAD_PLUGINS", value)
    install("calm", GOOD)
    registry, found, _ = load("calm")
    assert found == state
    assert registry.record("allegro").builtin
    assert registry.record("allegro").state is not PluginState.DISABLED


def test_the_first_owner_of_an_id_keeps_it(install) -> None:
    install("aaa", GOOD)
    install(
        "bbb",
        GOOD.replace("Calm", "Copy")
        .replace("]", ", *more]")
        .replace(
            "@hookimpl",
            "more = [ControllerSpec(id='own', title='Own', factory='math:cos')]\n@hookimpl",
        ),
    )
    registry, state, _ = load("bbb")
    assert state is PluginState.LOADED
    assert registry.find_controller("calm").title == "Calm"
    assert registry.find_controller("own").title == "Own"
    (problem,) = registry.record("bbb").problems
    assert "'calm' is taken by plugin aaa" in problem
    assert registry.record("bbb").provides == {"controllers": ("own",)}


def test_a_stranger_cannot_take_the_name_or_id_of_a_builtin(install) -> None:
    install(
        "impostor",
        HEAD
        + """
@hookimpl
def register_commands():
    return [CommandSpec(name="doctor", module="math", help="")]
""",
        entry="allegro",
    )
    registry = PluginRegistry.load()
    assert registry.record("allegro").builtin
    assert "doctor" not in registry.commands
    assert "taken by dexgen-app" in registry.record("impostor:allegro").problems[0]


def test_an_unknown_id_tells_what_exists(install) -> None:
    install("calm", GOOD)
    install("lost", "raise RuntimeError")
    with pytest.raises(UnknownIdError) as caught:
        PluginRegistry.load().find_controller("calmm")
    assert "Did you mean calm?" in str(caught.value)
    assert "lost (failed)" in str(caught.value)


def test_hands_have_aliases() -> None:
    registry = PluginRegistry.load()
    assert registry.find_hand("allegro").id == "allegro_right"
    assert registry.find_hand("allegro_left").side == "left"


FACTORIES = (
    HEAD
    + """
from dexgen_app.errors import InputError
def works(x, y=0): return x + y
def breaks(x): raise ValueError("loose contact")
def refuses(x): raise InputError("the clip has NaN", where="a.npy")
def leaves(x): raise SystemExit(1)
@hookimpl
def register_controllers():
    return [ControllerSpec(id=n, title=n, factory=f"factories:{n}")
            for n in ("works", "breaks", "refuses", "leaves", "lost")]
"""
)


def test_build_calls_the_factory(install) -> None:
    install("factories", FACTORIES)
    assert PluginRegistry.load().build("factories:works", 1, y=2, owner_id="works") == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [("breaks", "loose contact"), ("leaves", "SystemExit"), ("lost", "factories:lost")],
)
def test_build_names_the_plugin_that_raised(install, name: str, text: str) -> None:
    install("factories", FACTORIES)
    with pytest.raises(PluginError, match=text) as caught:
        PluginRegistry.load().build(f"factories:{name}", 1, owner_id=name)
    assert caught.value.where == "plugin factories"


def test_a_message_for_the_user_passes_unchanged_and_is_no_error(install) -> None:
    install("factories", FACTORIES)
    registry = PluginRegistry.load()
    with pytest.raises(InputError, match="NaN"):
        registry.build("factories:refuses", 1)
    assert registry.record("factories").errors == 0


def test_a_plugin_that_keeps_raising_is_suspended(install) -> None:
    install("factories", FACTORIES)
    registry = PluginRegistry.load()
    for _ in range(MAX_ERRORS):
        with pytest.raises(PluginError):
            registry.build("factories:breaks", 1)
    record = registry.record("factories")
    assert record.state is PluginState.SUSPENDED
    assert "loose contact" in record.traceback
    with pytest.raises(PluginError, match="suspended"):
        registry.build("factories:works", 1)


LISTENER = (
    HEAD
    + """
heard = []
@hookimpl
def on_session_state(state):
    heard.append(state)
"""
)
RAISER = LISTENER.replace("heard.append(state)", "heard.append(state); raise OSError('gone')")


def test_events_reach_everybody_and_stop_reaching_who_raises(install, caplog) -> None:
    install("raiser", RAISER)
    install("listener", LISTENER)
    registry = PluginRegistry.load()
    for index in range(5):
        registry.notify("on_session_state", app=None, state=str(index))
    assert load_object("listener:heard") == list("01234")
    assert load_object("raiser:heard") == list("012")
    assert registry.record("raiser").state is PluginState.SUSPENDED
    assert "raiser is suspended" in caplog.text


CHECKER = (
    HEAD
    + """
@hookimpl
def check_arming(driver):
    {}
"""
)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("return None", None),
        ("return 'too hot' if driver == 'can' else None", "plugin checker: too hot"),
        ("raise OSError('gone')", "plugin checker: check_arming raised OSError: gone"),
    ],
)
def test_arming_can_be_refused(install, body: str, answer: str | None) -> None:
    install("checker", CHECKER.format(body))
    hand = PluginRegistry.load().find_hand("allegro")
    assert PluginRegistry.load().check("check_arming", hand=hand, driver="can") == answer


def test_hook_calls_can_be_traced(install, monkeypatch, capsys) -> None:
    monkeypatch.setenv("DEXGEN_TRACE_HOOKS", "1")
    install("calm", GOOD)
    PluginRegistry.load()
    assert "hook calm.register_controllers() -> [ControllerSpec" in capsys.readouterr().err


@pytest.mark.parametrize("reference", ["math", ":sqrt", "math:", "math:nothing", "nothing:sqrt"])
def test_a_reference_that_leads_nowhere(reference: str) -> None:
    with pytest.raises(PluginError):
        load_object(reference)


def test_a_dotted_reference() -> None:
    assert load_object("pathlib:Path.cwd")()
