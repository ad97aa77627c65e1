"""A menu of what a teleoperation device can use as its argument."""

from __future__ import annotations

import logging
from pathlib import Path

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QFileDialog, QInputDialog, QMenu, QWidget

from dexgen_app.errors import DexgenError
from dexgen_app.gui import theme
from dexgen_app.plugins import PluginRegistry
from dexgen_app.spec import TeleopSpec

log = logging.getLogger("dexgen_app.gui")
_MOST = 12


class ArgumentMenu(QMenu):
    """Lists what the device found, then a file and a word of one's own.

    Signals:
        chosen: The device as ``id:argument``.
    """

    chosen = pyqtSignal(str)

    def __init__(
        self, spec: TeleopSpec, registry: PluginRegistry, folder: Path, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._spec, self._folder = spec, folder
        heading = self.addAction(f"{spec.title}: {spec.argument_help}")
        if heading is not None:
            heading.setEnabled(False)
        for argument in found_arguments(spec, registry)[:_MOST]:
            title = Path(argument).name if "/" in argument else argument
            self._add(title, "mdi6.motion-play-outline", lambda a=argument: self._choose(a))
        self.addSeparator()
        if spec.probe:
            self._add(
                "Choose a file\N{HORIZONTAL ELLIPSIS}", "mdi6.folder-open-outline", self._ask_file
            )
        self._add("Type it\N{HORIZONTAL ELLIPSIS}", "mdi6.form-textbox", self._ask_word)

    def _add(self, title: str, icon: str, call: object) -> None:
        action = self.addAction(theme.icon(icon, "muted"), title)
        if action is not None:
            action.triggered.connect(lambda _checked=False: call())  # type: ignore[operator]

    def _choose(self, argument: str) -> None:
        if argument:
            self.chosen.emit(f"{self._spec.id}:{argument}")

    def _ask_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self.parentWidget(),
            self._spec.title,
            str(self._folder),
            "Motion (*.npy *.mcap);;All files (*)",
        )
        self._choose(path)

    def _ask_word(self) -> None:
        text, _ = QInputDialog.getText(
            self.parentWidget(), self._spec.title, self._spec.argument_help
        )
        self._choose(text.strip())


def found_arguments(spec: TeleopSpec, registry: PluginRegistry) -> list[str]:
    """Return what the device's probe finds; errors are logged and count as nothing."""
    if not spec.probe:
        return []
    try:
        return [str(item) for item in registry.build(spec.probe, owner_id=spec.id)]
    except (DexgenError, TypeError) as error:
        log.warning("the device %s could not be probed: %s", spec.id, error)
        return []
