"""Whether a window can be shown here: Qt ends the whole process where it cannot."""

from __future__ import annotations

import ctypes
import os
import sys

from dexgen_app.errors import DexgenError

_WINDOWED = ("", "xcb", "wayland")


def has_display() -> bool:
    """Return whether a display is there and lets us in."""
    if sys.platform in ("win32", "darwin"):
        return True
    if os.environ.get("WAYLAND_DISPLAY"):
        return True
    return bool(os.environ.get("DISPLAY")) and _x_answers()


def _x_answers() -> bool:
    """Return whether the X server that DISPLAY names accepts a connection."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # Qt brings no X library either and says what is missing
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = (ctypes.c_void_p,)
    connection = xcb.xcb_connect(None, None)
    try:
        return not xcb.xcb_connection_has_error(connection)
    finally:
        xcb.xcb_disconnect(connection)


def require_display() -> None:
    """Make sure that a window can be shown.

    Raises:
        DexgenError: There is no display, or Qt lacks libraries for it.
    """
    if os.environ.get("QT_QPA_PLATFORM", "") not in _WINDOWED:
        return  # the user draws somewhere else
    if not has_display():
        name = os.environ.get("DISPLAY", "")
        raise DexgenError(
            f"the display {name} does not answer" if name else "there is no display",
            remedy="Without one there is: dexgen-app run, live --headless, replay --in sim, "
            "gui --offscreen",
        )
    from dexgen_app.health import check_qt_libraries

    libraries = check_qt_libraries()
    if libraries.remedy and not os.environ.get("WAYLAND_DISPLAY"):
        raise DexgenError(f"Qt's libraries: {libraries.text}", remedy=libraries.remedy)
