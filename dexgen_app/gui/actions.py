"""One registry of everything that can be done: menus, shortcuts and the palette show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PyQt6.QtCore import QObject, Qt
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMenu, QWidget

from dexgen_app.gui import theme

MENUS = ("Session", "Episode", "View", "Tools", "Help")


@dataclass(frozen=True, kw_only=True)
class ActionInfo:
    """Something that can be done.

    Attributes:
        id: Stable identifier, such as ``session.arm``.
        title: Name in menus and in the palette.
        run: Does it.
        menu: One of ``MENUS``, or empty to show it in the palette only.
        shortcut: Key in Qt's portable notation; several are separated by ``|``.
        icon: qtawesome name.
        help: One line for the tooltip and the shortcut list.
        checkable: Whether it is a switch; ``run`` is then called without its state.
        separator: Whether a line stands above it in the menu.
    """

    id: str
    title: str
    run: Callable[[], object]
    menu: str = ""
    shortcut: str = ""
    icon: str = ""
    help: str = ""
    checkable: bool = False
    separator: bool = False


class ActionRegistry(QObject):
    """Keeps the actions and their ``QAction`` twins."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner = owner
        self._infos: dict[str, ActionInfo] = {}
        self._actions: dict[str, QAction] = {}

    def add(self, info: ActionInfo) -> QAction:
        """Add an action.

        Raises:
            ValueError: Its id is taken.
        """
        if info.id in self._infos:
            raise ValueError(f"the action {info.id} exists already")
        action = QAction(info.title, self._owner)
        action.setObjectName(info.id)
        action.setCheckable(info.checkable)
        action.setMenuRole(QAction.MenuRole.NoRole)
        free = [keys for keys in info.shortcut.split("|") if keys and not self.taken(keys)]
        if free:
            action.setShortcuts([QKeySequence(keys) for keys in free])
            action.setShortcutContext(Qt.ShortcutContext.ApplicationShortcut)
        if info.icon:
            theme.set_icon(action, info.icon)
        keys = f"  ({free[0]})" if free else ""
        action.setToolTip((info.help or info.title) + keys)
        run = info.run
        action.triggered.connect(lambda _checked=False: run())
        self._owner.addAction(action)
        self._infos[info.id] = info
        self._actions[info.id] = action
        return action

    def adopt(self, id: str, action: QAction, title: str, menu: str = "") -> None:
        """List an action that Qt made, such as the switch of a dock."""
        self._infos[id] = ActionInfo(id=id, title=title, run=action.trigger, menu=menu)
        self._actions[id] = action

    def taken(self, shortcut: str) -> bool:
        """Return whether a key belongs to an action already."""
        wanted = QKeySequence(shortcut)
        return any(wanted in action.shortcuts() for action in self._actions.values())

    def __getitem__(self, id: str) -> QAction:
        return self._actions[id]

    def __contains__(self, id: str) -> bool:
        return id in self._actions

    def __iter__(self) -> Iterator[ActionInfo]:
        return iter(self._infos.values())

    def fill_menu(self, menu: QMenu, name: str) -> None:
        """Put every action of the menu called ``name`` into ``menu``."""
        for info in self._infos.values():
            if info.menu == name:
                if info.separator:
                    menu.addSeparator()
                menu.addAction(self._actions[info.id])


def match(query: str, text: str) -> int | None:
    """Score how well a query's letters occur in order in a text.

    Args:
        query: What was typed.
        text: A title.

    Returns:
        A score, smaller is better; None if a letter is missing.
    """
    score, position, previous = 0, 0, -1
    folded = text.lower()
    whole = folded.find(query.lower().strip())
    if whole >= 0:
        return -20 if whole == 0 or not folded[whole - 1].isalnum() else -10
    for letter in query.lower():
        if letter == " ":
            continue
        found = folded.find(letter, position)
        if found < 0:
            return None
        starts_word = found == 0 or not folded[found - 1].isalnum()
        score += 0 if found == previous + 1 else 2 if starts_word else 5 + found - position
        previous, position = found, found + 1
    return score
