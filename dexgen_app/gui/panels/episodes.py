"""Episodes: the recordings in the recordings folder, and what was marked in them."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import QEvent, QObject, QPoint, QRunnable, Qt, QThreadPool, QTimer, pyqtSignal
from PyQt6.QtGui import QBrush, QColor, QKeyEvent, QResizeEvent
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QStackedWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from dexgen_app.errors import DexgenError
from dexgen_app.gui import theme
from dexgen_app.gui.widgets import EmptyState, tool
from dexgen_app.recording.episodes import Episode
from dexgen_app.recording.reader import Recording
from dexgen_app.settings import load_settings

log = logging.getLogger("dexgen_app.gui.episodes")
MAX_RECORDINGS = 100
_NOTE_HINT = "Note, then Enter"
_DEVICE_FROM = 400
"""Width from which the device has a column [px]."""
MARK_LOOK = {
    "keep": ("mdi6.check-circle-outline", "ok", "keep"),
    "fail": ("mdi6.close-circle-outline", "warn", "fail"),
    "discard": ("mdi6.trash-can-outline", "muted", "discard"),
    "": ("mdi6.help-circle-outline", "muted", "open"),
}
_PATH = Qt.ItemDataRole.UserRole
_EPISODE = Qt.ItemDataRole.UserRole + 1
_MARK = Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the list shows of a recording."""

    path: Path
    seconds: float = 0.0
    device: str = ""
    hand: str = ""
    episodes: tuple[Episode, ...] = ()
    truncated: bool = False
    error: str = ""


def summarize(path: Path) -> Summary:
    """Read a recording and return what the list shows of it; errors become its text."""
    try:
        recording = Recording.open(path)
    except DexgenError as error:
        return Summary(path=path, error=str(error))
    return Summary(
        path=path,
        seconds=recording.seconds,
        device=str(recording.config.get("device", "")).split(":")[0],
        hand=recording.hand_id,
        episodes=recording.episodes,
        truncated=recording.truncated,
    )


class _Results(QObject):
    done = pyqtSignal(object, object)


class _Reader(QRunnable):
    """Reads one recording in a thread of the pool."""

    def __init__(self, path: Path, key: tuple[int, int], results: _Results) -> None:
        super().__init__()
        self._path, self._key, self._results = path, key, results

    def run(self) -> None:
        """Read and report."""
        try:
            summary = summarize(self._path)
        except Exception as error:  # a foreign file may raise anything
            summary = Summary(path=self._path, error=f"{type(error).__name__}: {error}")
        try:
            self._results.done.emit(summary, self._key)
        except RuntimeError:
            return


class EpisodesPanel(QWidget):
    """Lists recordings and episodes; marks and notes are kept beside the recording.

    Signals:
        review_wanted: ``(path, episode)``; episode is -1 for the whole recording.
        replay_wanted: The same, to be played on the connected hand.
        note_written: A note for the recording that runs.
        failed: A message for the person.
    """

    note_written = pyqtSignal(str)

    review_wanted = pyqtSignal(object, int)
    replay_wanted = pyqtSignal(object, int)
    failed = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[Path, tuple[tuple[int, int], Summary]] = {}
        self._pending: set[Path] = set()
        self._busy_path: Path | None = None
        self._closing: Path | None = None
        self._running: dict[int, tuple[str, float]] = {}
        self._live_note = False
        self._trouble = ""
        self._results = _Results()
        self._results.done.connect(self._on_read)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(["recording", "length", "device", "mark"])
        self.tree.setUniformRowHeights(True)
        self.tree.setIndentation(14)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.setAccessibleName("Recordings and episodes")
        header = self.tree.header()
        if header is not None:
            header.setStretchLastSection(False)
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            for column, width in ((1, 58), (2, 66), (3, 80)):
                header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
                header.resizeSection(column, width)
        self.note = QLineEdit(placeholderText=_NOTE_HINT)
        self.note.setAccessibleName("Note")
        empty = EmptyState(
            "mdi6.movie-open-outline",
            "No recordings yet",
            "F10 records the session, F5 begins an episode.\nDrop a .mcap file here to review it.",
        )
        self.stack = QStackedWidget()
        self.stack.addWidget(empty)
        self.stack.addWidget(self.tree)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.stack, 1)
        layout.addLayout(self._foot())
        self.tree.installEventFilter(self)
        self.setFocusProxy(self.tree)
        self.tree.itemDoubleClicked.connect(self._on_open)
        self.tree.currentItemChanged.connect(self._on_current)
        self.tree.customContextMenuRequested.connect(self._on_menu)
        self.note.returnPressed.connect(self._on_note)
        theme.notifier().changed.connect(self._fill)
        self._timer = QTimer(self)
        self._timer.setInterval(4000)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self.refresh()

    def _foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(10, 6, 8, 7)
        row.setSpacing(4)
        self.open_button = tool("mdi6.play-outline", "Review  (Enter)")
        self.open_button.clicked.connect(self._on_open)
        row.addWidget(self.note, 1)
        row.addWidget(self.open_button)
        for mark, keys in (("keep", "K"), ("fail", "F"), ("discard", "D")):
            icon, _, word = MARK_LOOK[mark]
            made = tool(icon, f"Mark as {word}  ({keys} in the list)")
            made.clicked.connect(lambda _checked, m=mark: self.mark(m))
            row.addWidget(made)
        return row

    def set_busy_path(self, path: Path | None) -> None:
        """Name the file that is being written; it is read when it is closed."""
        if path is None and self._busy_path is not None:
            self._closing = self._busy_path  # its rows stay until the file is read
        else:
            self._closing = None
            self._running.clear()
        self._busy_path = path
        self._fill()
        QTimer.singleShot(300, self.refresh)

    def show_running(self, index: int, mark: str, seconds: float) -> None:
        """Show an episode of the file that is being written; ``mark`` is empty while it runs."""
        self._running[index] = (mark, seconds)
        self._fill()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Leave the device out where the name needs the room."""
        super().resizeEvent(event)
        self.tree.setColumnHidden(2, self.width() < _DEVICE_FROM)

    def refresh(self) -> None:
        """Look for new, changed and vanished files."""
        found: dict[Path, tuple[int, int]] = {}
        try:
            for path in load_settings().recordings_dir.glob("*.mcap"):
                try:
                    status = path.stat()
                except OSError:
                    continue
                edits = path.with_name(path.name.removesuffix(".mcap") + ".episodes.toml")
                changed = edits.stat().st_mtime_ns if edits.exists() else 0
                found[path] = (status.st_mtime_ns + changed, status.st_size)
            self._trouble = ""
        except OSError as error:
            if str(error) != self._trouble:
                log.warning("the recordings folder cannot be read: %s", error)
            self._trouble = str(error)
        newest = sorted(found, key=lambda p: found[p], reverse=True)[:MAX_RECORDINGS]
        if self._closing is not None and self._closing not in found:
            self._closing = None
            self._running.clear()
            self._fill()
        gone = set(self._known) - set(newest)
        for path in gone:
            del self._known[path]
        for path in newest:
            known = self._known.get(path)
            fresh = known is not None and known[0] == found[path]
            if fresh or path in self._pending or path == self._busy_path:
                continue
            self._pending.add(path)
            self._pool.start(_Reader(path, found[path], self._results))
        if gone:
            self._fill()

    def stop(self) -> None:
        """Look for files no more."""
        self._timer.stop()

    def wait(self) -> None:
        """Wait until every file that was found is read."""
        self._pool.waitForDone(10_000)

    def _on_read(self, summary: Summary, key: tuple[int, int]) -> None:
        self._pending.discard(summary.path)
        self._known[summary.path] = (key, summary)
        if summary.path == self._closing:
            self._closing = None
            self._running.clear()
        self._fill()

    def _fill(self) -> None:
        chosen = self.chosen()
        closed = {
            item.data(0, _PATH)
            for item in self._top_items()
            if not item.isExpanded() and item.childCount()
        }
        self.tree.clear()
        order = sorted(self._known.values(), key=lambda pair: pair[1].path.name, reverse=True)
        for _, summary in order:
            item = self._recording_item(summary)
            item.setExpanded(str(summary.path) not in closed)
            if chosen and chosen[0] == summary.path:
                picked = item
                for i in range(item.childCount()):
                    child = item.child(i)
                    if child is not None and child.data(0, _EPISODE) == chosen[1]:
                        picked = child
                self.tree.setCurrentItem(picked)
        written = self._busy_path or self._closing
        if written is not None:
            word = "recording" if self._busy_path else "closing"
            busy = QTreeWidgetItem([short_name(written), "", "", word])
            busy.setData(0, _PATH, str(written))
            busy.setData(0, _EPISODE, -1)
            busy.setIcon(0, theme.icon("mdi6.record-circle", "bad"))
            busy.setForeground(3, QBrush(QColor(theme.colors().bad)))
            self.tree.insertTopLevelItem(0, busy)
            for index, (mark, seconds) in self._running.items():
                icon, tint, word = MARK_LOOK[mark] if mark else ("mdi6.record", "bad", "now")
                length = clock(seconds) if mark else ""
                child = QTreeWidgetItem([f"episode {index + 1}", length, "", word])
                child.setIcon(3, theme.icon(icon, tint))
                child.setForeground(3, QBrush(QColor(getattr(theme.colors(), tint))))
                child.setData(0, _PATH, str(written))
                child.setData(0, _EPISODE, index)
                busy.addChild(child)
            busy.setExpanded(True)
        self.stack.setCurrentIndex(1 if self.tree.topLevelItemCount() else 0)

    def _top_items(self) -> list[QTreeWidgetItem]:
        items = (self.tree.topLevelItem(i) for i in range(self.tree.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _recording_item(self, summary: Summary) -> QTreeWidgetItem:
        c = theme.colors()
        name = short_name(summary.path)
        item = QTreeWidgetItem([name, clock(summary.seconds), summary.device, ""])
        item.setData(0, _PATH, str(summary.path))
        item.setData(0, _EPISODE, -1)
        item.setToolTip(0, f"{summary.path}\n{summary.hand}, {summary.device}")
        item.setIcon(0, theme.icon("mdi6.filmstrip", "muted"))
        if summary.error:
            item.setToolTip(0, summary.error)
            item.setText(3, "damaged")
            item.setText(1, "\N{EN DASH}")
            item.setForeground(3, QBrush(QColor(c.bad)))
        elif summary.truncated:
            item.setText(3, "cut short")
            item.setToolTip(3, "The recorder was killed; everything up to then is here")
            item.setForeground(3, QBrush(QColor(c.warn)))
        self.tree.addTopLevelItem(item)
        for episode in summary.episodes:
            icon, tint, word = MARK_LOOK.get(episode.mark, MARK_LOOK[""])
            note = episode.note.replace("\n", " ")
            child = QTreeWidgetItem(
                [f"episode {episode.index + 1}", clock(episode.seconds), "", word]
            )
            if note:
                child.setText(0, f"episode {episode.index + 1}  ·  {note}")
                child.setToolTip(0, episode.note)
            child.setIcon(3, theme.icon(icon, tint))
            child.setForeground(3, QBrush(QColor(getattr(c, tint))))
            child.setData(0, _PATH, str(summary.path))
            child.setData(0, _EPISODE, episode.index)
            child.setData(0, _MARK, episode.note)
            item.addChild(child)
        return item

    def chosen(self) -> tuple[Path, int] | None:
        """Return the path and episode (-1: the whole recording) that is chosen."""
        item = self.tree.currentItem()
        if item is None:
            return None
        return Path(item.data(0, _PATH)), int(item.data(0, _EPISODE))

    def mark(self, mark: str) -> None:
        """Give the chosen episode a mark."""
        self._edit(mark=mark)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """K, F, D mark; N writes a note; Enter reviews; H plays on the hand."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        key = Qt.Key(event.key())
        marks = {Qt.Key.Key_K: "keep", Qt.Key.Key_F: "fail", Qt.Key.Key_D: "discard"}
        if key in marks:
            self.mark(marks[key])
        elif key == Qt.Key.Key_N:
            self.start_note(live=False)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_open()
        elif key == Qt.Key.Key_H:
            self._emit(self.replay_wanted)
        else:
            return False
        return True

    def start_note(self, live: bool) -> None:
        """Put the cursor into the note field, for the running recording or the chosen episode."""
        self._live_note = live
        if live:
            self.note.clear()
            self.note.setEnabled(True)
            self.note.setPlaceholderText("Note for the running recording, then Enter")
        self.note.setFocus()

    def _on_note(self) -> None:
        if self._live_note:
            self._live_note = False
            self.note.setPlaceholderText(_NOTE_HINT)
            self.note_written.emit(self.note.text())
            self.note.clear()
        else:
            self._edit(note=self.note.text())
        self.tree.setFocus()

    def _edit(self, **changes: str) -> None:
        chosen = self.chosen()
        if chosen is None or chosen[1] < 0:
            self.failed.emit("Choose an episode in the list first")
            return
        if chosen[0] in (self._busy_path, self._closing):
            self.failed.emit("This recording is still being written: stop it first (F10)")
            return
        try:
            Recording.open(chosen[0]).edit_episode(chosen[1], **changes)
        except DexgenError as error:
            self.failed.emit(str(error))
            return
        self.refresh()

    def _on_current(self) -> None:
        item = self.tree.currentItem()
        editable = item is not None and item.data(0, _EPISODE) >= 0
        self.note.setEnabled(editable)
        self.note.setText(str(item.data(0, _MARK) or "") if item and editable else "")

    def _on_open(self) -> None:
        self._emit(self.review_wanted)

    def _emit(self, signal: object) -> None:
        chosen = self.chosen()
        if chosen is not None and chosen[0] in (self._busy_path, self._closing):
            self.failed.emit("This recording is still being written: stop it first (F10)")
        elif chosen is not None:
            signal.emit(*chosen)  # type: ignore[attr-defined]

    def _on_menu(self, where: QPoint) -> None:
        if self.chosen() is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for title, call in (
            ("Review\tEnter", self._on_open),
            ("Play on the hand\tH", lambda: self._emit(self.replay_wanted)),
            ("Keep\tK", lambda: self.mark("keep")),
            ("Fail\tF", lambda: self.mark("fail")),
            ("Discard\tD", lambda: self.mark("discard")),
            ("Note\tN", lambda: self.start_note(live=False)),
        ):
            action = menu.addAction(title)
            if action is not None:
                action.triggered.connect(lambda _checked=False, c=call: c())
        viewport = self.tree.viewport()
        if viewport is not None:
            menu.popup(viewport.mapToGlobal(where))


def clock(seconds: float) -> str:
    """Return a length as ``1:02`` or ``7.3 s``."""
    if seconds >= 60:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
    return f"{seconds:.1f} s"


def short_name(path: Path) -> str:
    """Return a recording's name for a narrow column: ``15:11:08, 22 Nov`` if it is a time."""
    try:
        made = time.strptime("_".join(path.stem.split("_")[:2]), "%Y-%m-%d_%H-%M-%S")
    except ValueError:
        return path.stem
    return time.strftime("%H:%M:%S, %d %b", made)
