"""The style sheet. ``@name`` stands for a field of ``theme.Colors``; alpha is ``#AARRGGBB``."""

STYLE_SHEET = """
QMainWindow::separator { background: @window; width: 6px; height: 6px; }
QMainWindow::separator:hover { background: @accent; }
QToolTip { background: @raised; color: @text; border: 1px solid @border; padding: 5px 7px; }

QDockWidget { titlebar-close-icon: none; titlebar-normal-icon: none; }
#dockTitle { background: @panel; border-bottom: 1px solid @border; }
#dockTitle QLabel { color: @text; font-weight: 600; }
#dockTitle QToolButton { border: none; background: transparent; padding: 2px; border-radius: 3px; }
#dockTitle QToolButton:hover { background: @hover; }
#dockBody { background: @panel; }

QMenuBar { background: @panel; border-bottom: 1px solid @border; padding: 1px 4px; }
QMenuBar::item { padding: 4px 9px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: @hover; }
QMenu { background: @panel; border: 1px solid @border; padding: 5px; }
QMenu::item { padding: 5px 26px 5px 22px; border-radius: 4px; }
QMenu::item:selected { background: @accent; color: @on_accent; }
QMenu::item:disabled { color: @muted; background: transparent; }
QMenu::separator { height: 1px; background: @border; margin: 5px 8px; }
QMenu::icon { padding-left: 6px; }

#safetyBar { background: @panel; border: none; border-bottom: 1px solid @border; spacing: 0; }
#parameterBar { background: @panel; border: none; border-bottom: 1px solid @border; }
#caption { color: @muted; font-size: 7.5pt; font-weight: 600; letter-spacing: 0.6px; }
#muted { color: @muted; }
#title { font-size: 12.5pt; font-weight: 600; }
#heading { font-weight: 600; }
#remark { color: @warn; font-weight: 600; }
#mono { font-family: "DejaVu Sans Mono", "Consolas", "Menlo", monospace; }
#barLine { background: @border; }

QPushButton, QToolButton#tool, QComboBox, QLineEdit, QSpinBox, QDoubleSpinBox {
  background: @raised; border: 1px solid @border; border-radius: 5px; color: @text;
  padding: 3px 9px; min-height: 22px; }
QPushButton:hover, QToolButton#tool:hover, QComboBox:hover { background: @hover; }
QPushButton:focus, QToolButton#tool:focus, QComboBox:focus, QLineEdit:focus, QSpinBox:focus,
QDoubleSpinBox:focus { border-color: @accent; }
QPushButton:pressed, QToolButton#tool:pressed { background: @sunken; }
QPushButton:checked, QToolButton#tool:checked { border-color: @accent; color: @accent; }
QPushButton:disabled, QToolButton#tool:disabled, QComboBox:disabled, QLineEdit:disabled {
  background: @panel; color: @muted; }
QToolButton#tool { padding: 3px 5px; }
QToolButton#tool::menu-indicator { image: none; }
QToolButton#flat { border: none; background: transparent; border-radius: 4px; padding: 3px; }
QToolButton#flat:hover { background: @hover; }
QToolButton#flat:checked { background: @hover; }
QLineEdit { padding: 3px 8px; background: @sunken; }
QSpinBox, QDoubleSpinBox { background: @sunken; padding: 3px 4px; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: url(@arrow_icon); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: @panel; border: 1px solid @border; padding: 4px;
  selection-background-color: @accent; selection-color: @on_accent; outline: none; }
QPushButton[role="primary"] { background: @accent; color: @on_accent; border-color: @accent;
  font-weight: 600; }
QPushButton[role="primary"]:disabled { background: @raised; color: @muted; border-color: @border; }
QPushButton[role="armed"] { background: @warn; color: @on_warn; border-color: @warn;
  font-weight: 700; }
QPushButton[role="recording"] { border-color: @bad; color: @bad; font-weight: 600; }
QPushButton[role="stop"] { background: @stop; color: #ffffff; border: 2px solid @stop;
  border-radius: 8px; font-size: 14pt; font-weight: 800; letter-spacing: 1.5px;
  padding: 4px 16px; }
QPushButton[role="stop"]:hover { border-color: #ffffff; }
QPushButton[role="stop"][latched="true"] { background: #5b1216; border-color: @bad; }
QPushButton[role="switch"] { background: @warn; color: @on_warn; border: 1px solid @warn;
  border-radius: 14px; font-size: 11pt; font-weight: 800; letter-spacing: 0.8px;
  padding: 0 12px; }
QPushButton[role="switch"]:checked { background: @ok; color: @on_ok; border-color: @ok; }
QPushButton[role="switch"]:focus { border-color: @text; }
QPushButton[role="link"] { border: none; background: transparent; color: @accent; padding: 2px; }

#pill { border-radius: 14px; border: 1px solid @border; background: @raised; }
#pill QLabel { font-weight: 700; background: transparent; }
#pill[tone="neutral"] QLabel { color: @muted; }
#pill[tone="info"] { border-color: @accent; } #pill[tone="info"] QLabel { color: @accent; }
#pill[tone="ok"] { border-color: @ok; } #pill[tone="ok"] QLabel { color: @ok; }
#pill[tone="warn"] { border-color: @warn; } #pill[tone="warn"] QLabel { color: @warn; }
#pill[tone="bad"] { border-color: @bad; } #pill[tone="bad"] QLabel { color: @bad; }
#pill[tone="solid"] { border-color: @ok; background: @ok; }
#pill[tone="solid"] QLabel { color: @on_ok; }
#pill[tone="alarm"] { border-color: @stop; background: @stop; }
#pill[tone="alarm"] QLabel { color: #ffffff; }

#banner { border: none; border-bottom: 1px solid @border; background: @raised; }
#banner[tone="bad"] { background: @stop; } #banner[tone="bad"] QLabel { color: #ffffff; }
#banner[tone="warn"] { background: @warn; } #banner[tone="warn"] QLabel { color: @on_warn; }
#toast { background: @raised; border: 1px solid @border; border-radius: 8px; }
#toast[tone="bad"] { border-color: @bad; } #toast[tone="warn"] { border-color: @warn; }
#card { background: @panel; border: 1px solid @border; border-radius: 10px; }
#palette { background: @panel; border: 1px solid @accent; border-radius: 10px; }
#palette QLineEdit { font-size: 12pt; padding: 7px 10px; border-radius: 6px; }
#dropOverlay { background: #cc0c0f12; color: #ffffff; font-size: 18pt; font-weight: 600;
  border: 2px dashed @accent; }

QTreeView, QTableView, QListView, QPlainTextEdit, QTextEdit { background: @panel; border: none;
  selection-background-color: @hover; selection-color: @text; outline: none;
  alternate-background-color: @sunken; }
QTreeView::item, QListView::item { padding: 3px 2px; min-height: 18px; }
QTreeView::item:hover, QListView::item:hover { background: @raised; }
QTreeView::item:selected, QListView::item:selected { background: @hover; color: @text; }
QHeaderView { background: @panel; border: none; }
QHeaderView::section { background: @panel; color: @muted; border: none;
  border-bottom: 1px solid @border; padding: 4px 6px; font-weight: 600; font-size: 8.5pt; }
QPlainTextEdit { background: @sunken; padding: 2px; }

QTabBar::tab { background: @window; color: @muted; padding: 6px 14px; border: none;
  border-top: 2px solid transparent; }
QTabBar::tab:selected { background: @panel; color: @text; border-top-color: @accent; }
QTabBar::tab:hover { color: @text; }
QTabWidget::pane { border: 1px solid @border; border-radius: 5px; }

QScrollArea { background: transparent; border: none; }
#sheet { background: @panel; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: @border; border-radius: 4px; min-height: 24px; min-width: 24px;
  margin: 1px; }
QScrollBar::handle:hover { background: @muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QProgressBar { background: @sunken; border: 1px solid @border; border-radius: 4px;
  min-height: 6px; max-height: 6px; }
QProgressBar::chunk { background: @accent; border-radius: 3px; }
QSlider::groove:horizontal { height: 4px; background: @border; border-radius: 2px; }
QSlider::sub-page:horizontal { background: @accent; border-radius: 2px; }
QSlider::handle:horizontal { background: @text; width: 12px; height: 12px; margin: -4px 0;
  border-radius: 6px; }
QSlider::handle:horizontal:focus { background: @accent; }
QSlider::sub-page:horizontal:disabled { background: @muted; }
QStatusBar { background: @panel; border-top: 1px solid @border; }
QStatusBar::item { border: none; }
QSplitter::handle { background: @window; }
QCheckBox { spacing: 7px; }
QGroupBox { border: 1px solid @border; border-radius: 6px; margin-top: 9px; padding-top: 6px; }
QGroupBox::title { subcontrol-origin: margin; left: 9px; padding: 0 4px; color: @muted; }
"""
