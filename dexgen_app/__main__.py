"""The command ``dexgen-app``: finds the subcommand, runs it, turns errors into one clear line."""

from __future__ import annotations

import argparse
import difflib
import errno
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from dexgen_app import __version__
from dexgen_app.cli import core_commands, load_command
from dexgen_app.errors import DexgenError

DEFAULT_COMMAND = "gui"
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
_USER_ERRORS = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOENT,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
}
_REMEDY = "Choose a place that can be written; DEXGEN_HOME moves all folders of dexgen-app"
LEVELS = ("debug", "info", "warning", "error")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the program's name; None means those of the process.

    Returns:
        The exit status: 0 for success, 2 for a mistake of the user, 130 after Ctrl-C.
    """
    try:
        return _run(list(sys.argv[1:] if argv is None else argv))
    except DexgenError as error:
        logging.getLogger(__name__).debug("traceback", exc_info=error)
        print(f"dexgen-app: {error}", file=sys.stderr)
        return EXIT_ERROR
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            # The reader of our output went away (`dexgen-app plugins | head`).
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        if error.errno not in _USER_ERRORS:
            raise
        logging.getLogger(__name__).debug("traceback", exc_info=error)
        print(f"dexgen-app: {error.filename or ''}: {error.strerror}. {_REMEDY}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("dexgen-app: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def _run(argv: list[str]) -> int:
    before = _parse_common(argv)
    _set_up_logging(before.log_level)
    if before.help:
        _print_help(before)
        return 0
    module, args = _parse_rest(before)
    _set_up_logging(args.log_level)
    return int(module.run(args) or 0)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return what the arguments of a subcommand mean, without running it.

    Raises:
        DexgenError: There is no such subcommand, or it cannot take these arguments.
        SystemExit: It does not know these arguments.
    """
    return _parse_rest(_parse_common(argv))[1]


def _parse_common(argv: Sequence[str]) -> argparse.Namespace:
    """Return the options before the subcommand, its name and the ``rest``."""
    root = argparse.ArgumentParser(prog="dexgen-app", add_help=False)
    _add_common(root)
    root.add_argument("-h", "--help", action="store_true")
    root.add_argument("--version", action="version", version=f"dexgen-app {__version__}")
    root.add_argument("command", nargs="?", default=DEFAULT_COMMAND)
    root.add_argument("rest", nargs=argparse.REMAINDER)
    return root.parse_args(argv)


def _parse_rest(before: argparse.Namespace) -> tuple[ModuleType, argparse.Namespace]:
    """Return the subcommand's module and all options."""
    module = _find(before)
    parser = argparse.ArgumentParser(
        prog=f"dexgen-app {before.command}",
        description=getattr(module, "HELP", None),
        formatter_class=_HelpFormatter,
        conflict_handler="resolve",  # a subcommand's own option wins over a common one
    )
    _add_common(parser, defaults=before)
    module.add_arguments(parser)
    args, extra = parser.parse_known_args(before.rest)
    if extra and not hasattr(module, "take_extra"):
        parser.error(f"unrecognized arguments: {' '.join(extra)}")
    args.disable = [*before.disable, *getattr(args, "disable", ())]
    if args.disable:
        from dexgen_app.discovery import require_installed

        require_installed(args.disable)
    if extra:
        module.take_extra(args, extra)
    return module, args


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the defaults that say something."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return super()._get_help_string(action) if action.default else action.help


def _add_common(
    parser: argparse.ArgumentParser, defaults: argparse.Namespace | None = None
) -> None:
    """Add the options that stand before or after the subcommand."""
    group = parser.add_argument_group("common options")
    group.add_argument(
        "--safe-mode",
        action="store_true",
        default=bool(defaults and defaults.safe_mode),
        help="load the built-in plugins only",
    )
    group.add_argument(
        "--disable",
        action="append",
        default=[],
        metavar="NAME",
        help="do not load this plugin; may be repeated",
    )
    group.add_argument(
        "--log-level",
        choices=LEVELS,
        default=defaults.log_level if defaults else "warning",
        help="how much is told on stderr",
    )


def _set_up_logging(level: str) -> None:
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("dexgen_app").setLevel(level.upper())


def _find(args: argparse.Namespace) -> ModuleType:
    """Import the module of the subcommand; plugins are loaded only if it is not our own.

    Raises:
        DexgenError: There is no such subcommand.
    """
    known = core_commands()
    if args.command in known:
        return load_command(args.command)
    from dexgen_app.plugins import PluginRegistry

    registry = PluginRegistry.load(args.safe_mode, args.disable)
    if args.command in registry.commands:
        spec = registry.commands[args.command]
        module = registry.build("importlib:import_module", spec.module, owner_id=spec.name)
        for name in ("add_arguments", "run"):
            if not callable(getattr(module, name, None)):
                raise DexgenError(f"the command has no {name}()", where=spec.module)
        return module  # type: ignore[no-any-return]
    names = [*known, *registry.commands]
    close = difflib.get_close_matches(args.command, names, n=1)
    hint = f"Did you mean {close[0]}? " if close else ""
    raise DexgenError(
        f"there is no subcommand {args.command!r}",
        remedy=f"{hint}There is: {', '.join(sorted(names))}",
    )


def _print_help(args: argparse.Namespace) -> None:
    from dexgen_app.plugins import PluginRegistry

    registry = PluginRegistry.load(args.safe_mode, args.disable)
    texts = {
        name: getattr(importlib.import_module(module), "HELP", "")
        for name, module in core_commands().items()
    }
    texts.update({name: spec.help for name, spec in registry.commands.items()})
    width = max(map(len, texts), default=0)
    print("usage: dexgen-app [--safe-mode] [--disable NAME] [--log-level LEVEL] [SUBCOMMAND ...]\n")
    print("Command a dexterous robot hand. Without a subcommand the window opens.\n")
    print("subcommands:")
    for name, text in sorted(texts.items()):
        print(f"  {name:{width}}  {text}")
    print("\noptions:")
    print("  --safe-mode        load the built-in plugins only")
    print("  --disable NAME     do not load this plugin; may be repeated")
    print(f"  --log-level LEVEL  {', '.join(LEVELS)}")
    print("  --version          print the version")
    print("\n`dexgen-app SUBCOMMAND --help` tells more.")


if __name__ == "__main__":
    sys.exit(main())
