"""The status bar: rates, latencies and resources, amber and red beyond their thresholds."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import dataclass

from PyQt6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QStatusBar, QWidget

from dexgen_app.gui import theme
from dexgen_app.gui.metrics import Figures
from dexgen_app.settings import load_settings


@dataclass(frozen=True)
class Gauge:
    """A figure of the status bar; ``rising`` figures are bad when large."""

    name: str
    title: str
    form: str
    warn: float
    bad: float
    rising: bool = True
    help: str = ""

    def tone(self, value: float) -> str:
        """Return ``ok``, ``warn`` or ``bad`` for a value; ``muted`` if there is none."""
        if not math.isfinite(value):
            return "muted"
        sign = 1.0 if self.rising else -1.0
        if sign * value >= sign * self.bad:
            return "bad"
        return "warn" if sign * value >= sign * self.warn else "text"


GAUGES = (
    Gauge(
        "rtf",
        "sim",
        "{:.2f}\N{MULTIPLICATION SIGN}",
        0.98,
        0.9,
        False,
        "Simulated time over real time",
    ),
    Gauge("state", "state", "{:.0f} Hz", 57.0, 50.0, False, "States a second from the worker"),
    Gauge("loop", "loop p95", "{:.1f} ms", 12.0, 16.7, help="Work of a tick, 95th percentile"),
    Gauge("p50", "latency p50", "{:.1f} ms", 10.0, 25.0, help="Device sample to hand command"),
    Gauge("p95", "p95", "{:.1f} ms", 25.0, 50.0, help="Device sample to hand command"),
    Gauge("late", "late", "{:.1f} %", 1.0, 5.0, help="Ticks more than half a period late"),
    Gauge("dropped", "dropped", "{:.0f}", 1.0, 100.0, help="States that the window missed"),
    Gauge("disk", "disk", "{:.0f} GB", 10.0, 2.0, False, "Free space for recordings"),
    Gauge("gui", "window", "{:.0f} % CPU", 80.0, 95.0, help="One core is 100 %"),
)


class StatusBar(QStatusBar):
    """Shows every gauge."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.message = QLabel("", objectName="muted")
        self.message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._labels: dict[str, QLabel] = {}
        self._cpu = (time.monotonic(), time.process_time())
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(10, 2, 12, 2)
        row.setSpacing(16)
        row.addWidget(self.message, 1)
        for gauge in GAUGES:
            label = QLabel()
            label.setToolTip(gauge.help)
            self._labels[gauge.name] = label
            row.addWidget(label)
        self.addWidget(body, 1)
        self.show_figures(Figures())

    def show_figures(self, figures: Figures) -> None:
        """Show a session's figures together with those of this process."""
        values = {
            "rtf": figures.real_time_factor,
            "state": figures.state_hz,
            "loop": figures.work_p95_ms,
            "p50": figures.latency_p50_ms,
            "p95": figures.latency_p95_ms,
            "late": 100.0 * figures.late / figures.ticks if figures.ticks else math.nan,
            "dropped": float(figures.dropped) if figures.ticks else math.nan,
            "disk": _disk_gb(),
            "gui": self._cpu_percent(),
        }
        c = theme.colors()
        for gauge in GAUGES:
            value = values[gauge.name]
            text = gauge.form.format(value) if math.isfinite(value) else "\N{EN DASH}"
            color = getattr(c, gauge.tone(value))
            self._labels[gauge.name].setText(
                f"<span style='color:{c.muted}'>{gauge.title}</span>&nbsp;"
                f"<span style='color:{color}'>{text}</span>"
            )

    def tone(self, name: str) -> str:
        """Return a gauge's text as it is shown (for tests and screen readers)."""
        return self._labels[name].text()

    def _cpu_percent(self) -> float:
        now, used = time.monotonic(), time.process_time()
        before, before_used = self._cpu
        if now - before < 0.2:
            return math.nan
        self._cpu = (now, used)
        return 100.0 * (used - before_used) / (now - before)


def _disk_gb() -> float:
    try:
        return shutil.disk_usage(load_settings().recordings_dir).free / 1e9
    except OSError:
        return math.nan
