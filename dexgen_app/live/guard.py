"""Keeps the errors of one plugin object from reaching the loop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from dexgen_app.errors import DexgenError
from dexgen_app.live.protocol import Failure

MAX_ERRORS = 3
"""Errors in a row after which an object is not called any more."""

log = logging.getLogger(__name__)
T = TypeVar("T")


class PluginGuard:
    """Calls the methods of a plugin object and stops calling one that only raises.

    Args:
        owner: What is blamed, for example ``device replay``.
        report: Called once, when the object is suspended.
    """

    def __init__(self, owner: str, report: Callable[[Failure], None]) -> None:
        self.owner = owner
        self.suspended = False
        self._report = report
        self._errors = 0

    def call(self, method: Callable[..., T], *args: Any) -> T | None:
        """Return what ``method`` returns, or None if it raised or the object is suspended."""
        if self.suspended:
            return None
        try:
            result = method(*args)
        except Exception as error:
            self._note(method, error)
            return None
        self._errors = 0
        return result

    def _note(self, method: Callable[..., Any], error: Exception) -> None:
        self._errors += 1
        name = getattr(method, "__name__", "call")
        text = str(error) if isinstance(error, DexgenError) else f"{type(error).__name__}: {error}"
        log.error("%s raised in %s: %s", self.owner, name, text)
        log.debug("its traceback", exc_info=error)
        if self._errors >= MAX_ERRORS:
            self.suspended = True
            self._report(
                Failure(
                    what=f"it raised {self._errors} times in {name} and is suspended: {text}",
                    where=self.owner,
                    remedy="Choose another one, or choose it again to restart it",
                )
            )
