"""What keeps the window alive: every stray exception and Qt message goes to the log.

An exception that leaves a slot aborts a PyQt6 process unless ``sys.excepthook`` is replaced.
"""

from __future__ import annotations

import faulthandler
import logging
import sys
import threading
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, TextIO

from PyQt6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from dexgen_app import paths

log = logging.getLogger("dexgen_app.gui")
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_QUIET = ("propagateSizeHints", "XDG_RUNTIME_DIR")
_file: TextIO | None = None


def install() -> None:
    """Send exceptions of slots and threads, warnings and Qt's messages to the log."""
    global _file
    sys.excepthook = _on_exception
    threading.excepthook = _on_thread_exception
    warnings.showwarning = _on_warning
    qInstallMessageHandler(_on_qt_message)
    try:
        _file = (paths.data_dir() / "crash.log").open("a", encoding="utf-8")
        faulthandler.enable(_file)
    except OSError:
        faulthandler.enable()


def _on_exception(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        from PyQt6.QtWidgets import QApplication

        QApplication.quit()
        return
    owner = _plugin_of(trace)
    where = f"the plugin {owner}" if owner else "the window"
    log.error("unexpected error in %s: %s", where, error, exc_info=(kind, error, trace))


def _on_thread_exception(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit:
        _on_exception(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)


def _plugin_of(trace: TracebackType | None) -> str:
    """Name the last package in a traceback that is neither ours nor Qt's."""
    owner = ""
    while trace is not None:
        package = str(trace.tb_frame.f_globals.get("__name__", "")).split(".")[0]
        if package.startswith("dexgen_") and package != "dexgen_app":
            owner = package
        trace = trace.tb_next
    return owner


def _on_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any
) -> None:
    logging.getLogger("warnings").warning(
        "%s: %s (%s:%s)", category.__name__, message, filename, lineno
    )


def _on_qt_message(kind: QtMsgType, _context: QMessageLogContext, text: str | None) -> None:
    if text and not any(word in text for word in _QUIET):
        logging.getLogger("qt").log(_LEVELS.get(kind, logging.WARNING), "%s", text)


def guard(call: Callable[[], object], what: str) -> bool:
    """Run ``call``; log what it raises. Return whether it went well."""
    try:
        call()
    except Exception as error:
        log.error("%s failed: %s", what, error, exc_info=True)
        return False
    return True
