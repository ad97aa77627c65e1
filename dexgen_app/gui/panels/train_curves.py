"""Curves of training runs over environment steps: a plot a metric, a colour a run."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PyQt6.QtWidgets import QGridLayout, QScrollArea, QVBoxLayout, QWidget

from dexgen_app.gui import theme
from dexgen_app.gui.runs import METRICS

_LEAST_HEIGHT = 110
_TWO_COLUMNS = 420


class MetricPlot(pg.PlotWidget):
    """One metric's curves."""

    def __init__(self, title: str, unit: str) -> None:
        super().__init__()
        self._title = f"{title} [{unit}]" if unit else title
        self.setAccessibleName(title)
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setMouseEnabled(False, False)
        item.setContentsMargins(2, 0, 8, 0)
        item.getAxis("bottom").enableAutoSIPrefix(False)
        item.getAxis("left").enableAutoSIPrefix(False)
        self.setMinimumHeight(_LEAST_HEIGHT)
        self.curves: dict[str, pg.PlotCurveItem] = {}
        theme.follow(self, self._restyle)

    def set_runs(self, colors: dict[str, str]) -> None:
        """Have one curve for each run, in its colour."""
        for name in set(self.curves) - set(colors):
            self.removeItem(self.curves.pop(name))
        for name, color in colors.items():
            if name not in self.curves:
                self.curves[name] = pg.PlotCurveItem()
                self.addItem(self.curves[name])
            self.curves[name].setPen(pg.mkPen(color, width=1.4))

    def show_points(self, name: str, steps: np.ndarray, values: np.ndarray) -> None:
        """Show a run's points; steps are drawn in millions."""
        if name in self.curves:
            self.curves[name].setData(steps / 1e6, values)

    def _restyle(self) -> None:
        c = theme.colors()
        self.setBackground(c.panel)
        item = self.getPlotItem()
        item.setTitle(self._title, color=c.text, size="9pt")
        item.showGrid(x=True, y=True, alpha=0.12)
        for name in ("left", "bottom"):
            axis = item.getAxis(name)
            axis.setPen(pg.mkPen(c.border))
            axis.setTextPen(pg.mkPen(c.muted))
            axis.setStyle(tickLength=-3, tickTextOffset=4)
        item.getAxis("left").setWidth(46)
        item.getAxis("bottom").setHeight(20)


class TrainCurves(QScrollArea):
    """A grid of metric plots; the steps below them are in millions."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        body = QWidget(objectName="sheet")
        self._grid = QGridLayout()
        self._grid.setContentsMargins(4, 2, 6, 2)
        self._grid.setSpacing(2)
        self._runs: list[str] = []
        self.plots = {name: MetricPlot(*words) for name, words in METRICS.items()}
        for plot in self.plots.values():
            plot.setToolTip("Environment steps in millions to the right")
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._grid, 1)
        self.setWidget(body)
        self._columns = 0
        self._arrange(2)
        theme.notifier().changed.connect(self._recolor)

    def color(self, index: int) -> str:
        """Return the colour of the run at a place among the chosen ones."""
        curves = theme.colors().curves
        return curves[index % len(curves)]

    def set_runs(self, names: list[str]) -> None:
        """Choose whose curves are drawn, in the order of the colours."""
        self._runs = list(names)
        self._recolor()

    def show_curves(self, curves: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]) -> None:
        """Show points by run and metric."""
        for name, metrics in curves.items():
            for metric, (steps, values) in metrics.items():
                self.plots[metric].show_points(name, steps, values)

    def resizeEvent(self, event: object) -> None:
        """Use one column where there is little room."""
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._arrange(2 if self.width() >= _TWO_COLUMNS else 1)

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for i, plot in enumerate(self.plots.values()):
            self._grid.removeWidget(plot)
            last = columns > 1 and i == len(self.plots) - 1 and len(self.plots) % columns
            self._grid.addWidget(plot, i // columns, i % columns, 1, columns if last else 1)

    def _recolor(self) -> None:
        colors = {name: self.color(i) for i, name in enumerate(self._runs)}
        for plot in self.plots.values():
            plot.set_runs(colors)
