"""Keeps the errors of one plugin object from reaching the loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from dexgen_app.errors import DexgenError
from dexgen_app.live.protocol import Failure, PluginHealth

MAX_ERRORS = 3
"""Errors of a method in a row after which an object is not called any more."""

SLOW_NS = 15_000_000
"""Time that no method of a plugin may take in a tick [ns]."""

MAX_SLOW = 5
"""Slow calls in a row that are told."""

log = logging.getLogger(__name__)
T = TypeVar("T")


class PluginGuard:
    """Calls the methods of a plugin object and stops calling one that only raises.

    Args:
        owner: What is blamed, for example ``device replay``.
        report: Takes events; called when the object is suspended.
        kind: Its kind in the plugin registry, for example ``teleop_devices``; empty if it is
            our own.
        id: Its id there.

    Attributes:
        suspended: Whether it is not called any more.
        reason: Why it is suspended.
    """

    def __init__(
        self, owner: str, report: Callable[[Any], None], kind: str = "", id: str = ""
    ) -> None:
        self.owner = owner
        self.suspended = False
        self.reason = ""
        self._report = report
        self._kind = kind
        self._id = id
        self._errors: dict[str, int] = {}
        self._slow: dict[str, int] = {}
        self._told_slow: set[str] = set()

    def call(self, name: str, method: Callable[..., T], *args: Any) -> T | None:
        """Return what ``method`` returns, or None if it raised or the object is suspended.

        Args:
            name: What the plugin's author calls the method.
            method: The method.
            *args: Its arguments.
        """
        if self.suspended:
            return None
        begun = time.monotonic_ns()
        try:
            result = method(*args)
        except (Exception, SystemExit) as error:
            self._note(name, error)
            return None
        self._errors[name] = 0
        self._time(name, time.monotonic_ns() - begun)
        return result

    def _time(self, name: str, taken_ns: int) -> None:
        """Tell once of a method for which the whole loop waits again and again."""
        self._slow[name] = self._slow.get(name, 0) + 1 if taken_ns > SLOW_NS else 0
        if self._slow[name] == MAX_SLOW and name not in self._told_slow:
            self._told_slow.add(name)
            log.warning(
                "%s takes %.0f ms in %s, and the whole loop waits for it",
                self.owner,
                taken_ns * 1e-6,
                name,
            )

    def _note(self, name: str, error: BaseException) -> None:
        errors = self._errors[name] = self._errors.get(name, 0) + 1
        text = str(error) if isinstance(error, DexgenError) else f"{type(error).__name__}: {error}"
        log.error("%s raised in %s: %s", self.owner, name, text)
        log.debug("its traceback", exc_info=error)
        if errors >= MAX_ERRORS:
            self.suspended = True
            self.reason = what = f"it raised {errors} times in {name} and is suspended: {text}"
            self._report(
                Failure(
                    what=what,
                    where=self.owner,
                    remedy="Choose another one, or choose it again to restart it",
                )
            )
            if self._kind:
                self._report(
                    PluginHealth(kind=self._kind, id=self._id, suspended=True, reason=what)
                )
