"""Keeps the errors of one plugin object from reaching the loop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from dexgen_app.errors import DexgenError
from dexgen_app.live.protocol import Failure, PluginHealth

MAX_ERRORS = 3
"""Errors of a method in a row after which an object is not called any more."""

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

    def call(self, name: str, method: Callable[..., T], *args: Any) -> T | None:
        """Return what ``method`` returns, or None if it raised or the object is suspended.

        Args:
            name: What the plugin's author calls the method.
            method: The method.
            *args: Its arguments.
        """
        if self.suspended:
            return None
        try:
            result = method(*args)
        except Exception as error:
            self._note(name, error)
            return None
        self._errors[name] = 0
        return result

    def _note(self, name: str, error: Exception) -> None:
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
